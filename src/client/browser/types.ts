/** The public types of the client for apps. */

/** `unknown`: no request has shown yet whether there is a session. */
export type SessionState = 'active' | 'signed_out' | 'unknown';

/**
 * Where the tokens are kept, by one key of letters, digits, `.`, `-` and `_`, in at most 2,048
 * bytes. Default: in memory, where a reload loses them but other open tabs hand them on. An app
 * that takes `localStorage` (`{ get: (key) => localStorage.getItem(key), … }`) chooses that any
 * script of its origin can read them. A store that throws or rejects costs nothing but what a start
 * of the app would have found, and `onError` is told its error.
 */
export interface TokenStorage {
  /** The text that was set by this key; null or undefined where none was. May be a promise. */
  get(key: string): string | null | undefined | Promise<string | null | undefined>;
  /** Keeps the text until it is set anew or removed. The client waits for a promise. */
  set(key: string, value: string): unknown;
  /** Forgets it: the session has ended on this device. */
  remove(key: string): unknown;
}

/**
 * The claims of the access token, as the service tells them to the app: the token is opaque to it
 * (RFC 9068 §6). It is for showing, and decides nothing: an API goes by the token that it verifies.
 */
export interface SessionClaims {
  /** The user; the session where there is no user; with `uid`, the user's name at an issuer. */
  sub: string;
  /** The user's id, where `sub` is another name. */
  uid?: string;
  /** The session. */
  sid: string;
  /** There is no user. */
  guest?: boolean;
  /** When the person last proved who they are, in seconds since 1970. */
  auth_time?: number;
  /** By which methods (RFC 8176). */
  amr?: string[];
  /** How well, by classes of the service's own (OpenID Connect Core §2). */
  acr?: string;
  /** The session's own claims. */
  [name: string]: unknown;
}

/** The answer of `POST /v1/sessions` or of the token endpoint, as it is. */
export interface Tokens {
  /** For APIs, as Bearer (RFC 6750 §2.1). Opaque to the app. */
  access_token: string;
  /** For the service alone (RFC 6749 §6). The client replaces it at each refresh. */
  refresh_token: string;
  /** Seconds that the access token is good for, from now on. */
  expires_in: number;
}

interface CommonOptions {
  /** URL that the service is mounted at; relative to the page where there is one. */
  baseUrl: string;
  /**
   * Origins and URL prefixes that get the credentials, beside the service itself. Default: the
   * origin of `baseUrl`.
   */
  resources?: string[];
  /**
   * Told of refreshes that failed where no caller waits, which are tried again by themselves: a
   * `SessionUnavailableError`; and of a `storage` that failed: its own error.
   */
  onError?: (error: unknown) => unknown;
  /** Sends the requests. Default: the global `fetch`. */
  fetch?: typeof fetch;
  /** Milliseconds, by any clock: only durations are measured. Default: `Date.now`. */
  now?: () => number;
  /** From 0 up to 1, for spreading refreshes. Default: `Math.random`. */
  random?: () => number;
  /**
   * Runs a task once, so many milliseconds from now, and gives the way to cancel it. Default:
   * `setTimeout`.
   */
  after?: (ms: number, task: () => void) => () => void;
  /**
   * Milliseconds after which a request of the client's own is given up. Default: 10,000. Keep it
   * below the service's `REFRESH_GRACE_SECONDS`.
   */
  timeoutMs?: number;
}

/**
 * The session is in `HttpOnly` cookies of the service: no script sees a token. For apps whose API
 * is on the host of the service, because the cookies go nowhere else.
 */
export interface CookieClientOptions extends CommonOptions {
  /** Cookies alone. */
  mode: 'cookie';
}

/**
 * The refresh token is in an `HttpOnly` cookie of the service. The access token is in the memory of
 * the app's pages alone, and goes to `resources` as Bearer. For apps whose API is on another host
 * of the site; the client's entry in `CLIENTS` has `"access_token": "memory"`.
 */
export interface MemoryClientOptions extends CommonOptions {
  /** A cookie for the refresh token, memory for the access token. */
  mode: 'memory';
}

