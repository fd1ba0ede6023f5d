/**
 * Deletes events. The newest event of a home is emptied instead of deleted, and stays until there
 * is a newer one, because SQLite would give its `seq` again, and a later event of some session
 * would have a lower number than an earlier one (sequence.ts).
 */
import { and, eq, inArray, ne, not, notExists, type SQL, sql } from 'drizzle-orm';
import type { Home } from '../db/d1';
import { sessionEvents, userSessions, webhookDeliveries } from '../db/schema';

const IS_NEWEST = sql`${sessionEvents.seq} = (select max(seq) from ${sessionEvents})`;

/** An emptied event: it has only its `seq`, is in nobody's log, and is delivered to no one. */
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

/** The statements that delete the events that meet a condition, with their deliveries. */
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
    // A home without sessions needs no order of events.
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
