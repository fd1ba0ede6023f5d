/** What the calls answer. Values have the members, and the form, of the HTTP API's JSON. */

/** ISO 8601 in UTC: "2026-01-01T00:00:00Z". */
type Time = string;

/** What goes with every answer. */
interface About {
  /** Names the call in the service's log, and in the events that it wrote. */
  request_id: string;
  /**
   * To be passed as `options.bookmark` by the next call for the same person, so that no list is
   * older than what this call did or saw. null: nothing new was seen.
   */
  bookmark: string | null;
}

/**
 * A value, or why there is none. A call throws only where the platform does: when the service
 * cannot be reached, or is replaced while it answers.
 */
export type Answer<Value> = Success<Value> | Refusal;

export interface Success<Value> extends About {
  ok: true;
  value: Value;
}

/** The codes are those of HTTP's problem details, but for `temporarily_unavailable`. */
export interface Refusal extends About {
  ok: false;
  code: RefusalCode;
  /** For people to read. It repeats no input and holds nothing secret. */
  detail?: string;
  /** Of `invalid_request`: each field at fault. */
  errors?: { field: string; message: string }[];
  /**
   * Why a session is over (`invalid_grant`, `session_over`, `session_ended`), or an ID token starts
   * none (`assertion_refused`); only whoever presents an authentic token is told.
   */
  reason?: EndReason | AssertionReason;
  /** Seconds after which the same call may succeed. Nobody is to be signed out over it. */
  retry_after?: number;
  /** Of `user_has_other_home`: the user's. */
  home?: string;
  /** Of `temporarily_unavailable`: the homes that did not answer, where several were asked. */
  homes?: string[];
  /** Of `insufficient_user_authentication`: seconds since the person may have authenticated. */
  max_age?: number;
}

export type RefusalCode =
  /** The input is not valid; `detail` and `errors` say what is wrong. */
  | 'invalid_request'
  /** The binding has no `props.clientId`, or one that is not in CLIENTS. */
  | 'invalid_client'
  /** `allow` of the client does not list what the call needs. */
  | 'client_not_allowed'
  /** It does not exist, or belongs to a client that this one does not act for. */
  | 'not_found'
  /** The access token is not good, or not of a client that this one acts for. */
  | 'invalid_token'
  /** The `resource` is not one that access tokens are issued for (RFC 8707). */
  | 'invalid_target'
  /** An access token for an API ends no session of a public client (RFC 7009 §2.2.1). */
  | 'unsupported_token_type'
  /**
   * The refresh token is not good. Without a `reason` it is not authentic, or not this client's.
   */
  | 'invalid_grant'
  /** The session behind the access token or the cookie is over. */
  | 'session_ended'
  /** The browser sent two cookies of the session's name, and neither counts. */
  | 'ambiguous_cookie'
  /** The session that was to be stepped up is over. */
  | 'session_over'
  /** The person has to authenticate again first (RFC 9470). */
  | 'insufficient_user_authentication'
  | 'session_limit_reached'
  | 'user_has_other_home'
  /** The user is moving between homes; the same call may succeed at once. */
  | 'user_moved'
  | 'refresh_token_superseded'
  | 'guest_session_not_found'
  | 'idempotent_session_moved_on'
  | 'idempotency_key_reused'
  | 'assertion_refused'
  | 'invalid_code'
  | 'too_many_requests'
  /** The database, or the issuer of an ID token, gave no answer: keep the token, try again. */
  | 'temporarily_unavailable'
  /** The service's configuration is wrong; its log names every mistake. */
  | 'config_invalid'
  | 'internal_error';

export type AssertionReason =
  | 'assertion_used'
  | 'assertion_expired'
  | 'wrong_audience'
  | 'wrong_nonce'
  | 'wrong_claims';

