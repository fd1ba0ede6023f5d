/**
 * The security log. An event is inserted by the transaction that does what it reports, under the
 * same condition, so that none is lost and none is invented; and so are its deliveries to webhooks
 * (the outbox).
 */
import { and, eq, inArray, SQL, sql } from 'drizzle-orm';
import type { BatchItem } from 'drizzle-orm/batch';
import type { SessionEventType } from '../config/event-types';
import type { Webhook } from '../config/webhooks';
import type { Home } from '../db/d1';
import { type Given, given, prepareOnce, prepareOncePer } from '../db/prepared';
import { SUBJECT, sessionEvents, userSessions, webhookDeliveries } from '../db/schema';
import type { Assessment } from '../risk/assess';
import type { Signals } from '../risk/signals';
import { SEQUENCE } from './sequence';

/** The actor of an event: the person, a client on their behalf, or the service by its own rules. */
export type Actor = 'user' | 'client' | 'system';

/** The content of `details`. */
export interface EventDetails {
  by?: Actor;
  /** The client that asked for it. */
  client_id?: string;
  /** Why the session ended: a `revoked_reason`. In the audit log: why the client acted. */
  reason?: string;
  /** In the audit log: further facts of the act. */
  facts?: Record<string, string | number | readonly string[]>;
  /** Where and from what the request came. */
  context?: Signals;
  /** A hash of what this event reports; the same seen again is not reported (hourly-limit.ts). */
  once?: string;
  /** The person's answer to whether it was them. */
  answer?: 'yes' | 'no';
  /** How many more of the hour are not in the log. */
  left_out?: number;
  /** The support staff of a session that starts, and why, as the backend says. */
  act?: { sub: string; reason: string };
  risk?: Pick<Assessment, 'score' | 'level' | 'reasons' | 'changes' | 'decision'>;
}

/**
 * An event that is to be reported. The id is drawn before the transaction, so that running it twice
 * reports it once.
 */
export interface EventDraft {
  id: string;
  type: SessionEventType;
  details: EventDetails;
}

/** What an operation needs to report its events. */
export interface Reporting {
  /** As in the log lines. */
  requestId: string;
  /** The endpoints, and the events of each. */
  webhooks: readonly Pick<Webhook, 'name' | 'events' | 'format'>[];
}

/** An event as it was written, for the log line. */
export interface RecordedEvent {
  seq: number;
  id: string;
  type: string;
  sessionId: string;
  subject: string;
  clientId: string | null;
}

/**
 * INSERT of one event for every session that meets the condition. SQL as an id is a query in
 * parentheses that gives the one to take; null gives each session's event one of its own.
 */
export function recordWhere(
  { db }: Home,
  { id, type, details }: Omit<EventDraft, 'id'> & { id: EventDraft['id'] | SQL | null },
  { condition, requestId, now }: { condition: SQL | undefined; requestId: string; now: number },
) {
  const second = Math.floor(now / 1000);
  const event = { id, type, details: JSON.stringify(details), requestId, second };
  return insertEvents(db, event, condition);
}

/** The same, with values or their placeholders in a prepared statement. */
export function insertEvents(
  db: Home['db'],
  {
    id,
    type,
    details,
    requestId,
    second,
  }: {
    id: Given | SQL | null;
    type: SessionEventType;
    details: Given;
    requestId: Given;
    second: Given;
  },
  condition: SQL | undefined,
) {
  // Where the SQL for the id gives no row, there is no event.
  const [value, source] =
    id instanceof SQL
      ? [sql`free.id`, sql`${userSessions} join ${id} as free`]
      : [id === null ? EVENT_ID.defaultExpression : sql`${id}`, sql`${userSessions}`];
  return db
    .insert(sessionEvents)
    .select(
      sql`select null, ${value}, ${type}, ${SUBJECT}, ${userSessions.id}, ${userSessions.clientId}, ${requestId}, ${second}, ${details}, ${userSessions.moves}, null from ${source} where ${condition ?? sql`true`}`,
    )
    .onConflictDoNothing();
}

const EVENT_ID = { defaultExpression: sessionEvents.id.default as SQL };

