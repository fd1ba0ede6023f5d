/**
 * Ending sessions. A revoked session keeps its row, marked, until the clean-up's retention has passed, so that its user can
 * be told why. Revoking twice changes nothing.
 */
import { and, eq, exists, isNull, ne, type SQL, sql } from 'drizzle-orm';
import type { SessionPolicy } from '../config';
import { type Home, transact } from '../db/homes';
import { userSessions, users } from '../db/schema';
import { checkSession, isLive, type RevokedReason } from './session';

/** Who asks: the session behind a verified access token. */
export interface Caller {
  sessionId: string;
  /** null: a guest, who has this one session. */
  userId: string | null;
}

export type RevokeResult =
  | { ok: true; revoked: string[] }
  | { ok: false; reason: 'caller_session_ended' | 'not_found' };

/** Ends a session of the client that presents its token (RFC 7009 §2.1). One that is not there, or not the client's, is left alone. */
export async function revokeByClient(
  home: Home,
  { sessionId, clientId, now }: { sessionId: string; clientId: string; now: number },
): Promise<boolean> {
  const [revoked] = await transact(
    home,
    () =>
      [
        revokeWhere(home, 'signed_out', now, and(eq(userSessions.id, sessionId), eq(userSessions.clientId, clientId))),
      ] as const,
  );
  return revoked.length > 0;
}

/** Ends the caller's own session. */
export async function revokeCurrent(home: Home, caller: Caller, now: number): Promise<void> {
  await transact(home, () => [revokeWhere(home, 'signed_out', now, eq(userSessions.id, caller.sessionId))] as const);
}

/** Ends one session of the caller's user. Someone else's is not found. */
export async function revokeOne(
  home: Home,
  policy: SessionPolicy,
  caller: Caller,
  sessionId: string,
  now: number,
): Promise<RevokeResult> {
  const target = and(eq(userSessions.id, sessionId), belongsTo(caller));
  const [callers, revoked, targets] = await transact(
    home,
    () =>
      [
        home.db.select().from(userSessions).where(eq(userSessions.id, caller.sessionId)),
        revokeWhere(home, 'signed_out', now, and(target, isCallerLive(home, caller, policy, now))),
        home.db.select({ id: userSessions.id }).from(userSessions).where(target),
      ] as const,
  );
  const isLiveCaller = callers[0] !== undefined && checkSession(callers[0], policy, now) === null;
  if (!isLiveCaller) return { ok: false, reason: 'caller_session_ended' };
  if (targets.length === 0) return { ok: false, reason: 'not_found' };
  return { ok: true, revoked: revoked.map(({ id }) => id) };
}

/** Ends all sessions of the caller's user but the caller's own. */
export async function revokeOthers(
  home: Home,
  policy: SessionPolicy,
  caller: Caller,
  now: number,
): Promise<RevokeResult> {
  const others = and(belongsTo(caller), ne(userSessions.id, caller.sessionId));
  const [callers, revoked] = await transact(
    home,
    () =>
      [
        home.db.select().from(userSessions).where(eq(userSessions.id, caller.sessionId)),
        revokeWhere(home, 'signed_out', now, and(others, isCallerLive(home, caller, policy, now))),
      ] as const,
  );
  const isLiveCaller = callers[0] !== undefined && checkSession(callers[0], policy, now) === null;
  if (!isLiveCaller) return { ok: false, reason: 'caller_session_ended' };
  return { ok: true, revoked: revoked.map(({ id }) => id) };
}

/** Ends all sessions of the caller's user, the caller's own too, as long as that one is live. False: it is over. */
export async function revokeEverywhere(
  home: Home,
  policy: SessionPolicy,
  caller: Caller,
  now: number,
): Promise<boolean> {
  let wasRerun = false;
  const [revoked, own] = await transact(home, (isRerun) => {
    wasRerun = isRerun;
    return [
      revokeWhere(home, 'signed_out', now, and(belongsTo(caller), isCallerLive(home, caller, policy, now))),
      home.db
        .select({ id: userSessions.id })
        .from(userSessions)
        .where(and(eq(userSessions.id, caller.sessionId), eq(userSessions.revokedAt, new Date(now)))),
    ] as const;
  });
  // On a rerun the caller's session may have been ended by the run before, whose answer was lost.
  return revoked.length > 0 || (wasRerun && own.length > 0);
}

/** Ends all sessions of a user, for a backend. Returns their ids. */
export async function revokeUser(home: Home, userId: string, now: number): Promise<string[]> {
  const [revoked] = await transact(
    home,
    () => [revokeWhere(home, 'revoked', now, eq(userSessions.userId, userId))] as const,
  );
  return revoked.map(({ id }) => id);
}

/** Erases a user and, by the foreign key, all sessions. False: there was no such user. */
export async function eraseUser(home: Home, userId: string): Promise<boolean> {
  const [erased] = await transact(
    home,
    () => [home.db.delete(users).where(eq(users.id, userId)).returning({ id: users.id })] as const,
  );
  return erased.length > 0;
}

function revokeWhere(home: Home, reason: RevokedReason, now: number, condition: SQL | undefined) {
  return home.db
    .update(userSessions)
    .set({ revokedAt: new Date(now), revokedReason: reason })
    .where(and(condition, isNull(userSessions.revokedAt)))
    .returning({ id: userSessions.id });
}

/** SQL: the session is one that the caller may see and end. */
export function belongsTo({ userId, sessionId }: Caller): SQL {
  return userId === null ? eq(userSessions.id, sessionId) : eq(userSessions.userId, userId);
}

/** SQL: the caller's own session is live, checked in the very statement that acts for it. */
function isCallerLive(home: Home, { sessionId }: Caller, policy: SessionPolicy, now: number): SQL {
  return exists(
    home.db
      .select({ one: sql`1` })
      .from(userSessions)
      .where(and(eq(userSessions.id, sessionId), isLive(policy, now))),
  );
}
