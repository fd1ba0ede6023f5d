/** Whose session a browser's cookie is: proven by its refresh token, without rotating it. */
import type { Home } from '../../db/d1';
import { whereSessionIs } from '../../service/locate';
import type { Service, Signer } from '../../service/service';
import { findPresented } from '../../sessions/presented';
import type { Session } from '../../sessions/session';
import { type ShownRefreshToken, verifyRefreshToken } from '../../tokens/refresh-token';
import type { AppContext } from '../context';
import { cookieSessionEnded } from '../refusals';
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
 * The live session of the cookie, verified against the database in one round trip. Throws
 * `session_ended`.
 */
export async function findOwnSession(
  c: AppContext,
  service: Service,
): Promise<{ session: Session; home: Home; secret: string; signer: Signer }> {
  const { config, now } = service;
  const cookie = await verifyCookie(c, service);
  const home = cookie && service.findHome(cookie.token.home, c.get('caller').meter);
  if (cookie === null || home === null || !config.clients.has(cookie.clientId))
    throw cookieSessionEnded(null);
  if (c.get('isOtherApps')) throw cookieSessionEnded(null);
  if (cookie.isExpired) throw cookieSessionEnded('expired_absolute');
  const signer = await service.signerFor(home);
  const keyring = await service.keyring();
  const { home: at, result } = await whereSessionIs(
    c.get('caller'),
    service,
    { home, sessionId: cookie.token.sessionId },
    (place) => findPresented(place, keyring, config.sessions, { ...cookie, now: now() }),
    (found) => !found.ok && found.reason === 'moved',
  );
  if (result.ok) return { session: result.session, home: at, secret: cookie.token.secret, signer };
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
      throw cookieSessionEnded(result.reason);
  }
}
