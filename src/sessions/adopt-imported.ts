/**
 * An imported session before its first refresh by the token of another system. Until then the
 * session ends when it would have ended in that system; from then on it is this service's own, and
 * lasts as long as its client's last.
 */
import { and, eq } from 'drizzle-orm';
import { policyOf, type SessionPolicies } from '../config/session-policy';
import { sha256 } from '../crypto';
import { type Home, transact } from '../db/d1';
import { userSessions } from '../db/schema';
import type { ImportedToken } from '../tokens/imported-token';
import type { EndReason } from './end-reason';
import {
  checkSession,
  isLive,
  MOVED,
  type Moved,
  type SessionWithNotBefore,
  selectSession,
} from './session';

export interface Adopted {
  session: SessionWithNotBefore;
  /** Why the session is over; null: it is live. */
  ended: EndReason | null;
  /** When the session would have ended in the other system; null: never. */
  endedAt: Date | null;
}

/**
 * The session of an imported token, live or over; null where this home has none. One round trip.
 */
export async function adoptImported(
  home: Home,
  policies: SessionPolicies,
  { sessionId, secret }: ImportedToken,
  { clientId, now }: { clientId: string; now: number },
): Promise<Adopted | Moved | null> {
  const { lifetimeSeconds } = policyOf(policies, clientId);
  const second = Math.floor(now / 1000);
  const expiresAt = lifetimeSeconds === null ? null : new Date((second + lifetimeSeconds) * 1000);
  const isFirst = and(
    eq(userSessions.id, sessionId),
    eq(userSessions.clientId, clientId),
    eq(userSessions.refreshToken, await sha256(secret)),
    isLive(policies, now),
  );
  const own = selectSession(sessionId);
  const { before, after } = await transact(home, () => ({
    before: own,
    adopted: home.db.update(userSessions).set({ expiresAt }).where(isFirst),
    after: own,
  }));
  const [session] = after;
  if (session === undefined || session.clientId !== clientId) return null;
  const ended = checkSession(session, policies, now);
  return ended === MOVED ? MOVED : { session, ended, endedAt: before[0]?.expiresAt ?? null };
}

/** Takes the longer life away again where the refresh was refused. One round trip. */
export async function giveBackImported(
  home: Home,
  { sessionId, secret }: ImportedToken,
  endedAt: Date | null,
): Promise<void> {
  const isFirst = and(
    eq(userSessions.id, sessionId),
    eq(userSessions.refreshToken, await sha256(secret)),
  );
  await transact(home, () => ({
    givenBack: home.db.update(userSessions).set({ expiresAt: endedAt }).where(isFirst),
  }));
}
