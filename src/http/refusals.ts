/**
 * Refusals of the operations as errors of this door: problem details (RFC 9457), and under /oauth
 * OAuth errors (RFC 6749 §5.2). Both are exhaustive, so that a new refusal has to be given its
 * answer.
 */
import type { Called } from '../calls/call';
import type { Refusal } from '../service/refusal';
import type { RefusalReason } from '../sessions/end-reason';
import { SESSION_COOKIE } from '../tokens/session-cookie';
import type { AppContext } from './context';
import { bearerProblem, OAuthError, ProblemError, sessionEnded } from './errors';

const INVALID_TARGET = 'The resource is not one that this session has access tokens for';
const INVALID_SCOPE = 'The scope is not one that this session was granted';
const COOKIE_CHALLENGE = {
  'WWW-Authenticate': `Cookie realm="edge-sessions", cookie-name="${SESSION_COOKIE}"`,
};
const UNSUPPORTED_TOKEN_TYPE =
  'An access token of this audience ends no session; present the refresh token';

/**
 * Gives a call's value, and notes its outcome for the log line. Throws the problem of a refusal.
 */
export function answer<Value>(
  c: AppContext,
  called: Called<Value>,
  toProblem = toProblemError,
): Value {
  if (!called.ok) throw toProblem(called.refusal);
  if (called.outcome !== undefined) c.set('outcome', called.outcome);
  return called.value;
}

/** On routes where an access token, or a client's credentials, say who asks. */
export function toProblemError(refusal: Refusal): ProblemError {
  switch (refusal.code) {
    case 'invalid_request':
      return new ProblemError(refusal.code, {
        detail: refusal.detail,
        ...(refusal.errors && { members: { errors: refusal.errors } }),
      });
    case 'client_not_allowed':
    case 'not_found':
      return new ProblemError(refusal.code, { detail: refusal.detail });
    case 'invalid_token':
      return bearerProblem(refusal.code, refusal.detail);
    case 'invalid_target':
      return new ProblemError(refusal.code, INVALID_TARGET);
    case 'invalid_scope':
      return new ProblemError(refusal.code, INVALID_SCOPE);
    case 'unsupported_token_type':
      return new ProblemError('invalid_request', UNSUPPORTED_TOKEN_TYPE);
    case 'invalid_grant':
    case 'session_ended':
      return sessionEnded();
    case 'insufficient_user_authentication':
      return authenticationTooOld(refusal.maxAgeSeconds);
    case 'user_has_other_home':
      return new ProblemError(refusal.code, { members: { home: refusal.home } });
    case 'session_over':
      return new ProblemError(refusal.code, { members: { reason: refusal.reason } });
    case 'assertion_refused':
      return new ProblemError(refusal.code, {
        ...(refusal.reason !== null && { members: { reason: refusal.reason } }),
        outcome: refusal.outcome,
      });
    case 'too_many_requests':
      return new ProblemError(refusal.code, {
        detail: 'Too many requests; retry later',
        headers: { 'Retry-After': String(refusal.retryAfterSeconds) },
      });
    case 'ambiguous_cookie':
      return new ProblemError(refusal.code, {
        detail:
          'The browser sent two cookies of one name, or several accounts of which none is said to be current, and none counts. Sign in again, or sign out, or switch to an account',
        headers: COOKIE_CHALLENGE,
      });
    case 'actor_not_allowed':
    case 'session_limit_reached':
    case 'too_many_accounts':
    case 'user_moved':
    case 'refresh_token_superseded':
    case 'guest_session_not_found':
    case 'idempotent_session_moved_on':
    case 'idempotency_key_reused':
    case 'invalid_code':
      return new ProblemError(refusal.code);
  }
}

/** On routes where a browser's cookie says whose session it is. */
export function toCookieProblem(refusal: Refusal): ProblemError {
  return refusal.code === 'session_ended' || refusal.code === 'invalid_grant'
    ? cookieSessionEnded(refusal.reason)
    : toProblemError(refusal);
}

/** A new refusal has to be said to be none of OAuth's. */
type NotOAuths =
  | 'invalid_request'
  | 'invalid_token'
  | 'client_not_allowed'
  | 'actor_not_allowed'
  | 'not_found'
  | 'session_ended'
  | 'ambiguous_cookie'
  | 'too_many_accounts'
  | 'insufficient_user_authentication'
  | 'user_has_other_home'
  | 'session_over'
  | 'refresh_token_superseded'
  | 'guest_session_not_found'
  | 'idempotent_session_moved_on'
  | 'idempotency_key_reused'
  | 'invalid_code'
  | 'too_many_requests';

/** Under /oauth, only what grants answer is OAuth's own; the rest has the form of a problem. */
export function toOAuthError(refusal: Refusal): OAuthError | ProblemError {
  switch (refusal.code) {
    case 'invalid_grant':
      return new OAuthError('invalid_grant', 'The refresh token is not valid', {
        ...(refusal.reason === null ? { outcome: refusal.outcome } : { reason: refusal.reason }),
      });
    case 'invalid_target':
      return new OAuthError(refusal.code, INVALID_TARGET);
    case 'invalid_scope':
      return new OAuthError(refusal.code, INVALID_SCOPE);
    case 'unsupported_token_type':
      return new OAuthError(refusal.code, UNSUPPORTED_TOKEN_TYPE);
    case 'assertion_refused':
      return new OAuthError('invalid_grant', 'The assertion is not valid', {
        ...(refusal.reason !== null && { reason: refusal.reason }),
        outcome: refusal.outcome,
      });
    case 'session_limit_reached':
      return new OAuthError('invalid_grant', 'The user has as many active sessions as allowed', {
        outcome: refusal.code,
      });
    // Another try may succeed, so nobody is signed out over it.
    case 'user_moved':
      return new OAuthError('temporarily_unavailable', 'The user is moving; retry', {
        status: 503,
        headers: { 'Retry-After': '1' },
        outcome: refusal.code,
      });
    // Not a list of cases, which would make the Worker larger.
    default:
      refusal.code satisfies NotOAuths;
      return toProblemError(refusal);
  }
}

/** `reason` is for whoever holds an authentic token of the session; null tells nothing. */
export function cookieSessionEnded(reason: RefusalReason | null): ProblemError {
  return new ProblemError('session_ended', {
    headers: COOKIE_CHALLENGE,
    ...(reason !== null && { members: { reason } }),
  });
}

/** The challenge of RFC 9470 §3. */
function authenticationTooOld(maxAgeSeconds: number): ProblemError {
  const description = 'A more recent authentication is required';
  return new ProblemError('insufficient_user_authentication', {
    detail: 'The user has to authenticate again first',
    headers: {
      'WWW-Authenticate': `Bearer error="insufficient_user_authentication", error_description="${description}", max_age="${maxAgeSeconds}"`,
    },
  });
}
