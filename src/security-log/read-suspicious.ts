/**
 * Finds the newest events that somebody else than the person may have caused, of all people. They
 * have no index, because every event would pay for it: so the newest events of all kinds are
 * searched, up to a bound.
 */
import { desc, inArray } from 'drizzle-orm';
import type { Grant } from '../config/authority';
import { sessionEventsThatAre } from '../config/event-types';
import { type Home, type Replica, transact } from '../db/d1';
import { sessionEvents } from '../db/schema';
import type { SessionEvent } from './read-events';

const SUSPICIOUS = sessionEventsThatAre('suspicious');

/** The newest events of each home that are searched. */
const LOOKED_THROUGH = 1_000;

export async function listSuspicious(
  database: Home | Replica,
  _grant: Grant<'manage_all'>,
  limit: number,
): Promise<SessionEvent[]> {
  const { db } = database;
  const newest = db
    .select()
    .from(sessionEvents)
    .orderBy(desc(sessionEvents.seq))
    .limit(LOOKED_THROUGH)
    .as('newest');
  const { rows } = await transact(database, () => ({
    rows: db
      .select()
      .from(newest)
      .where(inArray(newest.type, [...SUSPICIOUS]))
      .orderBy(desc(newest.seq))
      .limit(limit),
  }));
  return rows;
}
