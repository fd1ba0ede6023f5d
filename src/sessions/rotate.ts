/**
 * Refreshing a session: the ratchet. For an authentic token there are four cases, by what the row stores:
 *
 *   1. current      the token's own hash, last rotation older than the grace period → rotated: the successor
 *   2. current      rotated within the grace period → kept: the same token again, nothing written
 *   3. predecessor  the successor's hash, within the grace period → repeated: the same successor again
 *   4. anything else → reuse: the session is revoked (RFC 9700 §4.14.2)
 *
 * Because of 2 a session moves at most one step a grace period, so a superseded token stays good for the whole of it and
 * signs nobody out, however many tabs, retries and slow requests race; after it, it is theft. The statements of one batch decide:
 * no answer depends on what was read before it.
 */
import { and, eq, inArray, not, or, sql } from 'drizzle-orm';
import type { SessionPolicy } from '../config';
import { type Keyring, sha256 } from '../crypto';
import { type Home, transact } from '../db/homes';
import { userSessions } from '../db/schema';
import { type RefreshToken, successorsOf } from '../tokens/refresh';
import { checkSession, type EndReason, isLive, isWithinGrace, type RevokedReason, type Session } from './session';

export type RotateResult =
  | {
      ok: true;
      outcome: 'rotated' | 'kept' | 'repeated';
      session: Session;
      /** The secret of the token to answer with. */
      secret: string;
    }
  /** `justDetected`: this very call found the reuse and revoked the session. */
  | { ok: false; reason: 'reuse_detected'; justDetected: boolean; session: Session }
  | { ok: false; reason: Exclude<EndReason, 'reuse_detected'>; session: Session }
  | { ok: false; reason: 'unknown_session' | 'wrong_client' };

/** Refreshes the session of an authentic token, for the client that it was issued to. One round trip; one row written at most. */
export async function rotateSession(
  home: Home,
  keyring: Keyring,
  policy: SessionPolicy,
  { token, clientId, now }: { token: RefreshToken; clientId: string; now: number },
): Promise<RotateResult> {
  const [presented, successors] = await Promise.all([sha256(token.secret), successorsOf(keyring, token)]);
  const [next] = successors;
  const successorHashes = successors.map(({ hash }) => hash);
  const own = and(eq(userSessions.id, token.sessionId), eq(userSessions.clientId, clientId), isLive(policy, now));
  const isCurrent = eq(userSessions.refreshToken, presented);
  const isPredecessor = inArray(userSessions.refreshToken, successorHashes);

  const [before, reused, rotated] = await transact(home, (isRerun) => {
    // A rotation of this very moment is this call's own, whose answer was lost on the way from the database.
    const isOwnRotation = isRerun ? eq(userSessions.rotatedAt, new Date(now)) : sql`0`;
    const isRepeatable = and(isPredecessor, or(isWithinGrace(policy, now), isOwnRotation));
    return [
      home.db.select().from(userSessions).where(eq(userSessions.id, token.sessionId)),
      home.db
        .update(userSessions)
        .set({ revokedAt: new Date(now), revokedReason: 'reuse_detected' satisfies RevokedReason })
        .where(and(own, not(isCurrent), sql`not (${isRepeatable})`))
        .returning({ id: userSessions.id }),
      home.db
        .update(userSessions)
        .set({ refreshToken: next.hash, rotatedAt: new Date(now) })
        .where(and(own, isCurrent, sql`not ${isWithinGrace(policy, now)}`))
        .returning({ id: userSessions.id }),
    ] as const;
  });

  const session = before[0];
  if (session === undefined) return { ok: false, reason: 'unknown_session' };
  if (session.clientId !== clientId) return { ok: false, reason: 'wrong_client' };
  const ended = checkSession(session, policy, now);
  if (ended === 'reuse_detected') return { ok: false, reason: ended, justDetected: false, session };
  if (ended !== null) return { ok: false, reason: ended, session };
  if (reused.length > 0) return { ok: false, reason: 'reuse_detected', justDetected: true, session };
  if (rotated.length > 0) {
    return {
      ok: true,
      outcome: 'rotated',
      session: { ...session, refreshToken: next.hash, rotatedAt: new Date(now) },
      secret: next.secret,
    };
  }
  if (session.refreshToken === presented) return { ok: true, outcome: 'kept', session, secret: token.secret };
  const live = successors.find(({ hash }) => hash === session.refreshToken) ?? next;
  return { ok: true, outcome: 'repeated', session, secret: live.secret };
}
