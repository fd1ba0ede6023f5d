/**
 * What one clean-up run leaves for the next: where it stopped, and how far behind it was; and for
 * whoever looks: that it ran, and what it did.
 */
import { lt, sql } from 'drizzle-orm';
import { type Home, transact } from '../db/d1';
import { cleanupRuns, cleanupState, userSessions } from '../db/schema';

/** Three weeks of runs, one every 15 minutes. */
const KEPT_RUNS = 2_000;

/** A run as it is kept, but for how far behind it was. */
export type EndedRun = Omit<typeof cleanupRuns.$inferInsert, 'overdueSeconds'>;

/** Where the run before stopped, and how far behind it was. */
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
  { idleCursor, cutoff, run }: { idleCursor: number; cutoff: Date; run: EndedRun },
): Promise<number> {
  const { db } = home;
  const oldest = sql`min(
    coalesce((select min(${userSessions.expiresAt}) from ${userSessions} where ${lt(userSessions.expiresAt, cutoff)}), ${cutoff.getTime() / 1000}),
    coalesce((select min(${userSessions.revokedAt}) from ${userSessions} where ${lt(userSessions.revokedAt, cutoff)}), ${cutoff.getTime() / 1000})
  )`;
  const overdueSeconds = sql<number>`cast(${cutoff.getTime() / 1000} - ${oldest} as integer)`;
  const { saved } = await transact(home, () => ({
    saved: db
      .update(cleanupState)
      .set({ idleCursor, ranAt: run.startedAt, overdueSeconds })
      .returning({ overdueSeconds: cleanupState.overdueSeconds }),
    run: db
      .insert(cleanupRuns)
      .values({ ...run, overdueSeconds: sql`(select overdue_seconds from ${cleanupState})` }),
    old: db
      .delete(cleanupRuns)
      .where(sql`id <= (select max(id) from ${cleanupRuns}) - ${KEPT_RUNS}`),
  }));
  return saved[0]?.overdueSeconds ?? 0;
}
