/**
 * Delivers the events of the outbox to the webhooks: right after the request that caused them, and
 * by the cron those that did not get through then. Each endpoint has a queue of its own, so that an
 * endpoint which is slow or down holds up no other.
 *
 * A queue is slowed only by an answer that says something of the endpoint (webhooks/verdict.ts): an
 * endpoint that is unavailable in all attempts of a round, or asks for a pause, is left for a later
 * run. A message that the endpoint refuses says nothing of the next one.
 */

import type { Webhook } from '../config/webhooks';
import type { Home } from '../db/d1';
import { inSpan } from '../span';
import { type Transmitter, toMessage } from './message';
import { type Claim, type Settlement, settleAndClaim } from './outbox';
import { type Failure, toPause, toVerdict, type Verdict } from './verdict';

export interface Deliverer {
  webhooks: readonly Webhook[];
  transmitter: Transmitter;
  fetch: typeof fetch;
}

export interface DeliveryBounds {
  /** Attempts for each endpoint in this run. */
  maxAttempts: number;
  /** No attempt is claimed once the home's `usage.queries` is this. */
  maxQueries: number;
  /** The run starts no attempt after this long. */
  budgetMs: number;
  /** Time passing, for the budget alone. */
  clock: () => number;
}

export interface DeliveryRun extends DeliveryBounds {
  /** Milliseconds since 1970: what is due then is delivered. */
  now: number;
}

/** A failed attempt, for the log. It names the endpoint, never its URL or answer. */
export interface FailedAttempt {
  endpoint: string;
  eventId: string;
  attempts: number;
  error: string;
  isDead: boolean;
}

export interface DeliveryReport {
  delivered: number;
  failed: FailedAttempt[];
}

/** Attempts for an endpoint at the same time. A Worker has six connections for all that it does. */
const CONCURRENCY = 5;
const TIMEOUT_MS = 10_000;

/**
 * Seconds from each failed attempt to the next; after the last one the delivery is dead. Three days
 * in all.
 */
const BACK_OFF_SECONDS = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];

/** Delivers what is due: of these events, or (null) of all. Throws `DatabaseUnavailableError`. */
export async function deliver(
  home: Home,
  deliverer: Deliverer,
  events: readonly string[] | null,
  run: DeliveryRun,
): Promise<DeliveryReport> {
  const queue = { home, events };
  const reports = await Promise.all(
    deliverer.webhooks.map((webhook) => deliverTo(webhook, deliverer, queue, run)),
  );
  return {
    delivered: reports.reduce((sum, { delivered }) => sum + delivered, 0),
    failed: reports.flatMap(({ failed }) => failed),
  };
}

async function deliverTo(
  webhook: Webhook,
  deliverer: Deliverer,
  { home, events }: { home: Home; events: readonly string[] | null },
  { maxAttempts, maxQueries, budgetMs, clock, now }: DeliveryRun,
): Promise<DeliveryReport> {
  const deadline = clock() + budgetMs;
  const report: DeliveryReport = { delivered: 0, failed: [] };
  let settlements: Settlement[] = [];
  let pauseUntil: Date | null = null;
  let left = maxAttempts;
  while (true) {
    const limit = Math.min(CONCURRENCY, left);
    const claims: Claim[] = await settleAndClaim(
      home,
      webhook.name,
      { settlements, pauseUntil },
      { limit, events, now },
    );
    if (claims.length === 0) return report;
    const attempts = await Promise.all(
      claims.map(async (claim) => ({
        claim,
        verdict: await attempt(claim, webhook, deliverer, now),
      })),
    );
    settlements = attempts.map(({ claim, verdict }) => toSettlement(claim, verdict, now));
    for (const { claim, verdict } of attempts) {
      if (verdict.is === 'accepted') report.delivered += 1;
      else report.failed.push(toFailedAttempt(webhook, claim, verdict));
    }
    const verdicts = attempts.map(({ verdict }) => verdict);
    pauseUntil = toPause(verdicts, now);
    const isDown = verdicts.every((verdict) => verdict.is === 'unavailable');
    const isSpent = clock() >= deadline || home.usage.queries >= maxQueries;
    const isOver = isDown || pauseUntil !== null || isSpent;
    left = isOver ? 0 : left - claims.length;
  }
}

/** Sends a message once. A failure is a verdict, too: nothing is thrown. */
async function attempt(
  claim: Claim,
  webhook: Webhook,
  { transmitter, fetch }: Deliverer,
  now: number,
): Promise<Verdict> {
  try {
    const { headers, body } = await toMessage(claim, webhook, transmitter, now);
    // A redirect would take the message to where nobody configured it.
    const init = {
      method: 'POST',
      headers,
      body,
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    } as const;
    const response = await inSpan('webhook_delivery', { endpoint: webhook.name }, () =>
      fetch(webhook.url, init),
    );
    await response.body?.cancel();
    return toVerdict(response.status, response.headers.get('retry-after'), now);
  } catch (error) {
    const isTimeout = error instanceof Error && error.name === 'TimeoutError';
    return { is: 'unavailable', error: isTimeout ? 'timeout' : 'no_connection', retryAfter: null };
  }
}

function toSettlement({ event, attempts }: Claim, verdict: Verdict, now: number): Settlement {
  if (verdict.is === 'accepted') return { eventId: event.id, outcome: { state: 'delivered' } };
  const delay = Math.max(BACK_OFF_SECONDS[attempts - 1] ?? 0, verdict.retryAfter ?? 0);
  return {
    eventId: event.id,
    outcome: {
      state: toState(verdict, attempts),
      error: verdict.error,
      nextAttemptAt: new Date(now + delay * 1000),
    },
  };
}

function toState(verdict: Failure, attempts: number): 'pending' | 'refused' | 'dead' {
  if (verdict.is === 'unwanted' || attempts > BACK_OFF_SECONDS.length) return 'dead';
  return verdict.is === 'refused' ? 'refused' : 'pending';
}

function toFailedAttempt(
  { name }: Webhook,
  { event, attempts }: Claim,
  verdict: Failure,
): FailedAttempt {
  return {
    endpoint: name,
    eventId: event.id,
    attempts,
    error: verdict.error,
    isDead: toState(verdict, attempts) === 'dead',
  };
}
