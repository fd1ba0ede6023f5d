/** Whose session a browser's cookie is: proven by its refresh token, without rotating it. */
import type { Home } from '../../db/d1';
import { present } from '../../service/present';
import type { Service, Signer } from '../../service/service';
import { visitorOf } from '../../service/signals';
import { throttleToken } from '../../service/throttle';
import type { Visitor } from '../../sessions/presented';
import type { Session } from '../../sessions/session';
import { type ShownRefreshToken, verifyRefreshToken } from '../../tokens/refresh-token';
import type { AppContext } from '../context';
import { cookieSessionEnded, toCookieProblem } from '../refusals';
import { readSessionCookie } from './cookies';

/**
 * The authentic refresh token of the cookie, even of a session that is over; null for anything
 * else.
 */
export async function verifyCookie(
  c: AppContext,
  { keyring, now }: Service,
): Promise<{ token: ShownRefreshToken; clientId: string; isExpired: boolean } | null> {
  const cookie = readSessionCookie(c);
  if (cookie === null) return null;
  const verdict = await verifyRefreshToken(await keyring(), cookie.refreshToken, now());
  if (!verdict.ok && verdict.reason !== 'expired') return null;
  return { token: verdict.token, clientId: cookie.clientId, isExpired: !verdict.ok };
}

/**
 * The live session of the cookie, verified against the database in one round trip, and weighed as a
 * refresh with it would be. `described` is for a request that a server makes for the person. Throws
 * `session_ended`.
 */
export async function findOwnSession(
  c: AppContext,
  service: Service,
  described?: Visitor,
): Promise<{ session: Session; home: Home; secret: string; signer: Signer }> {
  const { config } = service;
  const cookie = await verifyCookie(c, service);
  const home = cookie && service.findHome(cookie.token.home, c.get('caller').meter);
  if (cookie === null || home === null || !config.clients.has(cookie.clientId))
    throw cookieSessionEnded(null);
  c.set('claimedClientId', cookie.clientId);
  if (c.get('isOtherApps')) throw cookieSessionEnded(null);
  if (cookie.isExpired) throw cookieSessionEnded('expired_absolute');
  const throttled = await throttleToken(service, cookie.token);
  if (throttled !== null) throw toCookieProblem(throttled.refusal);
  const signer = await service.signerFor(home);
  const { token, clientId } = cookie;
  const caller = c.get('caller');
  const visitor = described ?? (await visitorOf(caller.device, service));
  const { home: at, result } = await present(caller, service, home, { token, clientId, visitor });
  if (result.ok) {
    c.set('sessionClientId', clientId);
    return { session: result.session, home: at, secret: token.secret, signer };
  }
  switch (result.reason) {
    case 'unknown_session':
    case 'wrong_client':
    case 'superseded':
    case 'moved':
      throw cookieSessionEnded(null);
    case 'expired_idle':
    case 'expired_absolute':
    case 'signed_out':
    case 'evicted':
    case 'reuse_detected':
    case 'revoked':
    case 'reauthenticate':
      c.set('sessionClientId', clientId);
      throw cookieSessionEnded(result.reason);
  }
}
