/** The answers of the calls. Values have the members, and the form, of the HTTP API's JSON. */
import type { Location } from './event-answers';
import type { AssertionReason, RefusalCode, RefusalReason } from './refusal-codes';

export type * from './event-answers';

/** ISO 8601 in UTC: "2026-01-01T00:00:00Z". */
type Time = string;

/** The members of every answer. */
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

/** The call was done. */
export interface Success<Value> extends About {
  /** Tells a value from a refusal. */
  ok: true;
  /** The JSON of the HTTP call's answer. */
  value: Value;
}

/**
 * The codes are those of HTTP's problem details, but for `temporarily_unavailable`; docs/rpc.md
 * says where HTTP has another.
 */
export interface Refusal extends About {
  /** Tells a refusal from a value. */
  ok: false;
  /** Why, for programs. More codes may come: take an unknown one for a refusal. */
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

/** A session as its backend may see it: never a refresh token, or its hash. */
export interface Session {
  /** A UUID; `sid` in access tokens. */
  id: string;
  /** null: a guest. */
  user_id: string | null;
  /** The app that it is for, and that alone can refresh it. */
  client_id: string | null;
  /** The `User-Agent` that it began with. */
  user_agent: string | null;
  /** "Chrome on Windows" */
  device: string | null;
  /** The name that its person, or a backend, gave the device. */
  label: string | null;
  /** The address that it began with, as `ADDRESS_STORAGE` keeps it. */
  ip_address: string | null;
  /** The address that it was last used from, as far as one is known. */
  last_ip_address: string | null;
  /** Where it was last used from; null: unknown. */
  location: Location | null;
  /** When it began. */
  created_at: Time | null;
  /** When it ends however it is used; null: never by time. */
  expires_at: Time | null;
  /** When it ends unless it is used; null: never of inactivity. */
  idle_expires_at: Time | null;
  /** When it was last refreshed, or began. */
  last_used_at: Time | null;
  /** When the person last proved who they are; null: a guest. */
  auth_time: Time | null;
  /** By which methods (RFC 8176); null: nothing was said. */
  amr: string[] | null;
  /** How well, by your own classes; null: nothing was said. */
  acr: string | null;
  /** When it was ended; null: it was not. */
  revoked_at: Time | null;
  /** Why: a `RefusalReason`, or a word of the service's own. */
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
  /** The scopes of the access token, separated by spaces; absent: the session has no scopes. */
  scope?: string;
}

/** The answer of a refresh or a sign-in (RFC 6749 §5.1). */
export interface Tokens extends AccessToken, Warned {
  /** The one to present next, in place of the one before. */
  refresh_token: string;
  /** Seconds until the session ends unless it is used; null: never. */
  refresh_token_expires_in: number | null;
  /** When the session ends however it is used; null: never by time. */
  session_expires_at: Time | null;
  /** When it ends unless it is used; null: never of inactivity. */
  idle_expires_at: Time | null;
  /** When to refresh next. */
  refresh_at: Time | null;
}

/** A member of the input that was not taken, although the call was done. */
export interface Warning {
  /** The kind of mistake. */
  code: 'address_unreadable';
  /** Of the input. */
  field: 'ip_address';
  /** For people to read. It repeats no input. */
  detail: string;
}

/** A value that may come with warnings. */
export interface Warned {
  /** Absent: everything was taken. */
  warnings?: Warning[];
}

/** Tokens of a session that was started or stepped up. */
export interface SessionTokens extends AccessToken, Warned {
  /** As it is now. */
  session: Session;
  /** For the app, which alone presents it. */
  refresh_token: string;
  /** When to refresh first. */
  refresh_at: Time | null;
}

/** A session that is handed to a browser: no token, but where to send the browser. */
export interface HandedOff extends Warned {
  /** The one that the browser is to fetch. */
  session: Session;
  /** Where to redirect the browser, once and within `expires_in` seconds. */
  browser: { start_url: string; expires_in: number };
}

/** A fresh access token, for a server that forwards a browser's cookie. */
export interface ExchangedCookie extends AccessToken, Warned {
  /** The session of the cookie. */
  session: Session;
}

/** A narrower access token (RFC 8693 §2.2.1). */
export interface ExchangedToken extends AccessToken, Warned {
  /** The type of the issued token (RFC 8693 §3). */
  issued_token_type: 'urn:ietf:params:oauth:token-type:access_token';
}

/** RFC 7662 §2.2; claims of an access token are all there. */
export type Introspection = { active: false } | { active: true; [claim: string]: unknown };

/** `next_cursor` is the `cursor` of the next page; null: this is the last. */
export interface SessionPage {
  /** The newest first. */
  sessions: Session[];
  /** The `cursor` of the next page; null: this is the last. */
  next_cursor: string | null;
  /** Homes whose part is missing, because they did not answer. */
  unanswered_homes?: string[];
}

/** A page of all that is held of a person. */
export interface ExportPage {
  /** Rows as they are stored, but for secrets. */
  records: {
    home: string;
    table: string;
    row: Record<string, string | number | boolean | object | null>;
  }[];
  /** The `cursor` of the next page; null: this is the last. */
  next_cursor: string | null;
}

/** The outcome for one session of an import. */
export interface ImportOutcome {
  /** `already_there`: an earlier import took it. `left`: it was not taken. */
  outcome: 'taken' | 'already_there' | 'left';
  /** Why it was left: it is over (`expired`), or the code with which a start would be refused. */
  reason?: string;
}
