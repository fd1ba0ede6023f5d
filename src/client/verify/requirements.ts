/**
 * The requirements of a route on the person's authentication and on the token, and whether its
 * claims meet them.
 */
import type { AccessTokenClaims } from './access-token-verdict';

/** The requirements of a route beyond a good token. */
export interface Requirements {
  /** Seconds since the person last proved who they are (RFC 9470 §4). */
  maxAge?: number;
  /** One of these classes (RFC 9470 §4). */
  acr?: string[];
  /**
   * All of these methods (RFC 8176). Has no parameter in a challenge, so the client learns it from
   * you.
   */
  amr?: string[];
  /** All of these scopes (RFC 6749 §3.3); a token without scopes has none. */
  scope?: string[];
  /**
   * Ask the service whether the session is live right now (RFC 7662 §2). One request to it each
   * time; needs the option `introspection`.
   */
  live?: boolean;
  /**
   * False: no support staff who act as the user (RFC 8693 §4.1), nor an API on their behalf. APIs
   * that exchanged a token of the user's own may. Default: everyone.
   */
  actor?: boolean;
}

/** Whether the token allows what is asked for. */
export function isAllowed({ scope: held }: AccessTokenClaims, { scope = [] }: Requirements) {
  const scopes = typeof held === 'string' ? held.split(' ') : [];
  return scope.every((name) => scopes.includes(name));
}

/** Whether the route is for whoever acts by the token, and for whom they act. */
export function isForActor(claims: AccessTokenClaims, { actor = true }: Requirements): boolean {
  let act = claims.act;
  // Clients that act one for the other are no support staff; whoever began it may be.
  while (act?.client_id !== undefined) act = act.act;
  return actor || act === undefined;
}

/** Whether the claims show what is asked for, at a time in seconds since 1970. */
export function isAuthenticated(
  claims: AccessTokenClaims,
  { maxAge, acr, amr }: Requirements,
  seconds: number,
): boolean {
  const isRecent =
    maxAge === undefined ||
    (claims.auth_time !== undefined && seconds - claims.auth_time <= maxAge);
  const isOfClass = acr === undefined || (claims.acr !== undefined && acr.includes(claims.acr));
  const isByMethods = amr === undefined || amr.every((method) => claims.amr?.includes(method));
  return isRecent && isOfClass && isByMethods;
}
