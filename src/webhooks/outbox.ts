/**
 * The outbox: one row for each event that an endpoint has yet to be sent. A row is inserted in the
 * transaction of its event (security-log/record.ts), and deleted when the endpoint has accepted it.
 * A run that delivers claims a row for a while first; if the claim is not settled, because the run
 * was cut off, the row is due again. So each event is delivered at least once.
 *
 * An endpoint is sent the events of one session in order: a pending row waits until no earlier one
 * of its session is pending. A row that the endpoint refused is not pending any more, so a message
 * that it never accepts holds up no other.
 */
import { and, asc, eq, type SQL, sql } from 'drizzle-orm';
import type { BatchItem } from 'drizzle-orm/batch';
import { type Home, transact } from '../db/d1';
import { sessionEvents, userSessions, webhookDeliveries, webhookPauses } from '../db/schema';
import type { SessionEvent } from '../security-log/read-events';

export interface Claim {
  event: SessionEvent;
  /**
   * The metadata of the event's session, as it is now: a JSON object; null: none, or no session is
   * left.
   */
  metadata: string | null;
  /** The number of attempts, this one included. */
  attempts: number;
}

export interface Settlement {
  eventId: string;
  outcome:
    | { state: 'delivered' }
    /** `error` is a status or a kind of failure. */
    | { state: 'pending' | 'refused' | 'dead'; error: string; nextAttemptAt: Date };
}

/** How long a claim holds: longer than an attempt may take. */
const CLAIM_SECONDS = 60;

/**
 * Settles the claims of before, and claims up to `limit` more rows that are due: first those that
 * were never refused, then the others, each the oldest first. Nothing is claimed while the
 * endpoint's pause lasts. One round trip.
 */
export async function settleAndClaim(
  home: Home,
  endpoint: string,
  { settlements, pauseUntil }: { settlements: readonly Settlement[]; pauseUntil: Date | null },
  /** `events`: claim only what is due of their sessions, though others may be due. */
  { limit, events, now }: { limit: number; events: readonly string[] | null; now: number },
): Promise<Claim[]> {
  const due = limit === 0 ? null : claim(home, endpoint, { limit, events, now });
  const { claims } = await transact(home, () => ({
    settled: settlements.map((settlement) => settle(home, endpoint, settlement)),
    paused: pauseUntil === null ? null : pause(home, endpoint, pauseUntil),
    claims: due?.claims ?? null,
    claimed: due?.claimed ?? null,
  }));
  return claims ?? [];
}

function claim(
  { db }: Home,
  endpoint: string,
  { limit, events, now }: { limit: number; events: readonly string[] | null; now: number },
) {
  const { eventId, attempts } = webhookDeliveries;
  const firstOf = (isCandidate: SQL, isRefused: 0 | 1) =>
    sql`select * from (select event_id, ${sql.raw(String(isRefused))} as is_refused from webhook_deliveries as d where endpoint = ${endpoint} and ${isCandidate} and next_attempt_at <= ${Math.floor(now / 1000)} and ${isOfSessionsOf(events)} order by next_attempt_at, rowid limit ${limit})`;
  const first = sql`(select event_id from (${firstOf(IS_NEXT_OF_SESSION, 0)} union all ${firstOf(IS_REFUSED, 1)}) order by is_refused limit ${limit})`;
  const claimed = and(
    eq(webhookDeliveries.endpoint, endpoint),
    sql`${eventId} in ${first}`,
    sql`not exists (select 1 from ${webhookPauses} where ${webhookPauses.endpoint} = ${endpoint} and ${webhookPauses.until} > ${Math.floor(now / 1000)})`,
  );
  return {
    claims: db
      .select({
        event: sessionEvents,
        metadata: userSessions.metadata,
        attempts: sql<number>`${attempts} + 1`,
      })
      .from(webhookDeliveries)
      .innerJoin(sessionEvents, eq(sessionEvents.id, eventId))
      .leftJoin(userSessions, eq(userSessions.id, sessionEvents.sessionId))
      .where(claimed)
      .orderBy(asc(sessionEvents.seq)),
    claimed: db
      .update(webhookDeliveries)
      .set({ attempts: sql`${attempts} + 1`, nextAttemptAt: new Date(now + CLAIM_SECONDS * 1000) })
      .where(claimed),
  };
}

// The states are written out, because SQLite uses a partial index for no parameter.
const IS_REFUSED = sql`d.state = 'refused'`;
const IS_NEXT_OF_SESSION = sql`d.state = 'pending' and not exists (select 1 from webhook_deliveries as earlier where earlier.endpoint = d.endpoint and earlier.state = 'pending' and earlier.session_id = d.session_id and earlier.sequence < d.sequence)`;

/**
 * SQL: the row's session is that of one of these events. They are one parameter, however many they
 * are.
 */
function isOfSessionsOf(events: readonly string[] | null): SQL {
  if (events === null) return sql`true`;
  return sql`d.session_id in (select session_id from session_events where id in (select value from json_each(${JSON.stringify(events)})))`;
}

function settle(
  { db }: Home,
  endpoint: string,
  { eventId, outcome }: Settlement,
): BatchItem<'sqlite'> {
  const own = and(eq(webhookDeliveries.eventId, eventId), eq(webhookDeliveries.endpoint, endpoint));
  if (outcome.state === 'delivered') return db.delete(webhookDeliveries).where(own);
  const { state, error: lastError, nextAttemptAt } = outcome;
  return db.update(webhookDeliveries).set({ state, lastError, nextAttemptAt }).where(own);
}

function pause({ db }: Home, endpoint: string, until: Date): BatchItem<'sqlite'> {
  return db.insert(webhookPauses).values({ endpoint, until }).onConflictDoUpdate({
    target: webhookPauses.endpoint,
    set: { until },
  });
}
