/** Whose session a browser's cookie is: proven by its refresh token, without rotating it. */
import type { Home } from '../../db/d1';
import { findPresented } from '../../sessions/presented';
import type { RefusalReason, Session } from '../../sessions/session';
import { type RefreshToken, verifyRefreshToken } from '../../tokens/refresh-token';
import type { AppContext } from '../context';
import { ProblemError } from '../errors';
import { whereSessionIs } from '../homes';
import type { Service } from '../service';
import { readSessionCookie } from './cookies';

/**
 * The authentic refresh token of the cookie, even of a session that is over; null for anything
 * else.
 */
export async function verifyCookie(
  c: AppContext,
  { keyring, now }: Service,
): Promise<{ token: RefreshToken; clientId: string; isExpired: boolean } | null> {
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
): Promise<{ session: Session; home: Home; secret: string }> {
  const { config, now } = service;
  const cookie = await verifyCookie(c, service);
  const home = cookie && service.findHome(cookie.token.home, c.get('meter'));
  if (cookie === null || home === null || !config.clients.has(cookie.clientId))
    throw cookieSessionEnded(null);
  if (c.get('isOtherApps')) throw cookieSessionEnded(null);
  if (cookie.isExpired) throw cookieSessionEnded('expired_absolute');
  await service.keySet(home);
  const keyring = await service.keyring();
  const { home: at, result } = await whereSessionIs(
    c,
    service,
    { home, sessionId: cookie.token.sessionId },
    (place) => findPresented(place, keyring, config.sessions, { ...cookie, now: now() }),
    (found) => !found.ok && found.reason === 'moved',
  );
  if (result.ok) return { session: result.session, home: at, secret: cookie.token.secret };
  switch (result.reason) {
    case 'unknown_session':
    case 'wrong_client':
    case 'superseded':
    case 'moved':
      throw cookieSessionEnded(null);
    default:
      throw cookieSessionEnded(result.reason);
  }
}

/** `reason` is for whoever holds an authentic token of the session; null tells nothing. */
export function cookieSessionEnded(reason: RefusalReason | null): ProblemError {
  const challenge = {
    'WWW-Authenticate': 'Cookie realm="edge-sessions", cookie-name="__Host-session"',
  };
  return new ProblemError('session_ended', undefined, challenge, reason === null ? {} : { reason });
}
