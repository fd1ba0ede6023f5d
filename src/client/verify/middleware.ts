/**
 * Hono middleware: lets a request pass with a good access token, and challenges any other (RFC 6750
 * §3, RFC 9470 §3).
 */
import type { MiddlewareHandler } from 'hono';
import type { AccessTokenClaims } from './access-token-verdict';
import type { Requirements } from './requirements';
import type { AccessTokenVerifier, RequestVerdict } from './verifier';

type Refused = Extract<RequestVerdict, { ok: false }>;

/** The variables in the context of a route behind `requireAccessToken`. */
export interface VerifiedEnv {
  /** `c.get('accessToken')`: the claims of the token, all of them verified. */
  Variables: { accessToken: AccessTokenClaims };
}

/**
 * Lets a request pass with a good access token that meets the requirements, and sets
 * `c.get('accessToken')`. Any other is answered here: 401 with a challenge in `WWW-Authenticate`
 * (RFC 6750 §3; RFC 9470 §3 where a more recent or stronger authentication is needed), 403 where
 * the token allows less, or 503 with `Retry-After` when it cannot be decided now.
 *
 * Tokens are read from the Authorization header (RFC 6750 §2.1), never from a URL, which is logged,
 * or a form, which any site can send. The verifier's option `cookie` adds the service's cookie;
 * what another site's page asks to be changed with it is 403.
 */
export function requireAccessToken(
  verifier: Pick<AccessTokenVerifier, 'verifyRequest'>,
  requirements: Requirements = {},
): MiddlewareHandler<VerifiedEnv> {
  return async function requireAccessToken(c, next) {
    const verdict = await verifier.verifyRequest(c.req.raw, requirements);
    if (!verdict.ok) return respond(verdict, requirements);
    c.set('accessToken', verdict.claims);
    return next();
  };
}

function respond(verdict: Refused, requirements: Requirements): Response {
  switch (verdict.error) {
    // Without credentials a challenge carries no error (RFC 6750 §3.1).
    case 'no_token':
      return refuse(401, { 'WWW-Authenticate': 'Bearer' });
    case 'cross_site_request':
      return refuse(403);
    case 'unavailable':
      return refuse(503, { 'Retry-After': '5' });
    case 'invalid_request':
      return refuse(400, { 'WWW-Authenticate': toChallenge(verdict, requirements) });
    case 'insufficient_scope':
      return refuse(403, { 'WWW-Authenticate': toChallenge(verdict, requirements) });
    case 'invalid_token':
    case 'insufficient_user_authentication':
      return refuse(401, { 'WWW-Authenticate': toChallenge(verdict, requirements) });
  }
}

function refuse(status: 400 | 401 | 403 | 503, headers: Record<string, string> = {}): Response {
  return new Response(null, { status, headers: { ...headers, 'Cache-Control': 'no-store' } });
}

function toChallenge(
  { error, description }: Refused,
  { maxAge, acr, scope }: Requirements,
): string {
  const parameters = [`error="${error}"`, `error_description="${description}"`];
  if (error === 'insufficient_user_authentication') {
    if (maxAge !== undefined) parameters.push(`max_age="${maxAge}"`);
    if (acr !== undefined)
      parameters.push(`acr_values="${acr.join(' ').replaceAll(/["\\]/g, '')}"`);
  }
  if (error === 'insufficient_scope' && scope !== undefined)
    parameters.push(`scope="${scope.join(' ').replaceAll(/["\\]/g, '')}"`);
  return `Bearer ${parameters.join(', ')}`;
}
