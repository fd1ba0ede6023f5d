/**
 * The outbox: which endpoint has yet to be told of which event. Rows come with the events, in their
 * transaction (security-log/record.ts), and go when the endpoint has accepted. Whoever delivers
 * claims a row for a while first; if the claim is not settled, because the run was cut off, the row
 * is due again. So each is delivered at least once.
 */
import { and, asc, eq, gt, inArray, lte, notInArray, type SQL, sql } from 'drizzle-orm';
import type { BatchItem } from 'drizzle-orm/batch';
import { type Home, type Replica, transact } from '../db/d1';
import { sessionEvents, webhookDeliveries } from '../db/schema';
import type { SessionEvent } from '../security-log/read-events';

export interface Claim {
  event: SessionEvent;
  /** This attempt included. */
  attempts: number;
}

export interface Settlement {
  eventId: string;
  outcome:
    | { state: 'delivered' }
    /** `error` is a status or a kind of failure. */
    | { state: 'pending' | 'dead'; error: string; nextAttemptAt: Date };
}

/** Longer than an attempt may take. */
const CLAIM_SECONDS = 60;

/**
 * Settles what was claimed before, and claims up to `limit` more that are due, oldest first. One
 * round trip.
 */
export async function settleAndClaim(
  home: Home,
  endpoint: string,
  settlements: readonly Settlement[],
  /** `events`: claim only these, though others may be due. */
  { limit, events, now }: { limit: number; events: readonly string[] | null; now: number },
): Promise<Claim[]> {
  const { db } = home;
  const { eventId, attempts, nextAttemptAt } = webhookDeliveries;
  const due = and(
    eq(webhookDeliveries.endpoint, endpoint),
    IS_PENDING,
    lte(nextAttemptAt, new Date(now)),
    events === null ? undefined : isIn(eventId, events),
  );
  const first = db
    .select({ eventId })
    .from(webhookDeliveries)
    .where(due)
    .orderBy(asc(nextAttemptAt), sql`rowid`)
    .limit(limit);
  const claimed = and(eq(webhookDeliveries.endpoint, endpoint), inArray(eventId, first));
  const claim = [
    db
      .select({ event: sessionEvents, attempts: sql<number>`${attempts} + 1` })
      .from(webhookDeliveries)
      .innerJoin(sessionEvents, eq(sessionEvents.id, eventId))
      .where(claimed)
      .orderBy(asc(sessionEvents.seq)),
    db
      .update(webhookDeliveries)
      .set({ attempts: sql`${attempts} + 1`, nextAttemptAt: new Date(now + CLAIM_SECONDS * 1000) })
      .where(claimed),
  ];
  const statements = [
    ...settlements.map((settlement) => settle(home, endpoint, settlement)),
    ...(limit === 0 ? [] : claim),
  ] as unknown as [BatchItem<'sqlite'>];
  const results: unknown[] = await transact(home, () => statements);
  return limit === 0 ? [] : (results.at(-2) as Claim[]);
}

/** Written out, because SQLite uses the index of pending rows for no parameter. */
const IS_PENDING = sql`${webhookDeliveries.state} = 'pending'`;

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

/** Gives up what is due to endpoints that are not configured any more. Returns how many. */
export async function giveUpOnOthers(
  home: Home,
  endpoints: readonly string[],
  now: number,
): Promise<number> {
  const { endpoint, nextAttemptAt } = webhookDeliveries;
  const [dead] = await transact(
    home,
    () =>
      [
        home.db
          .update(webhookDeliveries)
          .set({ state: 'dead', lastError: 'endpoint_removed' })
          .where(
            and(
              notInArray(endpoint, [...endpoints]),
              IS_PENDING,
              lte(nextAttemptAt, new Date(now)),
            ),
          )
          .returning({ endpoint }),
      ] as const,
  );
  return dead.length;
}

export interface Delivery {
  /** Where it stands in the list. */
  position: number;
  eventId: string;
  eventType: string;
  endpoint: string;
  state: string;
  attempts: number;
  nextAttemptAt: Date;
  lastError: string | null;
}

export interface DeliveryFilter {
  state?: 'pending' | 'dead' | undefined;
  endpoint: string | null;
  eventId: string | null;
}

/**
 * What is still to be delivered or was given up, oldest first, after a position. One round trip.
 */
export async function listDeliveries(
  replica: Replica,
  filter: DeliveryFilter,
  { after, limit }: { after: number; limit: number },
): Promise<{ deliveries: Delivery[]; next: number | null }> {
  const position = sql<number>`${webhookDeliveries}.rowid`;
  const [rows] = await transact(
    replica,
    () =>
      [
        replica.db
          .select({
            position,
            eventId: webhookDeliveries.eventId,
            eventType: sessionEvents.type,
            endpoint: webhookDeliveries.endpoint,
            state: webhookDeliveries.state,
            attempts: webhookDeliveries.attempts,
            nextAttemptAt: webhookDeliveries.nextAttemptAt,
            lastError: webhookDeliveries.lastError,
          })
          .from(webhookDeliveries)
          .innerJoin(sessionEvents, eq(sessionEvents.id, webhookDeliveries.eventId))
          .where(and(gt(position, after), matches(filter)))
          .orderBy(position)
          // One more than asked for tells whether there is a next page.
          .limit(limit + 1),
      ] as const,
  );
  const deliveries = rows.slice(0, limit);
  const last = rows.length > limit ? deliveries.at(-1) : undefined;
  return { deliveries, next: last?.position ?? null };
}

/** Rows that one call makes due. */
const MAX_REPLAYED = 1_000;

/**
 * Makes given-up deliveries due again, with all their attempts. Returns their events; as many as
 * `MAX_REPLAYED` may be not all.
 */
export async function replayDead(
  home: Home,
  filter: Omit<DeliveryFilter, 'state'>,
  now: number,
): Promise<string[]> {
  const { eventId } = webhookDeliveries;
  const dead = home.db
    .select({ rowid: sql`rowid` })
    .from(webhookDeliveries)
    .where(matches({ ...filter, state: 'dead' }))
    .limit(MAX_REPLAYED);
  const [replayed] = await transact(
    home,
    () =>
      [
        home.db
          .update(webhookDeliveries)
          .set({ state: 'pending', attempts: 0, nextAttemptAt: new Date(now), lastError: null })
          .where(sql`rowid in ${dead}`)
          .returning({ eventId }),
      ] as const,
  );
  return replayed.map((row) => row.eventId);
}

function matches({ state, endpoint, eventId }: DeliveryFilter): SQL | undefined {
  return and(
    state === undefined ? undefined : eq(webhookDeliveries.state, state),
    endpoint === null ? undefined : eq(webhookDeliveries.endpoint, endpoint),
    eventId === null ? undefined : eq(webhookDeliveries.eventId, eventId),
  );
}

/** One parameter, however many there are. */
function isIn(column: typeof webhookDeliveries.eventId, values: readonly string[]): SQL {
  return sql`${column} in (select value from json_each(${JSON.stringify(values)}))`;
}
