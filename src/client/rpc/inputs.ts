/**
 * The inputs of the calls: the members of the HTTP API's JSON. All are checked; none is guessed.
 */
import type { IssuedName } from './users';

/**
 * The person's own device and where it is, as the calling Worker saw it; the Worker's own request
 * tells nothing of either. A member that is left out is unknown, and taken to be as it was. `null`
 * says that the person's request told none, which may be a change.
 */
export interface Signals {
  /** The `User-Agent` header. */
  user_agent?: string | null | undefined;
  /** The `CF-Connecting-IP` header. */
  ip_address?: string | null | undefined;
  /** `request.cf`, or of it what is to be known. */
  place?: Place | object | null | undefined;
}

/** Members of `request.cf`. Others are ignored. */
export interface Place {
  /** Autonomous system number of the network. */
  asn?: number | string | null;
  /** ISO 3166-1 alpha-2. */
  country?: string | null;
  /** Name of the state or the like. */
  region?: string | null;
  /** Name of the city. */
  city?: string | null;
  /** Degrees, north is positive. */
  latitude?: number | string | null;
  /** Degrees, east is positive. */
  longitude?: number | string | null;
  /** "HTTP/2" */
  httpProtocol?: string | null;
  /** "TLSv1.3" */
  tlsVersion?: string | null;
}

/** How, and when, the person was authenticated. */
interface Authentication {
  /** Seconds since 1970; default: now. */
  auth_time?: number;
  /** Methods (RFC 8176), carried in access tokens. */
  amr?: string[];
  acr?: string;
}

/** `resource` and `scope` are what the session is granted: none of its tokens gets more. */
export interface NewSession extends Signals, Authentication, Targeted {
  /** UUID of the user, who is created on first sight; absent: a guest. */
  user_id?: string;
  /** The user by another name, instead. An ID token of the same issuer and subject is theirs. */
  user?: IssuedName;
  /** The app that the session is for, which alone can refresh it; default: the binding's client. */
  client_id?: string;
  /** Seconds; null: no limit by time, where the service allows it. */
  expires_in?: number | null;
  /** More claims of its access tokens: up to 2 KB, and none that is registered. */
  claims?: Record<string, unknown>;
  /** The name of the device: 1 to 80 characters. */
  label?: string;
  /** Data that the backend keeps with the session: up to 2 KB. No token carries it. */
  metadata?: Record<string, unknown>;
  /** `false`: its browser forgets it when it is closed. */
  persistent?: boolean;
  /** The home that a new user is to live in. */
  home?: string;
  /** The guest session that becomes this user's. */
  guest_session_id?: string;
}

/** Support staff act as a user whom the service knows: for an hour at most. */
export interface Impersonation
  extends Omit<NewSession, 'auth_time' | 'amr' | 'acr' | 'guest_session_id'> {
  /** Names the person of the support staff: 1 to 128 printable ASCII characters. */
  act: { sub: string };
  /** 1 to 200 characters, which the user may read. */
  reason: string;
}

/** A live session of another system. */
export interface ImportedSession extends Omit<NewSession, 'expires_in' | 'guest_session_id'> {
  /** SHA-256 of the token as its holder presents it, in base64url. */
  token_sha256: string;
  /** When it ends there, in seconds since 1970; null: never. */
  expires_at?: number | null;
}

/**
 * The members that live sessions have from now on; null removes one, and one that is left out
 * stays.
 */
export interface SessionChange {
  /** In access tokens from the next refresh on: up to 2 KB, and none that is registered. */
  claims?: Record<string, unknown> | null;
  /** Up to 2 KB. No token carries it. */
  metadata?: Record<string, unknown> | null;
  /** Seconds from now. A session that ends before keeps its end. */
  expires_in?: number;
  /** Access tokens from before go stale; a refresh gives others, and nobody is signed out. */
  apply?: 'now';
}

/** A person proved anew who they are, to an app that holds tokens. */
export interface StepUp extends Authentication {
  /** Theirs. */
  session_id: string;
  /** The app's current one. */
  refresh_token: string;
}

/** A person proved anew who they are, in a browser that has the session in cookies. */
export interface StepUpInBrowser extends Authentication {
  /** Theirs. */
  session_id: string;
  /** Where the browser goes on to: one of the `return_urls` of the session's client. */
  browser: { return_url: string };
}

/** The audiences and scopes of access tokens: at most those that were granted. */
export interface Targeted {
  /** Of the client's `audiences` (RFC 8707); default: all but the account API's own. */
  resource?: string | string[];
  /** Of the client's `scopes`, separated by spaces (RFC 6749 §3.3); default: all. */
  scope?: string;
}

/** `imported_token`: of an imported session, what its holder has of the other system. */
export type RefreshRequest = Signals &
  Targeted &
  ({ refresh_token: string } | { imported_token: string });

/** A session for whom an ID token names (RFC 7523). */
export interface SignInRequest extends Signals, Targeted {
  /** An ID token of one of TRUSTED_ISSUERS. */
  assertion: string;
  /** The one that the app sent with its request (OpenID Connect Core §3.1.3.7). */
  nonce?: string;
}

/** A page of a list. */
export interface Paging {
  /** 1 to 100; default 50. */
  limit?: number;
  /** The last answer's `next_cursor`. */
  cursor?: string | null;
}

/** A user's id, or the session id of a guest; or a user as an identity provider names them. */
export type OfUser = { user_id: string } | { user: IssuedName };

/** Which sessions a list has: those of which all of this is so. Times are seconds since 1970. */
export interface SessionFilter {
  /** Of this app. */
  client_id?: string;
  /** In what the device is, or is called, whatever the case: "chrome". */
  device?: string;
  /** At this second, or later. */
  created_after?: number;
  /** Earlier than this second. */
  created_before?: number;
  /** At this second, or later. */
  last_used_after?: number;
  /** Earlier than this second. */
  last_used_before?: number;
}

/** Why a client acts on other people, for the audit log. */
export interface Act {
  /** Sessions that it ends have it as `revoked_reason`, and their users are told. */
  reason?:
    | 'password_changed'
    | 'credential_compromised'
    | 'account_disabled'
    | 'administrator'
    | 'user_request';
}

/** The person's own access token, of a client that the binding's acts for. */
export interface OfPerson {
  /** As their app sent it. */
  access_token: string;
}

/** Which sessions end: a user's, a home's, or everyone's. */
export type NotBefore = Act & {
  /** Seconds since 1970; default: now. */
  not_before?: number;
} & (OfUser | { home: string } | { everyone: true });

/** The second argument of every call. */
export interface CallOptions {
  /** The last answer's `bookmark`. */
  bookmark?: string | null;
  /**
   * The member of the caller's staff who asks: their e-mail address or id, 1 to 254 characters. The
   * audit log has it in `details.operator` of what the call does to other people.
   */
  operator?: string | null;
  /** Why, in their words: 1 to 200 characters. In `details.why`, until the person is erased. */
  note?: string | null;
}

/** The second argument of calls that can be repeated. */
export interface CreateOptions extends CallOptions {
  /**
   * A repeat with the same key within 24 hours gives the same session. 1 to 255 ASCII characters.
   */
  idempotency_key?: string;
}
