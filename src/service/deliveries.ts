/**
 * Deliveries to the webhooks. The first attempt is made here, right after the answer, so that no
 * request waits for an endpoint; the cron makes the others (scheduled.ts). Operators list what was
 * not delivered, and make it due again.
 */
import type { Home } from '../db/d1';
import { newAccess } from '../db/d1-access';
import { assertAllAnswered, queryAll } from '../homes/query-all';
import type { ActReason, Target } from '../security-log/audit';
import { deliver } from '../webhooks/deliver';
import { logFailedAttempts } from '../webhooks/log';
import {
  type Delivery,
  type DeliveryFilter,
  listDeliveries as listInHome,
  replay,
} from '../webhooks/undelivered';
import { reportAct, toAct } from './acts';
import { authorize } from './authorize';
import type { Caller, ClientCaller } from './caller';
import { delivererOf } from './deliverer';
import { invalid, type Result } from './refusal';
import type { Service } from './service';

/** Lists one home's deliveries, the oldest first. */
export async function listDeliveries(
  caller: ClientCaller,
  service: Service,
  filter: DeliveryFilter & { home: string },
  page: { after: number; limit: number },
): Promise<Result<{ deliveries: Delivery[]; next: number | null }>> {
  const authorized = authorize(caller.client, 'operate');
  if (!authorized.ok) return authorized;
  const home = service.findHome(filter.home, caller);
  if (home === null) return invalid('home is not one of this service');
  return {
    ok: true,
    ...(await listInHome(service.replicaOf(home), authorized.grant, filter, page)),
  };
}

/** Makes deliveries due that were given up, or that wait. Returns how many there were. */
export async function replayDeliveries(
  caller: ClientCaller,
  service: Service,
  filter: { endpoint: string | null; eventId: string | null },
  reason: ActReason | null,
): Promise<Result<{ replayed: number }>> {
  const authorized = authorize(caller.client, 'operate');
  if (!authorized.ok) return authorized;
  const { config, now } = service;
  const { endpoint, eventId } = filter;
  if (endpoint !== null && !config.webhooks.some(({ name }) => name === endpoint))
    return invalid('endpoint is none of WEBHOOKS');
  const act = await toAct(caller, service, authorized.grant, {
    type: 'deliveries_replayed',
    target: toTarget(filter),
    reason,
    ...(eventId !== null && endpoint !== null && { facts: { endpoint } }),
  });
  const { results, unavailable } = await queryAll(service.homes(caller), (home) =>
    replay(home, act, filter, now()),
  );
  reportAct(caller, act, results);
  const replayed = results.flatMap(({ home, value }) =>
    value.map((id) => ({ home: home.name, eventId: id })),
  );
  caller.written.push(...replayed);
  assertAllAnswered(unavailable);
  return { ok: true, replayed: replayed.length };
}

function toTarget(filter: { endpoint: string | null; eventId: string | null }): Target {
  if (filter.eventId !== null) return { type: 'event', id: filter.eventId };
  if (filter.endpoint !== null) return { type: 'webhook_endpoint', id: filter.endpoint };
  return { type: 'webhook_deliveries' };
}

/** Work after an answer has to end within 30 seconds. */
const BOUNDS = { maxAttempts: 50, budgetMs: 15_000, clock: Date.now };

/** Delivers the events that were written for a caller. To be run after the answer; never throws. */
export async function deliverToWebhooks({ written, requestId }: Caller, service: Service) {
  const byHome = Map.groupBy(written, ({ home }) => home);
  await Promise.all(
    [...byHome].map(async ([name, events]) => {
      const home = service.findHome(name, newAccess());
      const ids = events.map(({ eventId }) => eventId);
      if (home !== null) await deliverEvents(service, home, requestId, ids);
    }),
  );
}

async function deliverEvents(
  service: Service,
  home: Home,
  requestId: string,
  events: readonly string[],
): Promise<void> {
  const { config, keyring, now, fetch } = service;
  const keys = { keyring, keySet: () => service.keySet(home), now };
  const deliverer = delivererOf(config, home, keys, fetch);
  try {
    // The request itself, and other work of the invocation, have the other queries.
    const bounds = { ...BOUNDS, maxQueries: config.queriesPerInvocation - 40, now: now() };
    const { failed } = await deliver(home, deliverer, events, bounds);
    logFailedAttempts(failed);
  } catch {
    // The outbox still has the events.
    console.warn(
      JSON.stringify({ level: 'warn', event: 'webhooks_postponed', request_id: requestId }),
    );
  }
}
