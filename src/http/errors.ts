/**
 * The only place that makes error responses: OAuth JSON (RFC 6749 §5.2) under /oauth, problem
 * details (RFC 9457) elsewhere. Which error a refusal is, refusals.ts says.
 */
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { toFault } from '../calls/fault';
import type { AssertionReason } from '../service/refusal';
import type { RefusalReason } from '../sessions/end-reason';
import type { AppContext } from './context';

/**
 * Every `code` that a problem can have, with its status and title. `type` is
 * `urn:edge-sessions:problem:<code>`.
 */
export const PROBLEMS = {
  invalid_request: [400, 'The request is not valid'],
  invalid_token: [401, 'The access token is missing or not valid'],
  invalid_client: [401, 'Client authentication failed'],
  invalid_code: [400, 'The code is not good, or not any more'],
  insufficient_user_authentication: [401, 'A more recent authentication is needed'],
  session_ended: [401, 'The session is over'],
  ambiguous_cookie: [401, 'The cookies do not tell which session is meant'],
  cross_site_request: [403, 'The request comes from a site that may not make it'],
  third_party_cookies_blocked: [403, 'Browsers keep these cookies from pages of another site'],
  client_not_allowed: [403, 'The client is not allowed to do this'],
  actor_not_allowed: [403, 'Support staff may not do this as the user'],
  not_found: [404, 'There is nothing here'],
  method_not_allowed: [405, 'The method is not allowed here'],
  session_limit_reached: [409, 'The user has as many active sessions as allowed'],
  too_many_accounts: [409, 'The browser has as many accounts as it can hold; sign out of one'],
  user_has_other_home: [409, 'The user lives in another home'],
  user_moved: [409, 'The user is moving to another home; retry'],
  invalid_target: [400, 'No access token is issued for the resource'],
  invalid_scope: [400, 'The scope is more than was granted'],
  session_over: [409, 'The session that this would change is over'],
  refresh_token_superseded: [409, 'The refresh token is not the current one'],
  guest_session_not_found: [409, 'The guest session is over or does not exist'],
  idempotent_session_moved_on: [409, 'The session that this key created has moved on'],
  body_too_large: [413, 'The request body is too large'],
  unsupported_media_type: [415, 'The content type is not supported'],
  idempotency_key_reused: [422, 'The idempotency key was used for another request'],
  too_many_requests: [429, 'There were too many requests'],
  internal_error: [500, 'Something went wrong'],
  assertion_refused: [401, 'The ID token is not good'],
  issuer_unavailable: [503, 'The issuer of the ID token cannot be asked right now'],
  database_unavailable: [503, 'The service cannot decide this right now'],
  config_invalid: [503, 'The service is not configured'],
} as const satisfies Record<string, readonly [ContentfulStatusCode, string]>;

export type ProblemCode = keyof typeof PROBLEMS;

/** The members of a problem beside its code. */
interface ProblemDetails {
  /** For the caller to read, so it holds nothing secret. */
  detail?: string;
  headers?: Record<string, string>;
  /** Extension members (RFC 9457 §3.2). */
  members?: Record<string, unknown>;
  /** For the log, where it says more than the code. */
  outcome?: string;
}

/** Ends a request with a problem response. A text alone is the detail. */
export class ProblemError extends Error {
  readonly details: ProblemDetails;
  constructor(
    readonly code: ProblemCode,
    details: string | ProblemDetails = {},
  ) {
    super(code);
    this.name = 'ProblemError';
    this.details = typeof details === 'string' ? { detail: details } : details;
  }
}

export type OAuthErrorCode =
  | 'invalid_request'
  | 'invalid_client'
  | 'invalid_grant'
  | 'invalid_target'
  | 'invalid_scope'
  | 'unauthorized_client'
  | 'unsupported_grant_type'
  | 'unsupported_token_type'
  | 'temporarily_unavailable'
  | 'server_error';

/**
 * Ends a request with an OAuth error. `description` is ASCII without `"` and `\` (RFC 6749 §5.2)
 * and repeats no input.
 */
export class OAuthError extends Error {
  constructor(
    readonly code: OAuthErrorCode,
    readonly description: string,
    readonly extra: {
      status?: ContentfulStatusCode;
      headers?: Record<string, string>;
      reason?: RefusalReason | AssertionReason;
      outcome?: string;
    } = {},
  ) {
    super(code);
    this.name = 'OAuthError';
  }
}

