/** Counts refusals (service/tally.ts), and then starts the work after the answer. */
import { createMiddleware } from 'hono/factory';
import { doAfterAnswer } from '../../service/after-answer';
import type { Service } from '../../service/service';
import type { AppContext, AppEnv } from '../context';

export const countRefusals = (service: Service) =>
  createMiddleware<AppEnv>(async function countRefusals(c, next) {
    await next();
    const { status } = c.res;
    if (status >= 400)
      service.tally.count('refusals', c.get('outcome') ?? `${status}`, clientIdOf(c));
    const context = executionContext(c);
    if (context !== null)
      doAfterAnswer(c.get('caller'), service, (work) => context.waitUntil(work));
  });

/** The client that has proved who it is, or whose session it is. */
export const clientIdOf = (c: AppContext): string | undefined =>
  c.get('client')?.id ?? c.get('accessToken')?.clientId ?? c.get('sessionClientId');

/** null where there is no context that outlives the answer, as when an app is called in a test. */
function executionContext(c: AppContext): { waitUntil: (work: Promise<unknown>) => void } | null {
  try {
    return c.executionCtx;
  } catch {
    return null;
  }
}
