/**
 * Hono middleware: lets a request pass with a good access token, and challenges any other (RFC 6750
 * §3, RFC 9470 §3).
 */
import type { MiddlewareHandler } from 'hono';
import type { AccessTokenClaims, AccessTokenVerifier, Requirements, Verdict } from './verifier';

/** What a route behind `requireAccessToken` finds in its context. */
export interface VerifiedEnv {
  /** `c.get('accessToken')`: the claims of the token, all of them verified. */
  Variables: { accessToken: AccessTokenClaims };
}

/**
 * Lets a request pass with a good access token that meets the requirements, and sets
 * `c.get('accessToken')`. Any other is answered here: 401 with a challenge in `WWW-Authenticate`
 * (RFC 6750 §3; RFC 9470 §3 where a more recent or stronger authentication is needed), or 503 with
 * `Retry-After` when it cannot be decided now.
 *
 * Tokens are read from the Authorization header alone (RFC 6750 §2.1): a URL is logged, a form can
 * be sent by any site.
 */
export function requireAccessToken(
  verifier: AccessTokenVerifier,
  requirements: Requirements = {},
): MiddlewareHandler<VerifiedEnv> {
  return async function requireAccessToken(c, next) {
    const [, token] =
      /^bearer +([A-Za-z0-9._~+/=-]+)$/i.exec(c.req.header('authorization') ?? '') ?? [];
    // Without credentials a challenge carries no error (RFC 6750 §3.1).
    if (token === undefined) return refuse(401, 'Bearer');
    const verdict = await verifier.verify(token, requirements);
    if (!verdict.ok)
      return verdict.error === 'unavailable'
        ? refuse(503)
        : refuse(401, toChallenge(verdict, requirements));
    c.set('accessToken', verdict.claims);
    return next();
  };
}

function refuse(status: 401 | 503, challenge?: string): Response {
  const headers: Record<string, string> =
    challenge === undefined ? { 'Retry-After': '5' } : { 'WWW-Authenticate': challenge };
  return new Response(null, { status, headers: { ...headers, 'Cache-Control': 'no-store' } });
}

function toChallenge(
  { error, description }: Extract<Verdict, { ok: false }>,
  { maxAge, acr }: Requirements,
): string {
  const parameters = [`error="${error}"`, `error_description="${description}"`];
  if (error === 'insufficient_user_authentication') {
    if (maxAge !== undefined) parameters.push(`max_age="${maxAge}"`);
    if (acr !== undefined)
      parameters.push(`acr_values="${acr.join(' ').replaceAll(/["\\]/g, '')}"`);
  }
  return `Bearer ${parameters.join(', ')}`;
}
