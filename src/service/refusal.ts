/**
 * The result of an operation: its value, or a refusal as a value. Each door turns refusals into its
 * own errors, exhaustively (http/refusals.ts, calls/refused.ts); faults are thrown (faults.ts).
 */
import type { RefusalReason } from '../sessions/end-reason';

/** A mistake in one field of an input. */
export interface FieldError {
  /**
   * The path of the field; empty where the path itself could hold a value that was put in the wrong
   * place.
   */
  field: string;
  message: string;
}

/** Why an authentic ID token starts no session. */
export type AssertionReason =
  | 'assertion_used'
  | 'assertion_expired'
  | 'wrong_audience'
  | 'wrong_nonce'
  | 'wrong_claims';

/** Why an operation refuses. `detail` is for the caller to read, so it holds nothing secret. */
export type Refusal =
  /** No caller may ask this. */
  | { code: 'invalid_request'; detail: string; errors?: FieldError[] }
  /** An access token is not good, or not one that the caller may bring. */
  | { code: 'invalid_token'; detail: string }
  /** No access token is issued for the resource (RFC 8707 §2). */
  | { code: 'invalid_target' }
  /** The scope is none, or more than was granted (RFC 6749 §5.2, §6). */
  | { code: 'invalid_scope' }
  /** A token of this kind ends no session (RFC 7009 §2.2.1). */
  | { code: 'unsupported_token_type' }
  | { code: 'client_not_allowed'; detail: string }
  /** The thing does not exist, or is someone else's: the two look alike. */
  | { code: 'not_found'; detail: string }
  /** The caller's own session is over. */
  | { code: 'session_ended'; reason: RefusalReason | null }
  /** Two cookies have the name of the session's, of which one may be planted (RFC 6265bis §8.6). */
  | { code: 'ambiguous_cookie' }
  /** The browser holds as many accounts as it can. */
  | { code: 'too_many_accounts' }
  /** A refresh token is not good. Only the holder of an authentic one is told a reason. */
  | { code: 'invalid_grant'; reason: RefusalReason | null; outcome: string }
  /** The person behind a session has to prove anew who they are (RFC 9470). */
  | { code: 'insufficient_user_authentication'; maxAgeSeconds: number }
  /** Support staff who act as the user may not do it. */
  | { code: 'actor_not_allowed' }
  | { code: 'session_limit_reached' }
  | { code: 'user_has_other_home'; home: string }
  /** Trying again may succeed. */
  | { code: 'user_moved' }
  /** The session that was to be stepped up is over. */
  | { code: 'session_over'; reason: RefusalReason }
  | { code: 'refresh_token_superseded' }
  | { code: 'guest_session_not_found' }
  | { code: 'idempotent_session_moved_on' }
  | { code: 'idempotency_key_reused' }
  /** An ID token is not good. Only the bearer of an authentic one is told a reason. */
  | { code: 'assertion_refused'; reason: AssertionReason | null; outcome: string }
  | { code: 'invalid_code' }
  | { code: 'too_many_requests'; retryAfterSeconds: number };

export type Refused = { ok: false; refusal: Refusal };

/** `outcome`, where there is one, is for the log line. */
export type Result<T> = ({ ok: true } & T) | Refused;

export const refuse = (refusal: Refusal): Refused => ({ ok: false, refusal });

/** No caller may ask this. `detail` says why. */
export const invalid = (detail: string) => refuse({ code: 'invalid_request', detail });

/** The caller's own session is over, of which nothing more is said. */
export const SESSION_ENDED = refuse({ code: 'session_ended', reason: null });

/**
 * The session goes on, but has changed since the access token was issued: a refresh gives a new
 * one.
 */
export const STALE_TOKEN = refuse({ code: 'invalid_token', detail: 'The access token is stale' });

/** There is no such session, or it is someone else's. */
export const UNKNOWN_SESSION = refuse({ code: 'not_found', detail: 'There is no such session' });
