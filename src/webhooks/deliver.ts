/**
 * Delivering what is in the outbox: at once after the request that caused it, and by the cron what
 * that did not get through. Each endpoint has a lane of its own, so one that is slow or down holds
 * up no other, and a lane whose attempts all fail is left for the next run.
 */
import type { Webhook } from '../config/webhooks';
import type { Home } from '../db/d1';
import { type Transmitter, toMessage } from './message';
import { type Claim, type Settlement, settleAndClaim } from './outbox';

export interface Postman {
  webhooks: readonly Webhook[];
  transmitter: Transmitter;
  fetch: typeof fetch;
}

export interface DeliveryBounds {
  /** Attempts for each endpoint in this run. */
  maxAttempts: number;
  /** The run starts no attempt after this long. */
  budgetMs: number;
  /** Time passing, for the budget alone. */
  clock: () => number;
}

/** An attempt that did not succeed, for the log. It names the endpoint, never its URL or answer. */
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

/** An endpoint is sent as many at once. A Worker has six connections for all that it does. */
const CONCURRENCY = 5;
const TIMEOUT_MS = 10_000;

/**
 * Seconds from each failed attempt to the next; after the last one the delivery is dead. Three days
 * in all.
 */
const BACK_OFF_SECONDS = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];

/**
 * Delivers what is due at `now` (ms): of these events, or (null) of all. Throws
 * `DatabaseUnavailableError`.
 */
export async function deliver(
  home: Home,
  postman: Postman,
  events: readonly string[] | null,
  bounds: DeliveryBounds,
  now: number,
): Promise<DeliveryReport> {
  const lanes = postman.webhooks.map((webhook) =>
    deliverTo(webhook, home, postman, events, bounds, now),
  );
  const reports = await Promise.all(lanes);
  return {
    delivered: reports.reduce((sum, { delivered }) => sum + delivered, 0),
    failed: reports.flatMap(({ failed }) => failed),
  };
}

async function deliverTo(
  webhook: Webhook,
  home: Home,
  { transmitter, fetch }: Postman,
  events: readonly string[] | null,
  { maxAttempts, budgetMs, clock }: DeliveryBounds,
  now: number,
): Promise<DeliveryReport> {
  const deadline = clock() + budgetMs;
  const report: DeliveryReport = { delivered: 0, failed: [] };
  let settlements: Settlement[] = [];
  let left = maxAttempts;
  while (true) {
    const limit = Math.min(CONCURRENCY, left);
    const claims: Claim[] = await settleAndClaim(home, webhook.name, settlements, {
      limit,
      events,
      now,
    });
    if (claims.length === 0) return report;
    const attempts = await Promise.all(
      claims.map(async (claim) => {
        const { error, retryAfter } = await send(claim, webhook, transmitter, fetch, now);
        return { claim, error, retryAfter };
      }),
    );
    settlements = attempts.map(({ claim, error, retryAfter }) =>
      toSettlement(claim, error, retryAfter, now),
    );
    for (const { claim, error } of attempts) {
      if (error === null) report.delivered += 1;
      else report.failed.push(toFailedAttempt(webhook, claim, error));
    }
    const isDown = attempts.every(({ error }) => error !== null);
    left = isDown || clock() >= deadline ? 0 : left - claims.length;
  }
}

/** One attempt. What goes wrong is told, not thrown: `error` is null when the endpoint accepted. */
async function send(
  { event }: Claim,
  webhook: Webhook,
  transmitter: Transmitter,
  fetch: Postman['fetch'],
  now: number,
): Promise<{ error: string | null; retryAfter: number }> {
  try {
    const { headers, body } = await toMessage(event, webhook, transmitter, now);
    // A redirect would take the message to where nobody configured it.
    const init = {
      method: 'POST',
      headers,
      body,
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    } as const;
    const response = await fetch(webhook.url, init);
    await response.body?.cancel();
    if (response.ok) return { error: null, retryAfter: 0 };
    const retryAfter = Number(
      /^\d{1,6}$/.exec(response.headers.get('retry-after') ?? '')?.[0] ?? 0,
    );
    return { error: `status_${response.status}`, retryAfter };
  } catch (error) {
    const isTimeout = error instanceof Error && error.name === 'TimeoutError';
    return { error: isTimeout ? 'timeout' : 'no_connection', retryAfter: 0 };
  }
}

/** 410: the endpoint wants no more of it (Standard Webhooks). */
const GONE = 'status_410';
const MAX_RETRY_AFTER_SECONDS = 86_400;

function toSettlement(
  { event, attempts }: Claim,
  error: string | null,
  retryAfter: number,
  now: number,
): Settlement {
  if (error === null) return { eventId: event.id, outcome: { state: 'delivered' } };
  const delay = Math.max(
    BACK_OFF_SECONDS[attempts - 1] ?? 0,
    Math.min(retryAfter, MAX_RETRY_AFTER_SECONDS),
  );
  const state = isLastAttempt(attempts, error) ? 'dead' : 'pending';
  return {
    eventId: event.id,
    outcome: { state, error, nextAttemptAt: new Date(now + delay * 1000) },
  };
}

function isLastAttempt(attempts: number, error: string): boolean {
  return attempts > BACK_OFF_SECONDS.length || error === GONE;
}

function toFailedAttempt(
  { name }: Webhook,
  { event, attempts }: Claim,
  error: string,
): FailedAttempt {
  return {
    endpoint: name,
    eventId: event.id,
    attempts,
    error,
    isDead: isLastAttempt(attempts, error),
  };
}
