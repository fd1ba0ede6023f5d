/** What one clean-up run leaves for the next: where it stopped, and how far behind it was. */
import { lt, sql } from 'drizzle-orm';
import { type Home, transact } from '../db/d1';
import { cleanupState, userSessions } from '../db/schema';

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

/** Saves where this run stopped, and returns how far behind it is. */
export async function saveState(
  home: Home,
  { idleCursor, now, cutoff }: { idleCursor: number; now: number; cutoff: Date },
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
      .set({ idleCursor, ranAt: new Date(now), overdueSeconds })
      .returning({ overdueSeconds: cleanupState.overdueSeconds }),
  }));
  return saved[0]?.overdueSeconds ?? 0;
}
