/** The security log as its own user reads it. */
import { Hono } from 'hono';
import { toEventView } from '../../security-log/event-view';
import { listEvents } from '../../service/own-sessions';
import type { Service } from '../../service/service';
import { bearerAuth } from '../auth/bearer-auth';
import { userCallerOf } from '../caller';
import type { AppEnv } from '../context';
import { readEventQuery } from '../input';
import { toProblemError } from '../refusals';

export function eventRoutes(service: Service): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();

  routes.get('/', bearerAuth(service), async (c) => {
    const listed = await listEvents(userCallerOf(c), service, readEventQuery(c));
    if (!listed.ok) throw toProblemError(listed.refusal);
    const { page } = listed;
    return c.json({
      events: page.events.map(toEventView),
      next_cursor: page.next && String(page.next),
    });
  });

  return routes;
}
