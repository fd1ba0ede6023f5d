/** The errors that every call may answer, and the headers of answers. */
import * as v from 'valibot';
import { type OAuthErrorCode, PROBLEMS, type ProblemCode } from '../http/errors';
import type { AssertionReason } from '../service/refusal';
import type { RefusalReason } from '../sessions/end-reason';
import type { Answer, OAuthOperation, Operation, RefusalForm, Schema } from './operation';
import { IDEMPOTENCY_KEY } from './parameters';

type Reason = RefusalReason | AssertionReason;

/** Why a session is over, or a token is refused. Take one that you do not know for `revoked`. */
const REASONS = Object.keys({
  expired_idle: true,
  expired_absolute: true,
  signed_out: true,
  evicted: true,
  reuse_detected: true,
  revoked: true,
  reauthenticate: true,
  password_changed: true,
  credential_compromised: true,
  account_disabled: true,
  administrator: true,
  user_request: true,
  assertion_used: true,
  assertion_expired: true,
  wrong_audience: true,
  wrong_nonce: true,
  wrong_claims: true,
} satisfies Record<Reason, true>) as Reason[];

const CODES = Object.keys(PROBLEMS) as ProblemCode[];

/** RFC 9457. */
export const problem = v.object({
  type: v.string(),
  title: v.string(),
  status: v.pipe(v.number(), v.integer()),
  code: v.picklist(CODES),
  detail: v.optional(v.string()),
  instance: v.string(),
  errors: v.optional(v.array(v.object({ field: v.string(), message: v.string() }))),
  reason: v.optional(v.picklist(REASONS)),
  home: v.optional(v.string()),
  homes: v.optional(v.array(v.string())),
});

/** RFC 6749 §5.2. */
export const oauthError = v.object({
  error: v.string(),
  error_description: v.string(),
  reason: v.optional(v.picklist(REASONS)),
});

export const HEADERS: Readonly<Record<string, string>> = {
  'X-Request-Id': 'Names the request in the log of the service, and in the events that it wrote.',
  'X-D1-Bookmark': 'What was written or seen: to be sent with the next request.',
  'Retry-After': 'Seconds after which the same request may succeed. Keep the token meanwhile.',
  'WWW-Authenticate': 'How to authenticate (RFC 9110 §11.6.1).',
  Location: 'Where it is, or where to go on.',
  'Set-Cookie': 'The cookies of the session, or their end (RFC 6265bis).',
  ETag: 'Of this version of the document; `If-None-Match` is answered with 304.',
  Allow: 'The methods that there are.',
  'X-User-Id': 'Of the user; empty: a guest.',
  'X-Session-Id': 'Of the session.',
  'X-Client-Id': 'Of the app.',
  'X-Actor': 'Of the support staff who act as the user; empty: the user.',
  Authorization: '`Bearer` and a fresh access token, where the gateway asked for one.',
};

/**
 * The errors of every call, when something is wrong with the service, or its database does not
 * answer.
 */
const ALWAYS: readonly ProblemCode[] = ['internal_error', 'config_invalid'];
const WITH_DATABASE: readonly ProblemCode[] = ['database_unavailable'];
const WITH_BODY: readonly ProblemCode[] = ['body_too_large'];
const CHALLENGED: readonly number[] = [401];
const RETRIED: readonly number[] = [429, 503];

const HTML = 'text/html';
const PROBLEM = 'application/problem+json';

export interface Refusal extends Answer {
  /** Calls of which the same can be said share it. */
  name: string;
}

/** The refusals of a call, by their status. */
export function refusalsOf(operation: Operation): Record<number, Refusal> {
  return 'oauthRefusals' in operation
    ? oauthRefusals(operation)
    : problemRefusals(
        [
          ...operation.refusals,
          ...ALWAYS,
          ...(operation.asksNoDatabase ? [] : WITH_DATABASE),
          ...(operation.at.startsWith('GET ') ? [] : WITH_BODY),
        ],
        operation.refusalForm ?? 'problem',
      );
}

const FORMS: Record<RefusalForm, readonly string[]> = {
  problem: [PROBLEM],
  page: [HTML],
  'page or problem': [HTML, PROBLEM],
};

function problemRefusals(
  codes: readonly ProblemCode[],
  refusalForm: RefusalForm,
): Record<number, Refusal> {
  const byStatus = Map.groupBy(new Set(codes), (code) => PROBLEMS[code][0]);
  return Object.fromEntries(
    [...byStatus].map(([status, those]) => {
      // Before the service is configured there are no pages.
      const forms = new Set([
        ...FORMS[refusalForm],
        ...(those.includes('config_invalid') ? [PROBLEM] : []),
      ]);
      const description = those.map((code) => `\`${code}\`: ${PROBLEMS[code][1]}.`).join(' ');
      const content = [...forms].map((type) => [
        type,
        type === HTML ? v.string() : withCodes(those),
      ]);
      const name = [refusalForm.replaceAll(' ', '-'), ...those].join('.');
      return [
        status,
        { name, description, content: Object.fromEntries(content), ...headersOf(status) },
      ];
    }),
  );
}

/** A problem of which these are the codes. */
export function withCodes(codes: readonly ProblemCode[]): Schema {
  return v.intersect([problem, v.object({ code: v.picklist(codes) })]);
}

export function headersOf(status: number): Pick<Answer, 'headers'> {
  const names = [
    ...(CHALLENGED.includes(status) ? ['WWW-Authenticate'] : []),
    ...(RETRIED.includes(status) ? ['Retry-After'] : []),
  ];
  return names.length > 0 ? { headers: names } : {};
}

/** The second: the body is too large. */
const NOT_VALID = [400, 413];
/** The session of the `Idempotency-Key` has moved on; it was used for another request. */
const OF_REPEATS = [409, 422];

const OAUTH_STATUS: Partial<Record<OAuthErrorCode, readonly number[]>> = {
  invalid_client: [401],
  invalid_request: NOT_VALID,
  temporarily_unavailable: [429, 503],
  server_error: [500],
};

function oauthRefusals({ oauthRefusals: codes, headers }: OAuthOperation): Record<number, Refusal> {
  const isRepeatable = headers?.includes(IDEMPOTENCY_KEY) === true;
  const statusesOf = (code: OAuthErrorCode) =>
    code === 'invalid_request' && isRepeatable
      ? [...NOT_VALID, ...OF_REPEATS]
      : (OAUTH_STATUS[code] ?? [400]);
  const all = [...codes, 'invalid_request', 'temporarily_unavailable', 'server_error'] as const;
  const statuses = [...new Set(all)].flatMap((code) =>
    statusesOf(code).map((status) => ({ status, code })),
  );
  const byStatus = Map.groupBy(statuses, ({ status }) => status);
  return Object.fromEntries(
    [...byStatus].map(([status, those]) => {
      const errors = those.map(({ code }) => code);
      const schema = v.intersect([oauthError, v.object({ error: v.picklist(errors) })]);
      return [
        status,
        {
          name: ['oauth', status, ...errors].join('.'),
          description: errors.map((code) => `\`${code}\``).join(', '),
          content: {
            'application/json': schema,
            ...(status === 503 && { [PROBLEM]: withCodes(['config_invalid']) }),
          },
          ...headersOf(status),
        },
      ];
    }),
  );
}
