/**
 * For routes of users: a verified access token (RFC 6750 §2.1). Whether its session is still live,
 * the route's own statement asks.
 */
import { createMiddleware } from 'hono/factory';
import { verifyAccountToken } from '../../service/own-access-token';
import type { Service } from '../../service/service';
import type { AppEnv } from '../context';
import { bearerProblem } from '../errors';

/** What a client is told of why its token is not good, where it can do something about it. */
const DESCRIPTIONS = new Map<string, string>([
  ['expired', 'The access token has expired'],
  ['wrong_audience', 'The access token is for another audience; ask for one by resource'],
]);

export const bearerAuth = (service: Service) =>
  createMiddleware<AppEnv>(async function bearerAuth(c, next) {
    const header = c.req.header('authorization');
    // RFC 6750 §3.1: another scheme is no attempt with a token either.
    if (header === undefined || !/^bearer( |$)/i.test(header))
      throw bearerProblem(null, 'An access token is needed');
    const [, token] = /^bearer +([A-Za-z0-9._~+/=-]+)$/i.exec(header) ?? [];
    if (token === undefined)
      throw bearerProblem('invalid_token', 'The Authorization header holds no access token');
    const verdict = await verifyAccountToken(c.get('caller'), service, token);
    if (!verdict.ok) {
      throw bearerProblem(
        'invalid_token',
        DESCRIPTIONS.get(verdict.reason) ?? 'The access token is not valid',
      );
    }
    c.set('accessToken', verdict.token);
    await next();
  });
