/**
 * For routes of users: a verified access token (RFC 6750 §2.1). The route's own statement finds out
 * whether its session is still live.
 */
import { createMiddleware } from 'hono/factory';
import type { Service } from '../../service/service';
import { type AudienceVerdict, verifyAccountToken } from '../../service/verify-access-token';
import type { AccessToken } from '../../tokens/access-token';
import type { AppContext, AppEnv } from '../context';
import { bearerProblem } from '../errors';

export const bearerAuth = (service: Service) =>
  createMiddleware<AppEnv>(async function bearerAuth(c, next) {
    c.set('accessToken', await verifyBearer(c, service, verifyAccountToken));
    await next();
  });

/** Verifies the access token of the Authorization header by `verify`. Throws `invalid_token`. */
export async function verifyBearer(
  c: AppContext,
  service: Service,
  verify: typeof verifyAccountToken,
): Promise<AccessToken> {
  const header = c.req.header('authorization');
  // RFC 6750 §3.1: another scheme is no attempt with a token either.
  if (header === undefined || !/^bearer( |$)/i.test(header))
    throw bearerProblem(null, 'An access token is needed');
  const [, token] = /^bearer +([A-Za-z0-9._~+/=-]+)$/i.exec(header) ?? [];
  if (token === undefined)
    throw bearerProblem('invalid_token', 'The Authorization header holds no access token');
  const verdict = await verify(c.get('caller'), service, token);
  if (verdict.ok) return verdict.token;
  throw bearerProblem('invalid_token', describe(verdict.reason));
}

/** Tells a client why its token is not good, where the client can do something about it. */
function describe(reason: Extract<AudienceVerdict, { ok: false }>['reason']): string {
  switch (reason) {
    case 'expired':
      return 'The access token has expired';
    case 'wrong_audience':
      return 'The access token is for another audience; ask for one by resource';
    case 'malformed':
    case 'unknown_key':
    case 'bad_signature':
    case 'wrong_claims':
      return 'The access token is not valid';
  }
}
