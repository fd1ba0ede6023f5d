/** The session of the cookie that a browser sent. */
import { findClient } from '../../config/refused-clients';
import type { Held } from '../../service/browser-accounts';
import type { CookieCaller } from '../../service/caller';
import { findCookieCaller, verifySessionCookie } from '../../service/present-cookie';
import type { Service } from '../../service/service';
import type { AppContext } from '../context';
import { cookieSessionEnded, toCookieProblem } from '../refusals';
import {
  accountsSent,
  assertOneSession,
  currentOf,
  isAmbiguous,
  readSessionCookie,
} from './cookies';

/**
 * The authentic refresh tokens of the browser's accounts, even of sessions that are over.
 */
export async function verifyHeld(c: AppContext, service: Service): Promise<Held> {
  const cookies = await Promise.all(
    accountsSent(c).map(async (index) => {
      const cookie = await verifySessionCookie(readSessionCookie(c, index), service);
      return [index, cookie] as const;
    }),
  );
  return { current: currentOf(c), cookies: new Map(cookies) };
}

/** Whether the browser has any session, live or over, or cookies that hide which one it has. */
export function hasSession(c: AppContext, { cookies }: Held): boolean {
  return [...cookies].some(([index, cookie]) => cookie !== null || isAmbiguous(c, index));
}

/**
 * The person of the live session of an account, the current one unless it is named. Throws
 * `session_ended`, or `ambiguous_cookie`.
 */
export async function cookieCallerOf(
  c: AppContext,
  service: Service,
  index = currentOf(c),
): Promise<CookieCaller> {
  assertOneSession(c, index);
  const cookie = await verifySessionCookie(readSessionCookie(c, index), service);
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
  // A reason is told only of an authentic cookie, which proves whose session it is.
  if (refusal.code === 'session_ended' && refusal.reason !== null)
    c.set('sessionClientId', cookie.clientId);
  throw toCookieProblem(refusal);
}