/**
 * How the events of a transaction are found again: by their ids, or as the newest of a subject, at
 * most so many, and after the event that the transaction before has written last.
 */
export type Written = readonly string[] | { subject: string; atMost: number; after?: number };

/**
 * The statements that have to follow the events of a transaction: their deliveries, and last a
 * SELECT that reads the events back (in a transaction that is run again, the first run may have
 * written them). It reads no more of a long log than what the transaction may have written, and a
 * margin.
 */
export function reportTo(
  { requestId, webhooks }: Reporting,
  { written, now }: { written: Written; now: number },
): { deliveries: BatchItem<'sqlite'>[]; readBack: ReturnType<typeof readBackOf> } {
  const second = Math.floor(now / 1000);
  const at = { requestId, second };
  const [which, values] =
    'subject' in written
      ? [AMONG_NEWEST, { ...at, ...written, after: written.after ?? 0, margin: MARGIN }]
      : [byIds(written.length), { ...at, ...toNumbered(written) }];
  return {
    deliveries: webhooks.map((webhook) => which.deliveriesTo(webhook, values)),
    readBack: which.readBack(values),
  };
}

/** The two statements, prepared once, for one way of finding the written events. */
function toReport(candidates: SQL | undefined) {
  // An event that is reported once may have been written by an earlier request, and is not this
  // one's.
  const written = and(
    candidates,
    eq(sessionEvents.requestId, given('requestId')),
    eq(sessionEvents.createdAt, given('second')),
  );
  return {
    readBack: prepareOnce((db) => readBackOf(db, written)),
    deliveriesTo: prepareOncePer((db, { name, events, format }: Reporting['webhooks'][number]) => {
      const { id, type, sessionId } = sessionEvents;
      const types = JSON.stringify([...events]);
      const isEnd = format === 'set' ? isEndOfSession : sql`true`;
      return db
        .insert(webhookDeliveries)
        .select(
          sql`select ${id}, ${name}, 'pending', 0, ${given('second')}, null, ${sessionId}, ${SEQUENCE} from ${sessionEvents} where ${written} and ${type} in (select value from json_each(${types})) and ${isDelivered} and ${isEnd}`,
        )
        .onConflictDoNothing();
    }),
  };
}

function readBackOf(db: Home['db'], written: SQL | undefined) {
  const { seq, id, type, subject, sessionId, clientId } = sessionEvents;
  return db
    .select({ seq, id, type, sessionId, subject, clientId })
    .from(sessionEvents)
    .where(written)
    .orderBy(seq);
}

const reportsByIds = new Map<number, ReturnType<typeof toReport>>();

/** The report on events with so many ids, of which there are few. */
function byIds(count: number) {
  const ids = Array.from({ length: count }, (_, number) => given(`id${number}`));
  const report = reportsByIds.get(count) ?? toReport(inArray(sessionEvents.id, ids));
  reportsByIds.set(count, report);
  return report;
}

const toNumbered = (ids: readonly string[]) =>
  Object.fromEntries(ids.map((id, number) => [`id${number}`, id]));

/**
 * SQL: the event's session is over by it. Reuse that is seen outside a refresh ends nothing; a
 * Security Event Token of it would sign the person out at the receiver all the same.
 */
const isEndOfSession = sql`(${sessionEvents.type} <> 'reuse_detected' or ${sessionEvents.details} ->> '$.once' is null)`;

/** SQL: policy `log` keeps a mismatch to the log. */
const isDelivered = sql`(${sessionEvents.type} <> 'mismatch' or ${sessionEvents.details} ->> '$.risk.decision' is not 'log')`;

/**
 * Events that others may write to a home while a transaction is run again. Where they write more,
 * the cron still delivers to the webhooks, because the events of the first run have their
 * deliveries.
 */
const MARGIN = 200;

const AMONG_NEWEST = toReport(
  and(
    eq(sessionEvents.subject, given('subject')),
    sql`${sessionEvents.seq} > max(${given('after')}, (select max(seq) from ${sessionEvents}) - ${given('atMost')} - ${given('margin')})`,
  ),
);