/** A bearer challenge (RFC 6750 §3). Without credentials it carries no error code (§3.1). */
export function bearerProblem(error: 'invalid_token' | null, description: string): ProblemError {
  const challenge =
    error === null ? 'Bearer' : `Bearer error="${error}", error_description="${description}"`;
  return new ProblemError('invalid_token', {
    detail: description,
    headers: { 'WWW-Authenticate': challenge },
  });
}

/** The token is good, but its session is not any more. */
export function sessionEnded(): ProblemError {
  return bearerProblem('invalid_token', 'The session of this access token is over');
}

export function respondToError(error: Error, c: AppContext, isOAuth: boolean): Response {
  if (error instanceof OAuthError) return oauthResponse(c, error);
  const problem = toProblem(error, c);
  return isOAuth && problem.code !== 'config_invalid'
    ? oauthResponse(c, inOAuthForm(problem))
    : problemResponse(c, problem);
}

/**
 * Turns an error into the problem that the caller is told. A fault of the service's own is logged.
 */
export function toProblem(error: Error, c: AppContext): ProblemError {
  if (error instanceof ProblemError) return error;
  const { code, detail, retryAfterSeconds, homes } = toFault(error, c.get('caller').requestId);
  return new ProblemError(code, {
    ...(detail !== null && { detail }),
    ...(retryAfterSeconds !== null && { headers: { 'Retry-After': String(retryAfterSeconds) } }),
    ...(homes.length > 0 && { members: { homes } }),
  });
}

/** The HTTP status of a problem. */
export function statusOf({ code }: ProblemError): ContentfulStatusCode {
  return PROBLEMS[code][0];
}

function problemResponse(c: AppContext, { code, details }: ProblemError): Response {
  const { detail, headers, members, outcome } = details;
  const [status, title] = PROBLEMS[code];
  c.set('outcome', outcome ?? code);
  const body = {
    type: `urn:edge-sessions:problem:${code}`,
    title,
    status,
    code,
    ...(detail !== undefined && { detail }),
    instance: `urn:request:${c.get('caller').requestId}`,
    ...members,
  };
  return c.body(JSON.stringify(body), status, {
    ...headers,
    'Content-Type': 'application/problem+json',
  });
}

function oauthResponse(c: AppContext, { code, description, extra }: OAuthError): Response {
  c.set('outcome', extra.outcome ?? extra.reason ?? code);
  const status = extra.status ?? (code === 'invalid_client' ? 401 : 400);
  const body = {
    error: code,
    error_description: description,
    ...(extra.reason && { reason: extra.reason }),
  };
  return c.json(body, status, extra.headers);
}

/** Problems that OAuth has no code of its own for. A new one has to be given its place. */
type InvalidRequest =
  | 'invalid_request'
  | 'invalid_token'
  | 'invalid_code'
  | 'insufficient_user_authentication'
  | 'session_ended'
  | 'ambiguous_cookie'
  | 'cross_site_request'
  | 'third_party_cookies_blocked'
  | 'actor_not_allowed'
  | 'not_found'
  | 'method_not_allowed'
  | 'session_limit_reached'
  | 'too_many_accounts'
  | 'user_has_other_home'
  | 'user_moved'
  | 'invalid_target'
  | 'invalid_scope'
  | 'session_over'
  | 'refresh_token_superseded'
  | 'guest_session_not_found'
  | 'idempotent_session_moved_on'
  | 'idempotency_key_reused'
  | 'body_too_large'
  | 'unsupported_media_type'
  | 'assertion_refused'
  | 'config_invalid';

/** Middleware that both families share throws problems; under /oauth they take OAuth's form. */
function inOAuthForm({ code, details }: ProblemError): OAuthError {
  const { detail, headers } = details;
  const [status, title] = PROBLEMS[code];
  switch (code) {
    case 'invalid_client':
      return new OAuthError('invalid_client', detail ?? title, { headers });
    case 'client_not_allowed':
      return new OAuthError('unauthorized_client', detail ?? title, { status: 400 });
    case 'too_many_requests':
      return new OAuthError('temporarily_unavailable', detail ?? title, {
        status,
        headers,
        outcome: code,
      });
    case 'database_unavailable':
    case 'issuer_unavailable':
      return new OAuthError('temporarily_unavailable', detail ?? title, { status, headers });
    case 'internal_error':
      return new OAuthError('server_error', title, { status });
    // Not a list of cases, which would make the Worker larger.
    default:
      return new OAuthError('invalid_request', detail ?? title, {
        status,
        headers,
        outcome: code satisfies InvalidRequest,
      });
  }
}
