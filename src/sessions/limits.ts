/**
 * The limit on a user's active sessions. A create checks it in the transaction that inserts, and D1
 * runs one transaction at a time, so it is exact however many creates race.
 */
import { and, desc, eq, inArray, type SQL, sql } from 'drizzle-orm';
import type { SessionPolicy } from '../config/config';
import type { Home } from '../db/d1';
import { userSessions } from '../db/schema';
import { type Reporting, recordWhere } from '../security-log/record';
import { isLive, type RevokedReason } from './session';

/** SQL: one more session is within the user's limit. Policy `evict_oldest` always makes room. */
export function hasRoom(
  home: Home,
  userId: string,
  policy: SessionPolicy,
  now: number,
): SQL | undefined {
  if (policy.maxSessionsPerUser === null || policy.limitPolicy !== 'reject') return undefined;
  const live = home.db.$count(
    userSessions,
    and(eq(userSessions.userId, userId), isLive(policy, now)),
  );
  return sql`${live} < ${policy.maxSessionsPerUser}`;
}

/** Revokes the user's oldest active sessions, so that `keep` are left, and reports each. */
export function evictOldest(
  home: Home,
  userId: string,
  policy: SessionPolicy,
  {
    keep,
    condition,
    reporting,
    now,
  }: { keep: number; condition: SQL | undefined; reporting: Reporting; now: number },
) {
  // SQLite has no OFFSET without LIMIT.
  const excess = home.db
    .select({ id: userSessions.id })
    .from(userSessions)
    .where(and(eq(userSessions.userId, userId), isLive(policy, now)))
    .orderBy(desc(userSessions.createdAt), desc(sql`rowid`))
    .limit(Number.MAX_SAFE_INTEGER)
    .offset(keep);
  const isExcess = and(inArray(userSessions.id, excess), condition);
  const event = {
    id: null,
    type: 'session_evicted',
    details: { by: 'system', reason: 'evicted' },
  } as const;
  return [
    recordWhere(home, event, { condition: isExcess, requestId: reporting.requestId, now }),
    home.db
      .update(userSessions)
      .set({ revokedAt: new Date(now), revokedReason: 'evicted' satisfies RevokedReason })
      .where(isExcess),
  ] as const;
}
