/** Routes that end the session of a browser, and take its cookies. */
import { endAllByCookie } from '../../service/cookie-person';
import { endByCookies } from '../../service/end-by-cookies';
import type { Service } from '../../service/service';
import type { AppContext } from '../context';
import { readNothing } from '../input';
import { toCookieProblem } from '../refusals';
import { cookieCallerOf } from './cookie-session';
import { clearSessionCookies, readAccessCookie, readSessionCookie } from './cookies';
import { mayUse } from './same-site';

export function signOutByCookies(service: Service) {
  return async function answerSignOut(c: AppContext): Promise<Response> {
    await readNothing(c);
    const cookies = { session: readSessionCookie(c), accessToken: readAccessCookie(c) };
    const origin = c.req.header('origin');
    const mayEnd = (clientId: string) =>
      origin === undefined || mayUse(service.config, clientId, origin);
    const result = await endByCookies(c.get('caller'), service, cookies, mayEnd);
    if (!result.ok) throw toCookieProblem(result.refusal);
    if (result.outcome === 'signed_out') c.set('sessionClientId', result.clientId);
    c.set('outcome', result.outcome === 'signed_out' ? 'signed_out' : 'unchanged');
    if (result.outcome !== 'kept') clearSessionCookies(c);
    return c.body(null, 204);
  };
}

export function signOutEverywhere(service: Service) {
  return async function answerSignOut(c: AppContext): Promise<Response> {
    await readNothing(c);
    const result = await endAllByCookie(await cookieCallerOf(c, service), service);
    if (!result.ok) throw toCookieProblem(result.refusal);
    c.set('outcome', 'signed_out');
    clearSessionCookies(c);
    return c.body(null, 204);
  };
}
