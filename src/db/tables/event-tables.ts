/** The tables of events, and of their deliveries to webhooks. */
import { sql } from 'drizzle-orm';
import { index, integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { currentSecond, uuidV4 } from './column-defaults';

/** The security log: what happened to sessions, written in the transaction in which it happened. */
export const sessionEvents = sqliteTable(
  'session_events',
  {
    /** Grows with each event, so that the rowid itself gives the order. */
    seq: integer('seq').primaryKey(),
    id: text('id').notNull().unique().default(uuidV4),
    type: text('type').notNull(),
    /**
     * The person whose log the event is in: the user's id, or a guest's session id. In the audit
     * log: `audit:` and the target of the act (security-log/audit.ts).
     */
    subject: text('subject').notNull(),
    /** In the audit log: a key that stands for the target of the act, and names no person. */
    sessionId: text('session_id').notNull(),
    /** The app of the session. In the audit log: the client that acted. */
    clientId: text('client_id'),
    /** The id of the request that caused the event, as in the log lines. */
    requestId: text('request_id'),
    createdAt: integer('created_at', { mode: 'timestamp' }).notNull().default(currentSecond),
    /** A JSON object of security-log/record.ts. */
    details: text('details').notNull().default('{}'),
    /** How often the session had moved when the event was written. NULL in older rows. */
    sessionMoves: integer('session_moves'),
    /**
     * The sequence (security-log/sequence.ts) of an event that has left the home in which it was
     * written; NULL: it follows from `session_moves` and `seq`.
     */
    sequence: integer('sequence'),
  },
  (table) => [
    index('idx_session_events_subject').on(table.subject),
    // The index of the audit log, in which no other event has an entry.
    index('idx_session_events_audit')
      .on(table.createdAt, table.id)
      .where(sql`substr(subject, 1, 6) = 'audit:'`),
  ],
);

/**
 * The outbox: one row for each event that an endpoint has yet to be sent. A delivered row is
 * deleted. `session_id` is NULL in rows that are older than the column: they wait for no other.
 */
export const webhookDeliveries = sqliteTable(
  'webhook_deliveries',
  {
    eventId: text('event_id')
      .notNull()
      .references(() => sessionEvents.id, { onDelete: 'cascade' }),
    /** The endpoint's name in WEBHOOKS. */
    endpoint: text('endpoint').notNull(),
    /**
     * `pending`; `refused` while the endpoint does not want this very message, which is tried again
     * later and holds up no other; or `dead` once all attempts have failed.
     */
    state: text('state').notNull().default('pending'),
    attempts: integer('attempts').notNull().default(0),
    /**
     * The earliest time of the next attempt. While an attempt is under way: the time at which it
     * counts as lost.
     */
    nextAttemptAt: integer('next_attempt_at', { mode: 'timestamp' }).notNull(),
    /**
     * Why the last attempt failed: a status or a kind of failure, never what the endpoint answered.
     */
    lastError: text('last_error'),
    /**
     * The session and the sequence of the event, so that a session's pending deliveries are found
     * in order.
     */
    sessionId: text('session_id'),
    sequence: integer('sequence'),
  },
  (table) => [
    primaryKey({ columns: [table.eventId, table.endpoint] }),
    index('idx_webhook_deliveries_due')
      .on(table.endpoint, table.nextAttemptAt)
      .where(sql`state = 'pending'`),
    index('idx_webhook_deliveries_refused')
      .on(table.endpoint, table.nextAttemptAt)
      .where(sql`state = 'refused'`),
    index('idx_webhook_deliveries_session')
      .on(table.endpoint, table.sessionId, table.sequence)
      .where(sql`state = 'pending'`),
  ],
);

/** Endpoints that asked for a pause, by Retry-After. */
export const webhookPauses = sqliteTable('webhook_pauses', {
  /** The endpoint's name in WEBHOOKS. */
  endpoint: text('endpoint').primaryKey().notNull(),
  until: integer('until', { mode: 'timestamp' }).notNull(),
});