/** The app holds the tokens. */
export interface TokenClientOptions extends CommonOptions {
  /** Both tokens are the app's to keep. */
  mode: 'token';
  /** The app's entry in `CLIENTS`. */
  clientId: string;
  /**
   * `ACCOUNT_AUDIENCE` of the service, where that is set: `signOutEverywhere` asks for a token of
   * it.
   */
  accountAudience?: string;
  /** Where tokens outlive a reload. Default: in memory alone. */
  storage?: TokenStorage;
}

/** The options of one of the three modes. */
export type ClientOptions = TokenClientOptions | MemoryClientOptions | CookieClientOptions;

/** The session of an app, in any mode. */
export interface SessionClient {
  /** The state of the session as it is known now, without a request. */
  readonly session: SessionState;
  /**
   * `fetch` with the session's credentials for the allowed resources. After a 401: one refresh, one
   * more try (none for a body that is a stream). Rejects with `SessionUnavailableError` when the
   * access token has expired and cannot be refreshed now.
   */
  fetch(input: Parameters<typeof fetch>[0], init?: RequestInit): Promise<Response>;
  /**
   * Refreshes now; calls while one runs share it. Resolves to what the session then is. Rejects
   * with `SessionUnavailableError`, or with the signal's reason.
   */
  refresh(options?: { signal?: AbortSignal }): Promise<SessionState>;
  /**
   * Gives the claims of the session, without a request where a refresh has told them; null when
   * signed out. Rejects with `SessionUnavailableError`, or with the signal's reason.
   */
  getSession(options?: { signal?: AbortSignal }): Promise<SessionClaims | null>;
  /**
   * Ends the session. Rejects when the service could not be told: in token mode this device has
   * forgotten the tokens all the same; in cookie mode only the service can remove the cookies, so
   * the session is as it was.
   */
  signOut(): Promise<void>;
  /**
   * Ends all sessions of the user. Rejects, with nothing changed here, when the service could not
   * be told.
   */
  signOutEverywhere(): Promise<void>;
  /**
   * `reason` is the service's: `signed_out`, `expired_idle`, `reuse_detected` …; null when it gave
   * none. Returns the way to stop.
   */
  onSignedOut(listener: (reason: string | null) => void): () => void;
  /**
   * Told when the session comes to another state, or `getSession` has something else to tell:
   * another person, other claims. Returns the way to stop.
   */
  onChange(listener: (state: SessionState) => void): () => void;
  /**
   * Checks the time again. Browsers are listened to; elsewhere call it when the app comes to the
   * foreground.
   */
  wake(): void;
  /** Stops timers and listeners. The session stays. */
  close(): void;
}

/** With access tokens that the app can see: modes `memory` and `token`. */
export interface BearerSessionClient extends SessionClient {
  /**
   * An access token that is good for a request now, refreshed if need be; null when signed out.
   * Rejects with `SessionUnavailableError`, or with the signal's reason.
   */
  getAccessToken(options?: { signal?: AbortSignal }): Promise<string | null>;
}

/** For an app that signs its user in itself and is given tokens: mode `token`. */
export interface TokenSessionClient extends BearerSessionClient {
  /**
   * Takes the tokens of a new sign-in, in place of any before. Resolves when they are stored, or
   * could not be.
   */
  start(tokens: Tokens): Promise<void>;
}

/**
 * The service could not be asked, or answered nothing that decides. The session is as it was; try
 * again later.
 */
export class SessionUnavailableError extends Error {
  /** Tells it from other errors, also where the package is there twice. */
  override readonly name = 'SessionUnavailableError';
  /**
   * The service's own code, where it gave one. `invalid_target`: the session has no tokens for that
   * audience. `third_party_cookies_blocked`: the page is on another site than the service, and
   * browsers keep the cookies from it.
   */
  declare readonly code: string | undefined;
  /** For tests of apps. `code` is the service's own; without it, none was given. */
  constructor(code?: string) {
    super(code);
    this.code = code;
  }
}
