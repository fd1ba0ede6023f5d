/**
 * Deliveries that were not made: operators list them and make them due again, and they are given up
 * when their endpoint is not configured any more.
 */
import { and, eq, gt, inArray, lte, notInArray, or, type SQL, sql } from 'drizzle-orm';
import type { Grant } from '../config/authority';
import { type Home, type Replica, transact } from '../db/d1';
import { sessionEvents, webhookDeliveries, webhookPauses } from '../db/schema';
import { type Act, recordAct } from '../security-log/audit';

/** Gives up the deliveries to endpoints that are not configured any more. Returns how many. */
export async function giveUpOnOthers(
  home: Home,
  endpoints: readonly string[],
  now: number,
): Promise<number> {
  const { endpoint, nextAttemptAt } = webhookDeliveries;
  const { dead } = await transact(home, () => ({
    dead: home.db
      .update(webhookDeliveries)
      .set({ state: 'dead', lastError: 'endpoint_removed' })
      .where(
        and(
          notInArray(endpoint, [...endpoints]),
          inArray(webhookDeliveries.state, ['pending', 'refused']),
          lte(nextAttemptAt, new Date(now)),
        ),
      )
      .returning({ endpoint }),
    pauses: home.db.delete(webhookPauses).where(lte(webhookPauses.until, new Date(now))),
  }));
  return dead.length;
}

export interface Delivery {
  /** The position of the delivery in the list. */
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
  state?: 'pending' | 'refused' | 'dead' | undefined;
  endpoint: string | null;
  eventId: string | null;
}

/**
 * Lists the deliveries that are still to be made or were given up, the oldest first, after a
 * position. One round trip.
 */
export async function listDeliveries(
  replica: Replica,
  _grant: Grant<'operate'>,
  filter: DeliveryFilter,
  { after, limit }: { after: number; limit: number },
): Promise<{ deliveries: Delivery[]; next: number | null }> {
  const position = sql<number>`${webhookDeliveries}.rowid`;
  const { rows } = await transact(replica, () => ({
    rows: replica.db
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
      // One row more than asked for tells whether there is a next page.
      .limit(limit + 1),
  }));
  const deliveries = rows.slice(0, limit);
  const last = rows.length > limit ? deliveries.at(-1) : undefined;
  return { deliveries, next: last?.position ?? null };
}

/** The rows that one call makes due. */
const MAX_REPLAYED = 1_000;

/**
 * Makes deliveries due that were given up, or that wait for their next attempt, with all their
 * attempts, the oldest first, and ends the pause that an endpoint asked for. Returns their events;
 * as many as `MAX_REPLAYED` may be not all.
 */
export async function replay(
  home: Home,
  act: Act<'operate'>,
  filter: Omit<DeliveryFilter, 'state'>,
  now: number,
): Promise<string[]> {
  const { eventId, state, nextAttemptAt } = webhookDeliveries;
  const waiting = home.db
    .select({ rowid: sql`rowid` })
    .from(webhookDeliveries)
    .where(and(matches(filter), or(eq(state, 'dead'), gt(nextAttemptAt, new Date(now)))))
    .orderBy(sql`rowid`)
    .limit(MAX_REPLAYED);
  const isPaused =
    filter.endpoint === null ? undefined : eq(webhookPauses.endpoint, filter.endpoint);
  const { replayed } = await transact(home, () => ({
    replayed: home.db
      .update(webhookDeliveries)
      .set({ state: 'pending', attempts: 0, nextAttemptAt: new Date(now), lastError: null })
      .where(sql`rowid in ${waiting}`)
      .returning({ eventId }),
    pauses: home.db.delete(webhookPauses).where(isPaused),
    audit: recordAct(home, act),
  }));
  return replayed.map((row) => row.eventId);
}

function matches({ state, endpoint, eventId }: DeliveryFilter): SQL | undefined {
  return and(
    state === undefined ? undefined : eq(webhookDeliveries.state, state),
    endpoint === null ? undefined : eq(webhookDeliveries.endpoint, endpoint),
    eventId === null ? undefined : eq(webhookDeliveries.eventId, eventId),
  );
}
