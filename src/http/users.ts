/** What a backend can do with a user: see and end the sessions, erase the user. */
import { Hono } from 'hono';
import * as v from 'valibot';
import { toEventView } from '../risk/event-view';
import { listUserEvents } from '../sessions/events';
import { listUserSessions } from '../sessions/list';
import { eraseUser, revokeUser } from '../sessions/revoke';
import type { AppContext, AppEnv } from './context';
import { ProblemError } from './errors';
import { formatCursor, readEventQuery, readPage, readQuery, uuid, validate } from './input';
import { clientAuth } from './middleware/client-auth';
import { logEvents, revocationOf } from './reporting';
import type { Service } from './service';
import { toSessionView } from './views';

export function userRoutes(service: Service): Hono<AppEnv> {
  const { config, now } = service;
  const routes = new Hono<AppEnv>();
  const backend = clientAuth(config, 'manage_users');

  routes.get('/:user_id/sessions', backend, async (c) => {
    const userId = readUserId(c);
    const { include } = readQuery(c, ['limit', 'cursor', 'include']);
    if (include !== undefined && include !== 'ended')
      throw new ProblemError('invalid_request', 'include can only be ended');
    const query = { userId, includeEnded: include === 'ended' };
    const { sessions, next } = await listUserSessions(home(c), config.sessions, query, readPage(c, ['include']), now());
    return c.json({
      sessions: sessions.map((session) => toSessionView(session, config)),
      next_cursor: next && formatCursor(next),
    });
  });

  routes.get('/:user_id/events', backend, async (c) => {
    const { events, next } = await listUserEvents(home(c), readUserId(c), readEventQuery(c));
    return c.json({ events: events.map(toEventView), next_cursor: next && String(next) });
  });

  routes.delete('/:user_id/sessions', backend, async (c) => {
    const target = { userId: readUserId(c), clientId: c.get('client').id };
    const events = await revokeUser(home(c), target, revocationOf(c, service));
    logEvents(c, events);
    return c.json({ revoked: events.length });
  });

  /** Erasing someone who is not there is done already. */
  routes.delete('/:user_id', backend, async (c) => {
    const erased = await eraseUser(home(c), readUserId(c), revocationOf(c, service));
    c.set('outcome', erased ? 'erased' : 'unchanged');
    return c.body(null, 204);
  });

  return routes;

  function home(c: AppContext) {
    return service.defaultHome(c.get('meter'));
  }
}

function readUserId(c: AppContext): string {
  return validate(v.strictObject({ user_id: uuid }), { user_id: c.req.param('user_id') }).user_id;
}
