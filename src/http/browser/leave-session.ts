/** Routes that end sessions of a browser, and take their cookies. */
import { endAllByCookie } from '../../service/cookie-person';
import { endByCookies } from '../../service/end-by-cookies';
import type { Service } from '../../service/service';
import type { AppContext } from '../context';
import { readNothing, readOptionalJson } from '../input';
import { toCookieProblem } from '../refusals';
import { signOutSchema } from './browser-inputs';
import { cookieCallerOf } from './cookie-session';
import {
  accountsSent,
  clearSessionCookies,
  currentOf,
  readAccessCookie,
  readSessionCookie,
} from './cookies';
import { isOthers } from './same-site';

export function signOutByCookies(service: Service) {
  return async function answerSignOut(c: AppContext): Promise<Response> {
    const { index = currentOf(c) } = await readOptionalJson(c, signOutSchema);
    c.set('outcome', 'unchanged');
    // Where nothing tells which account is current, another account could be current afterwards.
    const isOfAll = index === 'all' || index < 0;
    for (const each of isOfAll ? [...accountsSent(c), currentOf(c)] : [index])
      await signOutOf(c, service, each);
    return c.body(null, 204);
  };
}

/** Signs one account out, unless it is another app's. */
export async function signOutOf(c: AppContext, service: Service, index: number): Promise<void> {
  const session = readSessionCookie(c, index);
  const cookies = { session, accessToken: readAccessCookie(c, index) };
  const mayEnd = (clientId: string) => !isOthers(c, service.config, clientId);
  const result = await endByCookies(c.get('caller'), service, cookies, mayEnd);
  if (!result.ok) throw toCookieProblem(result.refusal);
  if (result.outcome === 'signed_out') {
    c.set('sessionClientId', result.clientId);
    c.set('outcome', 'signed_out');
  }
  if (result.outcome !== 'kept') clearSessionCookies(c, index);
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
