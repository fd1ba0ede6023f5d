/**
 * State that one clean-up run leaves for the next, where it stopped and how far behind it was, and
 * for operators: that it ran, and what it did.
 */
import { and, gt, lt, sql } from 'drizzle-orm';
import { type Home, transact } from '../db/d1';
import { cleanupRuns, cleanupState, counts, userSessions } from '../db/schema';
import { hourOf } from '../security-log/count-events';
import type { Walk } from './idle-walk';

/** Three weeks of runs, one every 15 minutes. */
const KEPT_RUNS = 2_000;

/** 90 days: more than the API gives. Counts of all time stay. */
const KEPT_HOURS_SECONDS = 7_776_000;

/** The columns of a run in `cleanup_runs`, but for how far behind it was. */
export type EndedRun = Omit<typeof cleanupRuns.$inferInsert, 'overdueSeconds'>;

/** Reads where the run before stopped, and how far behind it was. */
export async function readState(
  home: Home,
): Promise<{ idleCursor: number; overdueSeconds: number }> {
  const { rows } = await transact(home, () => ({
    first: home.db.insert(cleanupState).values({ id: 1 }).onConflictDoNothing(),
    rows: home.db.select().from(cleanupState),
  }));
  return rows[0] ?? { idleCursor: 0, overdueSeconds: 0 };
}

/** Saves where this run stopped and what it did, and returns how far behind it is. */
export async function saveState(
  home: Home,
  { walk, cutoff, run }: { walk: Walk; cutoff: Date; run: EndedRun },
): Promise<number> {
  const { db } = home;
  const hour = hourOf(run.startedAt.getTime() / 1000);
  const oldest = sql`min(
    coalesce((select min(${userSessions.expiresAt}) from ${userSessions} where ${lt(userSessions.expiresAt, cutoff)}), ${cutoff.getTime() / 1000}),
    coalesce((select min(${userSessions.revokedAt}) from ${userSessions} where ${lt(userSessions.revokedAt, cutoff)}), ${cutoff.getTime() / 1000})
  )`;
  const overdueSeconds = sql<number>`cast(${cutoff.getTime() / 1000} - ${oldest} as integer)`;
  const { saved } = await transact(home, () => ({
    saved: db
      .update(cleanupState)
      .set({ idleCursor: walk.cursor, ranAt: run.startedAt, overdueSeconds, ...toActive(walk) })
      .returning({ overdueSeconds: cleanupState.overdueSeconds }),
    run: db
      .insert(cleanupRuns)
      .values({ ...run, overdueSeconds: sql`(select overdue_seconds from ${cleanupState})` }),
    old: db
      .delete(cleanupRuns)
      .where(sql`id <= (select max(id) from ${cleanupRuns}) - ${KEPT_RUNS}`),
    active: db
      .insert(counts)
      .select(
        sql`select ${hour}, 'active_sessions', '', active_sessions from ${cleanupState} where active_sessions is not null`,
      )
      .onConflictDoUpdate({
        target: [counts.hour, counts.name, counts.label],
        set: { value: sql`excluded.value` },
      }),
    oldHours: db
      .delete(counts)
      .where(and(gt(counts.hour, 0), lt(counts.hour, hour - KEPT_HOURS_SECONDS))),
  }));
  return saved[0]?.overdueSeconds ?? 0;
}

/**
 * A walk that is over has met every session. Some of those ended before the walk was over: half of
 * the sessions that ended meanwhile are taken to be among them. A walk of one run errs by none; a
 * walk of several days by as much as that guess is off.
 */
const toActive = ({ isOver, live }: Walk) =>
  isOver
    ? { activeSessions: sql`walk_active - walk_ended / 2`, walkActive: 0, walkEnded: 0 }
    : { walkActive: sql`walk_active + ${live}` };
