/**
 * `/verify`, which gateways ask whether to let a request pass, and whose it is. A Bearer token may
 * be shown by anyone who has one; the cookies of a browser client, only by a gateway that proves
 * who it is. 401 is for the visitor alone, so that a gateway can hand it on.
 */

import type { Client } from '../../config/clients';
import {
  type VerifiedRequest,
  verifyBearerRequest,
  verifyCookieRequest,
} from '../../service/forward-auth';
import type { Service } from '../../service/service';
import { verifyApiToken } from '../../service/verify-access-token';
import { verifyBearer } from '../auth/bearer-auth';
import { assertOneSession, readSessionCookie } from '../browser/cookies';
import type { AppContext, AppEnv } from '../context';
import { bearerProblem } from '../errors';
import { Hono } from '../hono';
import { cookieSessionEnded, toCookieProblem, toProblemError } from '../refusals';
import { clientCallerOf, userCallerOf } from '../request-caller';
import { authenticateGateway } from './gateway-auth';
import { assertNotForged, readVisitorAddress, wantsAccessToken } from './visitor-request';

export function verifyRoutes(service: Service): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();

  // Envoy asks by the visitor's own method, and appends their path: to a query, which nothing
  // reads. Behind a path of this service it would be theirs to walk out of (`/../healthz`), and so
  // to be let through, which is why no such path is answered.
  routes.all('/', async (c) => {
    const gateway = await authenticateGateway(c, service);
    const authorization = c.req.header('authorization') ?? '';
    // RFC 6750 §3.1: another scheme is no attempt with a token.
    const verified = /^bearer( |$)/i.test(authorization)
      ? await byBearer(c, gateway)
      : await byCookie(c, gateway);
    c.set('outcome', 'verified');
    return c.body(null, 200, toHeaders(verified));
  });
  return routes;

  async function byBearer(c: AppContext, gateway: Client | null): Promise<VerifiedRequest> {
    c.set('accessToken', await verifyBearer(c, service, verifyApiToken(gateway)));
    const result = await verifyBearerRequest(userCallerOf(c), service, gateway);
    if (!result.ok) throw toProblemError(result.refusal);
    return result.verified;
  }

  async function byCookie(c: AppContext, gateway: Client | null): Promise<VerifiedRequest> {
    if (gateway === null)
      throw bearerProblem(
        null,
        'An access token is needed; cookies are read for a gateway that says who it is',
      );
    assertOneSession(c);
    const cookie = readSessionCookie(c);
    if (cookie === null) throw cookieSessionEnded(null);
    assertNotForged(c, service.config, cookie.clientId);
    const result = await verifyCookieRequest(clientCallerOf(c), service, {
      ...cookie,
      visitor: {
        user_agent: c.req.header('user-agent') ?? null,
        ip_address: readVisitorAddress(c),
      },
      wantsAccessToken: wantsAccessToken(c),
    });
    if (!result.ok) throw toCookieProblem(result.refusal);
    return result.verified;
  }
}

/**
 * The headers for the app behind the gateway. A header without a value is empty, not absent (the
 * user of a guest, the actor of everyone but support staff): a gateway that copies only the headers
 * that are there would pass on what the visitor sent under that name. A client id is printable
 * ASCII.
 */
function toHeaders({ userId, sessionId, clientId, actor, accessToken }: VerifiedRequest) {
  return {
    'X-User-Id': userId ?? '',
    'X-Session-Id': sessionId,
    'X-Client-Id': clientId,
    'X-Actor': actor ?? '',
    ...(accessToken !== null && { Authorization: `Bearer ${accessToken}` }),
  };
}
