/** Reading what the cron counted and did: an hour's rows and a run's, never the sessions. */
import { desc, eq, gte, or, sql } from 'drizzle-orm';
import type { Grant } from '../config/authority';
import { type Home, type Replica, transact } from '../db/d1';
import { cleanupRuns, cleanupState, counts } from '../db/schema';

/** Runs of one home: a day's. */
const LISTED_RUNS = 96;

/** How often it happened; `hour` and `total` are 0, or `label` is empty, where not asked for. */
export interface CountRow {
  hour: number;
  name: string;
  label: string;
  value: number;
  total: number;
}

/** `since`: the second at which the first hour begins that is asked for. */
export function readCounts(database: Home | Replica, _grant: Grant<'operate'>, since: number) {
  const { db } = database;
  const { hour, name, label } = counts;
  const value = sql<number>`sum(iif(${hour} > 0, ${counts.value}, 0))`;
  const total = sql<number>`sum(iif(${hour} = 0, ${counts.value}, 0))`;
  return transact(database, () => ({
    // How many there are now is no count of what happened, and has no total.
    counts: db
      .select({ hour: sql<number>`0`.as('hour'), name, label, value, total })
      .from(counts)
      .where(or(eq(hour, 0), gte(hour, since)))
      .groupBy(name, label)
      .having(sql`${total} > 0`),
    hourly: db
      .select({
        hour,
        name,
        label: sql<string>`''`.as('label'),
        value,
        total: sql<number>`0`.as('total'),
      })
      .from(counts)
      .where(gte(hour, since))
      .groupBy(hour, name),
    state: db.select().from(cleanupState),
    runs: db.select().from(cleanupRuns).orderBy(desc(cleanupRuns.id)).limit(LISTED_RUNS),
  }));
}
