/**
 * Hono middleware: lets a request pass with a good access token, and challenges any other (RFC 6750
 * §3, RFC 9470 §3).
 */
import type { MiddlewareHandler } from 'hono';
import { createMiddleware } from 'hono/factory';
import type { AccessTokenClaims, AccessTokenVerifier, Requirements, Verdict } from './verifier';

export interface VerifiedEnv {
  Variables: { accessToken: AccessTokenClaims };
}

/**
 * Sets `c.var.accessToken`. Tokens are read from the Authorization header alone: a URL is logged, a
 * form can be sent by any site.
 */
export const requireAccessToken = (
  verifier: AccessTokenVerifier,
  requirements: Requirements = {},
): MiddlewareHandler<VerifiedEnv> =>
  createMiddleware<VerifiedEnv>(async function requireAccessToken(c, next) {
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
  });

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
