/** The security log as its own user reads it. */
import { Hono } from 'hono';
import { toEventView } from '../risk/event-view';
import { listOwnEvents } from '../sessions/events';
import type { AppEnv } from './context';
import { sessionEnded } from './errors';
import { whereSessionIs } from './homes';
import { readEventQuery } from './input';
import { bearerAuth } from './middleware/bearer-auth';
import type { Service } from './service';

export function eventRoutes(service: Service): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();

  routes.get('/', bearerAuth(service), async (c) => {
    const query = readEventQuery(c);
    const caller = c.get('accessToken');
    const home = service.findHome(caller.home, c.get('meter'));
    if (home === null) throw sessionEnded();
    const { result: page } = await whereSessionIs(
      c,
      service,
      { home, sessionId: caller.sessionId },
      (place) => listOwnEvents(place, service.config.sessions, caller, query, service.now()),
      (found) => found === null,
    );
    if (page === null) throw sessionEnded();
    return c.json({ events: page.events.map(toEventView), next_cursor: page.next && String(page.next) });
  });

  return routes;
}
