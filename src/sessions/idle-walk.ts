/**
 * Deleting sessions that died of inactivity. When a session was last used has no index (it would
 * cost every refresh a second written row), so a walk over the table in insertion order looks for
 * them, and goes on where the last run stopped.
 */
import { and, type SQL, sql } from 'drizzle-orm';
import { type Home, transact } from '../db/d1';
import { cleanupState, userSessions } from '../db/schema';
import type { CleanupBounds, CleanupPolicy } from './cleanup-bounds';
import { toInactivitySql } from './policy-sql';

/** Walks a bounded part of the table from `cursor` on, and starts over at its end. */
export async function walkForIdle(
  home: Home,
  { sessions, retentionSeconds }: CleanupPolicy,
  bounds: CleanupBounds,
  { now, cursor: start, hasTime }: { now: number; cursor: number; hasTime: () => boolean },
): Promise<{ total: number; cursor: number; finished: boolean }> {
  const policies = [sessions.byDefault, ...sessions.byClient.values()];
  if (policies.every(({ inactivitySeconds }) => inactivitySeconds === null))
    return { total: 0, cursor: 0, finished: true };
  const cutoff = Math.floor(now / 1000) - retentionSeconds;
  const isIdle = sql`${userSessions.revokedAt} is null and coalesce(${userSessions.rotatedAt} / 1000, ${userSessions.createdAt}) + ${toInactivitySql(sessions)} < ${cutoff}`;
  let cursor = start;
  let total = 0;
  for (let slice = 0; slice < bounds.walkSlices && hasTime(); slice += 1) {
    const started = bounds.clock();
    const { upTo, deleted } = await walkSlice(home, cursor, bounds.walkRows, isIdle);
    total += deleted;
    if (upTo === null) return { total, cursor: 0, finished: true };
    cursor = upTo;
    await bounds.rest(bounds.clock() - started);
  }
  return { total, cursor, finished: hasTime() };
}

async function walkSlice(
  home: Home,
  cursor: number,
  limit: number,
  isIdle: SQL,
): Promise<{ upTo: number | null; deleted: number }> {
  const { db } = home;
  const slice = db
    .select({ rowid: sql<number>`rowid`.as('row') })
    .from(userSessions)
    .where(sql`rowid > ${cursor}`)
    .orderBy(sql`rowid`)
    .limit(limit);
  const { bounds, deleted } = await transact(home, () => ({
    // The step before is done: a run that is cut off here goes on from it.
    stepBefore: db
      .update(cleanupState)
      .set({ idleCursor: cursor })
      .where(sql`idle_cursor < ${cursor}`),
    bounds: db
      .select({ upTo: sql<number | null>`max(${sql.identifier('row')})` })
      .from(slice.as('slice')),
    deleted: db
      .delete(userSessions)
      .where(and(sql`rowid in ${slice}`, isIdle))
      .returning({ id: userSessions.id }),
  }));
  return { upTo: bounds[0]?.upTo ?? null, deleted: deleted.length };
}
