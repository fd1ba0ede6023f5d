/** What the calls answer. Values have the members, and the form, of the HTTP API's JSON. */
import type { AssertionReason, RefusalCode, RefusalReason } from './refusal-codes';

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

/**
 * The codes are those of HTTP's problem details, but for `temporarily_unavailable`; docs/rpc.md says
 * where HTTP has another.
 */
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
  reason?: RefusalReason | AssertionReason;
  /** Seconds after which the same call may succeed. Nobody is to be signed out over it. */
  retry_after?: number;
  /** Of `user_has_other_home`: the user's. */
  home?: string;
  /** Of `temporarily_unavailable`: the homes that did not answer, where several were asked. */
  homes?: string[];
  /** Of `insufficient_user_authentication`: seconds since the person may have authenticated. */
  max_age?: number;
}

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
  /** What the access token allows, separated by spaces; absent: the session has no scopes. */
  scope?: string;
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

/** A narrower access token (RFC 8693 §2.2.1). */
export interface ExchangedToken extends AccessToken, Warned {
  issued_token_type: 'urn:ietf:params:oauth:token-type:access_token';
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
  /** Of `support_access`: who acts as the user, and why. */
  act?: { sub: string; reason: string };
  device?: string | null;
  ip_address?: string | null;
  location?: Location | null;
  risk?: {
    score: number;
    level: string;
    reasons: string[];
    changes: { signal: string; from: string | number | null; to: string | number | null }[];
  };
  /** What the person said when they were asked whether it was them. */
  answer?: 'yes' | 'no';
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

/** What came of a session of an import. */
export interface ImportOutcome {
  outcome: 'taken' | 'already_there' | 'left';
  /** Why it was left: it is over (`expired`), or the code with which a start would be refused. */
  reason?: string;
}
