/**
 * Tells the webhooks at once, after the answer: nobody waits for an endpoint, and what fails here
 * is the cron's.
 */
import { createMiddleware } from 'hono/factory';
import { type Home, newMeter } from '../../db/d1';
import type { Service } from '../../service/service';
import { findSigningKey } from '../../tokens/signing-keys';
import { type DeliveryBounds, deliver } from '../../webhooks/deliver';
import { logFailedAttempts } from '../../webhooks/log';
import type { AppContext, AppEnv } from '../context';

/** What `waitUntil` is given ends 30 seconds after the answer. */
const BOUNDS: DeliveryBounds = { maxAttempts: 50, budgetMs: 15_000, clock: Date.now };

export const webhooks = (service: Service) =>
  createMiddleware<AppEnv>(async function webhooks(c, next) {
    await next();
    const context = executionContext(c);
    if (context === null) return;
    for (const [name, events] of Map.groupBy(c.get('caller').written, ({ home }) => home)) {
      const home = service.findHome(name, newMeter());
      const ids = events.map(({ eventId }) => eventId);
      if (home !== null) context.waitUntil(tell(service, home, c.get('caller').requestId, ids));
    }
  });

async function tell(
  service: Service,
  home: Home,
  requestId: string,
  events: readonly string[],
): Promise<void> {
  const { config, now, fetch } = service;
  const signingKey = async () => findSigningKey(await service.keySet(home), now());
  const deliverer = {
    webhooks: config.webhooks,
    transmitter: { issuer: config.issuer, signingKey },
    fetch,
  };
  try {
    const { failed } = await deliver(home, deliverer, events, BOUNDS, now());
    logFailedAttempts(failed);
  } catch {
    // The outbox has it still.
    console.warn(
      JSON.stringify({ level: 'warn', event: 'webhooks_postponed', request_id: requestId }),
    );
  }
}

/** null where there is none to outlive the answer, as when an app is called in a test. */
function executionContext(c: AppContext): { waitUntil: (work: Promise<unknown>) => void } | null {
  try {
    return c.executionCtx;
  } catch {
    return null;
  }
}
