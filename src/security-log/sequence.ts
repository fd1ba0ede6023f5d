/**
 * The number that puts a session's events in order for a receiver of webhooks: later events of a
 * session have higher ones. An order of writing is a database's own, and a session may move between
 * databases, so the number counts the session's moves first and the order of writing second. It
 * rises as long as the clean-up leaves the newest event of a home in its place
 * (sessions/dead-rows.ts).
 */
import { type SQL, sql } from 'drizzle-orm';
import { sessionEvents } from '../db/schema';

/** Far more events than a home ever writes. Numbers stay exact in JSON for 8,191 moves. */
const EVENTS_PER_HOME = 2 ** 40;

type Ordered = Pick<typeof sessionEvents.$inferSelect, 'sequence' | 'sessionMoves' | 'seq'>;

export function sequenceOf({ sequence, sessionMoves, seq }: Ordered): number {
  return sequence ?? (sessionMoves ?? 0) * EVENTS_PER_HOME + seq;
}

/** SQL: the same, of a row of `session_events`. */
export const SEQUENCE: SQL = sql`coalesce(${sessionEvents.sequence}, coalesce(${sessionEvents.sessionMoves}, 0) * ${sql.raw(String(EVENTS_PER_HOME))} + ${sessionEvents.seq})`;
