/** The session of the cookie that a browser sent. */
import { findClient } from '../../config/refused-clients';
import type { CookieCaller } from '../../service/caller';
import {
  findCookieCaller,
  type VerifiedCookie,
  verifySessionCookie,
} from '../../service/present-cookie';
import type { Service } from '../../service/service';
import type { AppContext } from '../context';
import { cookieSessionEnded, toCookieProblem } from '../refusals';
import { assertOneSession, readSessionCookie } from './cookies';

/**
 * The authentic refresh token of the cookie, even of a session that is over; null for anything
 * else.
 */
export function verifyCookie(c: AppContext, service: Service): Promise<VerifiedCookie | null> {
  return verifySessionCookie(readSessionCookie(c), service);
}

/** The person of the cookie's live session. Throws `session_ended`, or `ambiguous_cookie`. */
export async function cookieCallerOf(c: AppContext, service: Service): Promise<CookieCaller> {
  assertOneSession(c);
  const cookie = await verifyCookie(c, service);
  if (cookie === null || findClient(service.config, cookie.clientId) === undefined)
    throw cookieSessionEnded(null);
  c.set('claimedClientId', cookie.clientId);
  if (c.get('isOtherApps')) throw cookieSessionEnded(null);
  const found = await findCookieCaller(c.get('caller'), service, cookie);
  if (found.ok) {
    c.set('sessionClientId', cookie.clientId);
    return found.caller;
  }
  const { refusal } = found;
  // What is told of the session proves whose it is.
  if (refusal.code === 'session_ended' && refusal.reason !== null)
    c.set('sessionClientId', cookie.clientId);
  throw toCookieProblem(refusal);
}
