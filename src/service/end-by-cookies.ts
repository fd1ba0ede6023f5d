/**
 * Signing out by the cookies of a browser: either of them is proof enough for ending the session
 * that it names (RFC 7009 §2.1), also where the other is gone.
 */
import type { Home } from '../db/d1';
import type { VerifiedRefreshToken } from '../tokens/refresh-token';
import type { SessionCookie } from '../tokens/session-cookie';
import type { Caller } from './caller';
import { visitorOf } from './caller-signals';
import { endByClient, hasEnded } from './end-session';
import { homeOf, verifiedAt } from './home-of-token';
import { endPresented } from './present';
import { type VerifiedCookie, verifySessionCookie } from './present-cookie';
import type { Result } from './refusal';
import type { Service } from './service';
import { throttleSignOut } from './throttle';
import { verifyAccountToken } from './verify-access-token';

/**
 * The session cookies that a browser sent, authentic or not. A member is null also where two
 * cookies have its name.
 */
export interface SessionCookies {
  session: SessionCookie | null;
  accessToken: string | null;
}

/**
 * `kept`: the session is one that the caller may not end, so the browser keeps it. `unchanged`:
 * there was none, or it was over. `clientId`: whose session was ended.
 */
export type SignedOut =
  | { outcome: 'kept' | 'unchanged' }
  | { outcome: 'signed_out'; clientId: string };

/** `mayEnd` says of a client whether the caller may end its sessions. */
export async function endByCookies(
  caller: Caller,
  service: Service,
  cookies: SessionCookies,
  mayEnd: (clientId: string) => boolean,
): Promise<Result<SignedOut>> {
  const named = await findNamed(caller, service, cookies);
  if (named === null) return { ok: true, outcome: 'unchanged' };
  const { home, clientId } = named;
  if (!mayEnd(clientId)) return { ok: true, outcome: 'kept' };
  const throttled = await throttleSignOut(service, clientId, named.token ?? named);
  if (throttled !== null) return throttled;
  const events =
    named.token === null
      ? await endByClient(caller, service, home, named)
      : await endPresented(caller, service, home, {
          token: named.token,
          clientId,
          visitor: await visitorOf(caller.device, service),
        });
  return hasEnded(events)
    ? { ok: true, outcome: 'signed_out', clientId }
    : { ok: true, outcome: 'unchanged' };
}

/** Ends the session that another has just replaced in the browser; null: there was none. */
export async function endReplaced(
  caller: Caller,
  service: Service,
  former: VerifiedCookie | null,
): Promise<void> {
  const home = former && homeOf(caller, service, former.token.home);
  if (former === null || home === null) return;
  const visitor = await visitorOf(caller.device, service);
  await endPresented(caller, service, home, { ...former, visitor });
}

type Named = { home: Home; clientId: string } & (
  | { token: VerifiedRefreshToken }
  | { token: null; sessionId: string }
);

async function findNamed(
  caller: Caller,
  service: Service,
  { session, accessToken }: SessionCookies,
): Promise<Named | null> {
  const cookie = await verifySessionCookie(session, service);
  if (cookie !== null) {
    const home = homeOf(caller, service, cookie.token.home);
    return home && { home, clientId: cookie.clientId, token: cookie.token };
  }
  if (accessToken === null) return null;
  const verdict = await verifyAccountToken(caller, service, accessToken);
  const verified = verifiedAt(caller, service, verdict);
  if (verified === null) return null;
  const { sessionId, clientId } = verified.token;
  return { home: verified.home, clientId, sessionId, token: null };
}
