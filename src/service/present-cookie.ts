/** Finds the session of a browser's cookie, which its refresh token proves, without rotating it. */
import { findBrowserClient } from '../config/refused-clients';
import type { Home } from '../db/d1';
import type { RefusalReason } from '../sessions/end-reason';
import type { Visitor } from '../sessions/presented';
import type { Session } from '../sessions/session';
import { type VerifiedRefreshToken, verifyRefreshToken } from '../tokens/refresh-token';
import type { SessionCookie } from '../tokens/session-cookie';
import type { Caller, CookieCaller } from './caller';
import { visitorOf } from './caller-signals';
import { homeOf } from './home-of-token';
import { type PresentedHere, present } from './present';
import { type Result, refuse, SESSION_ENDED } from './refusal';
import type { Service, Signer } from './service';
import { throttleToken } from './throttle';

export interface VerifiedCookie {
  token: VerifiedRefreshToken;
  clientId: string;
  isExpired: boolean;
}

/**
 * The authentic refresh token of a cookie, even of a session that is over; null for anything else.
 */
export async function verifySessionCookie(
  cookie: SessionCookie | null,
  { keyring, now }: Service,
): Promise<VerifiedCookie | null> {
  if (cookie === null) return null;
  const verdict = await verifyRefreshToken(await keyring(), cookie.refreshToken, now());
  if (!verdict.ok && verdict.reason !== 'expired') return null;
  return { token: verdict.token, clientId: cookie.clientId, isExpired: !verdict.ok };
}

/**
 * The live session of a cookie, verified against the database in one round trip, and weighed as a
 * refresh with it would be.
 */
export async function presentCookie(
  caller: Caller,
  service: Service,
  { token, clientId, isExpired }: VerifiedCookie,
  visitor: Visitor,
): Promise<Result<{ session: Session; home: Home; secret: string; signer: Signer }>> {
  const home = homeOf(caller, service, token.home);
  if (home === null || findBrowserClient(service.config, clientId) === null) return SESSION_ENDED;
  if (isExpired) return refuse({ code: 'session_ended', reason: 'expired_absolute' });
  const throttled = await throttleToken(service, token);
  if (throttled !== null) return throttled;
  const signer = await service.signerFor(home);
  const presented = await presentAt(caller, service, home, { token, clientId, visitor });
  return presented.ok ? { ...presented, signer } : presented;
}

/** The person of a cookie's live session. */
export async function findCookieCaller(
  caller: Caller,
  service: Service,
  cookie: VerifiedCookie,
): Promise<Result<{ caller: CookieCaller }>> {
  const visitor = await visitorOf(caller.device, service);
  const presented = await presentCookie(caller, service, cookie, visitor);
  if (!presented.ok) return presented;
  const { session, home } = presented;
  return { ok: true, caller: { ...caller, session, home } };
}

/** Finds the live session of a token that names this home; or why the browser has none. */
export async function presentAt(
  caller: Caller,
  service: Service,
  home: Home,
  presentation: PresentedHere,
): Promise<Result<{ session: Session; home: Home; secret: string }>> {
  const { home: at, result } = await present(caller, service, home, presentation);
  if (result.ok)
    return { ok: true, session: result.session, home: at, secret: presentation.token.secret };
  switch (result.reason) {
    // Only the holder of an authentic token of the session is told why it is over.
    case 'unknown_session':
    case 'wrong_client':
    case 'superseded':
      return SESSION_ENDED;
    default:
      return refuse({ code: 'session_ended', reason: result.reason satisfies RefusalReason });
  }
}
