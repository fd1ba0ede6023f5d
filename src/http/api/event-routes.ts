/** The security log as its own user reads it. */
import { Hono } from 'hono';
import { toEventView } from '../../security-log/event-view';
import { listOwnEvents } from '../../security-log/read-events';
import { bearerAuth } from '../auth/bearer-auth';
import type { AppEnv } from '../context';
import { sessionEnded } from '../errors';
import { whereCallerIs } from '../homes';
import { readEventQuery } from '../input';
import type { Service } from '../service';

export function eventRoutes(service: Service): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();

  routes.get('/', bearerAuth(service), async (c) => {
    const query = readEventQuery(c);
    const caller = c.get('accessToken');
    const { result: page } = await whereCallerIs(
      c,
      service,
      (home) =>
        listOwnEvents(
          { home, replica: service.replicaOf(home) },
          service.config.sessions,
          caller,
          query,
          service.now(),
        ),
      (found) => found === null,
    );
    if (page === null) throw sessionEnded();
    return c.json({
      events: page.events.map(toEventView),
      next_cursor: page.next && String(page.next),
    });
  });

  return routes;
}
