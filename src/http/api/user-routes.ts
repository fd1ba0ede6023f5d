/**
 * What a backend can do with a user: see and end the sessions. `user_id` is a user's, or the
 * session id of a guest, as `sub` of access tokens has it.
 */
import { Hono } from 'hono';
import * as v from 'valibot';
import { toEventView } from '../../security-log/event-view';
import type { Service } from '../../service/service';
import { endSessionsOf, listEventsOf, listSessionsOf } from '../../service/user-sessions';
import { clientAuth } from '../auth/client-auth';
import { clientCallerOf } from '../caller';
import type { AppContext, AppEnv } from '../context';
import { ProblemError } from '../errors';
import {
  formatCursor,
  formatPerHome,
  parseEventCursor,
  parseLimit,
  readPage,
  readQuery,
  readReason,
  uuid,
  validate,
} from '../input';
import { toProblemError } from '../refusals';
import { toSessionView, warnOf } from '../views';

export function userRoutes(service: Service): Hono<AppEnv> {
  const { config } = service;
  const routes = new Hono<AppEnv>();
  const backend = clientAuth(service, 'manage_users');

  routes.get('/:user_id/sessions', backend, async (c) => {
    const userId = readUserId(c);
    const { include } = readQuery(c, ['limit', 'cursor', 'include']);
    if (include !== undefined && include !== 'ended')
      throw new ProblemError('invalid_request', 'include can only be ended');
    const query = { userId, includeEnded: include === 'ended' };
    const page = readPage(c, ['include']);
    const listed = await listSessionsOf(clientCallerOf(c), service, query, page);
    if (!listed.ok) throw toProblemError(listed.refusal);
    const { sessions, next } = listed.page;
    return c.json({
      sessions: sessions.map((session) => toSessionView(session, config)),
      next_cursor: next && formatCursor(next),
      ...warnOf(listed.unavailable),
    });
  });

  routes.get('/:user_id/events', backend, async (c) => {
    const userId = readUserId(c);
    const { limit, cursor } = readQuery(c, ['limit', 'cursor']);
    const query = { limit: parseLimit(limit), before: parseEventCursor(cursor) };
    const listed = await listEventsOf(clientCallerOf(c), service, userId, query);
    if (!listed.ok) throw toProblemError(listed.refusal);
    const { events, next } = listed.page;
    return c.json({
      events: events.map(toEventView),
      next_cursor: next && formatPerHome(next),
      ...warnOf(listed.unavailable),
    });
  });

  routes.delete('/:user_id/sessions', backend, async (c) => {
    const ended = await endSessionsOf(clientCallerOf(c), service, readUserId(c), readReason(c));
    if (!ended.ok) throw toProblemError(ended.refusal);
    return c.json({ revoked: ended.revoked });
  });

  return routes;
}

export function readUserId(c: AppContext): string {
  return validate(v.strictObject({ user_id: uuid }), { user_id: c.req.param('user_id') }).user_id;
}
