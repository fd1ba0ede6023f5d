/** Tells the webhooks at once, after the answer (service/deliveries.ts). */
import { createMiddleware } from 'hono/factory';
import { tellWebhooks } from '../../service/deliveries';
import type { Service } from '../../service/service';
import type { AppContext, AppEnv } from '../context';

export const webhooks = (service: Service) =>
  createMiddleware<AppEnv>(async function webhooks(c, next) {
    await next();
    const caller = c.get('caller');
    if (caller.written.length > 0) executionContext(c)?.waitUntil(tellWebhooks(caller, service));
  });

/** null where there is none to outlive the answer, as when an app is called in a test. */
function executionContext(c: AppContext): { waitUntil: (work: Promise<unknown>) => void } | null {
  try {
    return c.executionCtx;
  } catch {
    return null;
  }
}
