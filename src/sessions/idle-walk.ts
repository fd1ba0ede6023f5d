/**
 * Deletes sessions that died of inactivity. The time of a session's last use has no index (it would
 * cost every refresh a second written row), so a walk over the table in insertion order looks for
 * them, and goes on where the last run stopped. On its way it counts the sessions that are live.
 */
import { and, type SQL, sql } from 'drizzle-orm';
import { type Home, transact } from '../db/d1';
import { cleanupState, userSessions } from '../db/schema';
import type { CleanupBounds, CleanupPolicy } from './cleanup-bounds';
import { toInactivitySql } from './policy-sql';
import { isLive } from './session';

export interface Walk {
  /** Sessions that were deleted. */
  total: number;
  /** Where the next run goes on. */
  cursor: number;
  /** Live sessions of the last step, which no later step has saved. */
  live: number;
  /** The walk came to the end of the table. */
  isOver: boolean;
  finished: boolean;
}

/** Walks a bounded part of the table from `cursor` on, and starts over at its end. */
export async function walkForIdle(
  home: Home,
  { sessions, retentionSeconds }: CleanupPolicy,
  bounds: CleanupBounds,
  { now, cursor: start, mayGoOn }: { now: number; cursor: number; mayGoOn: () => boolean },
): Promise<Walk> {
  const cutoff = Math.floor(now / 1000) - retentionSeconds;
  const isIdle = sql`${userSessions.revokedAt} is null and coalesce(${userSessions.rotatedAt} / 1000, ${userSessions.createdAt}) + ${toInactivitySql(sessions)} < ${cutoff}`;
  const isCounted = isLive(sessions, now);
  let [cursor, total, live] = [start, 0, 0];
  for (let slice = 0; slice < bounds.walkSlices && mayGoOn(); slice += 1) {
    const started = bounds.clock();
    const step = await walkSlice(home, { cursor, live, limit: bounds.walkRows, isIdle, isCounted });
    total += step.deleted;
    if (step.upTo === null) return { total, cursor: 0, live: 0, isOver: true, finished: true };
    cursor = step.upTo;
    live = step.live;
    await bounds.rest(bounds.clock() - started);
  }
  return { total, cursor, live, isOver: false, finished: mayGoOn() };
}

async function walkSlice(
  home: Home,
  {
    cursor,
    live,
    limit,
    isIdle,
    isCounted,
  }: { cursor: number; live: number; limit: number; isIdle: SQL; isCounted: SQL },
): Promise<{ upTo: number | null; live: number; deleted: number }> {
  const { db } = home;
  const slice = (columns: SQL) =>
    sql`(select ${columns} from ${userSessions} where rowid > ${cursor} order by rowid limit ${limit})`;
  const { counted, deleted } = await transact(home, () => ({
    // The step before is saved, so that a run that is cut off here goes on from it.
    stepBefore: db
      .update(cleanupState)
      .set({ idleCursor: cursor, walkActive: sql`walk_active + ${live}` })
      .where(sql`idle_cursor < ${cursor}`),
    counted: db
      .select({ upTo: sql<number | null>`max(place)`, live: sql<number>`ifnull(sum(live), 0)` })
      .from(slice(sql`rowid as place, ${isCounted} as live`)),
    deleted: db
      .delete(userSessions)
      .where(and(sql`rowid in ${slice(sql`rowid`)}`, isIdle))
      .returning({ id: userSessions.id }),
  }));
  return { ...(counted[0] ?? { upTo: null, live: 0 }), deleted: deleted.length };
}
