/** The verdict of a verifier on an access token. */
import type { JWTPayload } from 'jose';

/** The actor who acts by a token for its user (RFC 8693 §4.1). */
export interface TokenActor {
  /** Names the person of the support staff, or the API: a client of the service. */
  sub: string;
  /** It is this client of the service that acts; absent: someone of a team's support staff. */
  client_id?: string;
  /** For whom it acts itself, before the user. */
  act?: TokenActor;
}

/** The claims of a verified token (RFC 9068 §2.2), and this service's. */
export interface AccessTokenClaims extends JWTPayload {
  /** The service that issued it: the option `issuer`. */
  iss: string;
  /**
   * The user; the session where there is no user; where `uid` is there, what the issuer that the
   * client names calls the user.
   */
  sub: string;
  /** The user's id at the service, where `sub` is another name; absent: `sub` is the id. */
  uid?: string;
  /** The audiences, the option `audience` among them. */
  aud: string | string[];
  /** When it expires, in seconds since 1970. */
  exp: number;
  /** When it was issued, in seconds since 1970. */
  iat: number;
  /** Names this one token. */
  jti: string;
  /** The app that the session is for. */
  client_id: string;
  /** The session. */
  sid: string;
  /** `sub` is a session without a user. */
  guest?: boolean;
  /** When the person last proved who they are, in seconds since 1970. */
  auth_time?: number;
  /** By which methods (RFC 8176). */
  amr?: string[];
  /** How well, by classes of the service's own. */
  acr?: string;
  /** The scopes, separated by spaces (RFC 9068 §2.2.3); absent: the session has no scopes. */
  scope?: string;
  /** The actor, where it is not the user: support staff, or an API that exchanged the token. */
  act?: TokenActor;
}

/**
 * The verdict on a token. `description` is for developers, holds nothing of the token, and may be
 * sent to whoever presented it.
 */
export type Verdict =
  | { ok: true; claims: AccessTokenClaims }
  /** 401: not a good token (RFC 6750 §3.1). */
  | { ok: false; error: 'invalid_token'; description: string }
  /** 401: good, but the person has to authenticate again (RFC 9470 §3). */
  | { ok: false; error: 'insufficient_user_authentication'; description: string }
  /** 403: good, but it allows less than is asked for (RFC 6750 §3.1). */
  | { ok: false; error: 'insufficient_scope'; description: string }
  /** 503: it cannot be decided now. */
  | { ok: false; error: 'unavailable'; description: string };
