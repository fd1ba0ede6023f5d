/**
 * Deleting events. The newest of a home is emptied where it would be deleted, and stays until there
 * is a newer one: SQLite would give its place again, and a later event of some session would have a
 * lower number than an earlier one (sequence.ts).
 */
import { and, eq, inArray, ne, not, notExists, type SQL, sql } from 'drizzle-orm';
import type { Home } from '../db/d1';
import { sessionEvents, userSessions, webhookDeliveries } from '../db/schema';

const IS_NEWEST = sql`${sessionEvents.seq} = (select max(seq) from ${sessionEvents})`;

/** An event of which nothing is left but its place: in nobody's log, and told to no one. */
const EMPTY_EVENT = {
  id: sessionEvents.id.default as SQL,
  type: 'emptied',
  subject: '',
  sessionId: '',
  clientId: null,
  requestId: null,
  details: '{}',
  sessionMoves: null,
  sequence: null,
};

/** The statements that delete the events of a condition, with what was still to be told of them. */
export function deleteEventsWhere({ db }: Home, condition: SQL | undefined) {
  const toEmpty = and(IS_NEWEST, condition, ne(sessionEvents.subject, EMPTY_EVENT.subject));
  const emptied = db.select({ id: sessionEvents.id }).from(sessionEvents).where(toEmpty);
  return {
    events: db
      .delete(sessionEvents)
      .where(and(not(IS_NEWEST), condition))
      .returning({ seq: sessionEvents.seq }),
    deliveries: db.delete(webhookDeliveries).where(inArray(webhookDeliveries.eventId, emptied)),
    emptied: db.update(sessionEvents).set(EMPTY_EVENT).where(toEmpty),
    // Where there are no sessions there is nothing to be put in order.
    places: db
      .delete(sessionEvents)
      .where(
        and(
          eq(sessionEvents.subject, EMPTY_EVENT.subject),
          notExists(db.select({ one: sql`1` }).from(userSessions)),
        ),
      ),
  };
}