export type EndReason =
  | 'expired_idle'
  | 'expired_absolute'
  | 'signed_out'
  | 'evicted'
  | 'reuse_detected'
  | 'revoked'
  /**
   * What the backend that ended it said; of a reason that is not known here, take it for `revoked`.
   */
  | 'password_changed'
  | 'credential_compromised'
  | 'account_disabled'
  | 'administrator'
  | 'user_request'
  | 'reauthenticate';

export interface Location {
  country: string | null;
  region: string | null;
  city: string | null;
}

export interface Session {
  id: string;
  /** null: a guest. */
  user_id: string | null;
  client_id: string | null;
  user_agent: string | null;
  /** "Chrome on Windows" */
  device: string | null;
  /** What its person, or a backend, calls the device. */
  label: string | null;
  ip_address: string | null;
  last_ip_address: string | null;
  location: Location | null;
  created_at: Time | null;
  expires_at: Time | null;
  idle_expires_at: Time | null;
  last_used_at: Time | null;
  auth_time: Time | null;
  amr: string[] | null;
  acr: string | null;
  revoked_at: Time | null;
  revoked_reason: string | null;
  /** Support staff who act as the user (RFC 8693 §4.1); null: the session is the user's own. */
  act: { sub: string; reason: string } | null;
  /** The JSON object that backends keep with it; only in what backends ask for. */
  metadata?: object | null;
  /** Whether it is the session of the access token; only in lists that one asked for. */
  current?: boolean;
}

interface AccessToken {
  access_token: string;
  token_type: 'Bearer';
  /** Of the access token, in seconds. */
  expires_in: number;
}

export interface Tokens extends AccessToken, Warned {
  refresh_token: string;
  /** Seconds until the session ends unless it is used; null: never. */
  refresh_token_expires_in: number | null;
  session_expires_at: Time | null;
  idle_expires_at: Time | null;
  /** When to refresh next. */
  refresh_at: Time | null;
}

/** What was not taken as it was sent, although the call was done. */
export interface Warning {
  code: 'address_unreadable';
  /** Of the input. */
  field: 'ip_address';
  /** For people to read. It repeats no input. */
  detail: string;
}

export interface Warned {
  /** Absent: everything was taken. */
  warnings?: Warning[];
}

/** Tokens of a session that was started or stepped up. */
export interface SessionTokens extends AccessToken, Warned {
  session: Session;
  refresh_token: string;
  refresh_at: Time | null;
}

/** A session that is handed to a browser: no token, but where to send the browser. */
export interface HandedOff extends Warned {
  session: Session;
  browser: { start_url: string; expires_in: number };
}

/** A fresh access token, for a server that forwards a browser's cookie. */
export interface ExchangedCookie extends AccessToken, Warned {
  session: Session;
}

/** RFC 7662 §2.2; claims of an access token are all there. */
export type Introspection = { active: false } | { active: true; [claim: string]: unknown };

/** `next_cursor` is the `cursor` of the next page; null: this is the last. */
export interface SessionPage {
  sessions: Session[];
  next_cursor: string | null;
  /** Homes whose part is missing, because they did not answer. */
  unanswered_homes?: string[];
}

export interface SecurityEvent {
  id: string;
  type: string;
  created_at: Time | null;
  user_id: string | null;
  session_id: string | null;
  client_id: string | null;
  by: string | null;
  by_client_id?: string;
  reason?: string;
  device?: string | null;
  ip_address?: string | null;
  location?: Location | null;
  risk?: {
    score: number;
    level: string;
    reasons: string[];
    changes: { signal: string; from: string | number | null; to: string | number | null }[];
  };
  /** How many more of this type the session had in the hour, beyond the limit. */
  left_out?: number;
  request_id: string | null;
}

export interface EventPage {
  events: SecurityEvent[];
  next_cursor: string | null;
  unanswered_homes?: string[];
}

export interface ExportPage {
  records: { home: string; table: string; row: Record<string, unknown> }[];
  next_cursor: string | null;
}
