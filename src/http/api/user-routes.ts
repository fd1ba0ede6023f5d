/**
 * What a backend can do with a user: see and end the sessions. `user_id` is a user's, or the
 * session id of a guest, as `sub` of access tokens has it.
 */
import { Hono } from 'hono';
import * as v from 'valibot';
import type { Home, Replica } from '../../db/d1';
import { DatabaseUnavailableError } from '../../faults';
import { locateUser, type UserLocation } from '../../homes/location';
import { queryAll } from '../../homes/query-all';
import { toEventView } from '../../security-log/event-view';
import { listUserEvents, mergeEventPages } from '../../security-log/read-events';
import { assertAllAnswered, finishMoves } from '../../service/locate';
import { report, revocationOf } from '../../service/report';
import type { Service } from '../../service/service';
import { listUserSessions, mergeSessionPages } from '../../sessions/list';
import { revokeUser } from '../../sessions/revoke';
import { clientAuth, requireGrant } from '../auth/client-auth';
import type { AppContext, AppEnv } from '../context';
import { ProblemError } from '../errors';
import {
  formatCursor,
  formatPerHome,
  parseEventCursor,
  parseLimit,
  readPage,
  readQuery,
  uuid,
  validate,
} from '../input';
import { toSessionView } from '../views';

export function userRoutes(service: Service): Hono<AppEnv> {
  const { config, now } = service;
  const routes = new Hono<AppEnv>();
  const backend = clientAuth(service, 'manage_users');

  routes.get('/:user_id/sessions', backend, async (c) => {
    const userId = readUserId(c);
    const grant = requireGrant(c.get('client'), 'manage_users');
    const { include } = readQuery(c, ['limit', 'cursor', 'include']);
    if (include !== undefined && include !== 'ended')
      throw new ProblemError('invalid_request', 'include can only be ended');
    const query = { userId, includeEnded: include === 'ended' };
    const page = readPage(c, ['include']);
    const list = (copies: (Home | Replica)[]) =>
      queryAll(copies, (copy) =>
        listUserSessions(copy, grant, config.sessions, query, page, now()),
      );
    let { answered, unavailable } = await list(homes(c).map(service.replicaOf));
    // Sessions that have left one home, and are not in the other yet, are in no list.
    const isNobodyThere = answered.every(({ answer }) => answer.sessions.length === 0);
    if (isNobodyThere && (await finishUserMoves(c, userId)))
      ({ answered, unavailable } = await list(homes(c)));
    const { sessions, next } = mergeSessionPages(
      answered.map(({ answer }) => answer),
      page,
    );
    return c.json({
      sessions: sessions.map((session) => toSessionView(session, config)),
      next_cursor: next && formatCursor(next),
      ...warnOf(unavailable),
    });
  });

  routes.get('/:user_id/events', backend, async (c) => {
    const userId = readUserId(c);
    const grant = requireGrant(c.get('client'), 'manage_users');
    const { limit, cursor } = readQuery(c, ['limit', 'cursor']);
    const query = { limit: parseLimit(limit), before: parseEventCursor(cursor) };
    const { answered, unavailable } = await queryAll(homes(c).map(service.replicaOf), (replica) =>
      listUserEvents(replica, grant, userId, {
        limit: query.limit,
        before: query.before.get(replica.name) ?? null,
      }),
    );
    const { events, next } = mergeEventPages(
      answered.map(({ home, answer }) => ({ home: home.name, page: answer })),
      query,
    );
    return c.json({
      events: events.map(toEventView),
      next_cursor: next && formatPerHome(next),
      ...warnOf(unavailable),
    });
  });

  /** Safe to repeat, and to be repeated until every home has answered. */
  routes.delete('/:user_id/sessions', backend, async (c) => {
    const userId = readUserId(c);
    const grant = requireGrant(c.get('client'), 'manage_users');
    const revoked = new Set<string>();
    const end = async (home: Home) => {
      const events = (
        await revokeUser(home, grant, userId, revocationOf(c.get('caller'), service))
      ).filter(({ id }) => !revoked.has(id));
      for (const { id } of events) revoked.add(id);
      report(c.get('caller'), home, events);
    };
    // Sessions that are on their way from one home to another end, and are reported, where they
    // arrive.
    await finishUserMoves(c, userId);
    const { unavailable } = await queryAll(homes(c), end);
    if (config.homes.size > 1 && unavailable.length === 0) {
      // And those that left meanwhile.
      const userLocation = await findUser(c, userId);
      assertAllAnswered(userLocation.unavailable);
      await finishMoves(c.get('caller'), service, userLocation);
      if (userLocation.begun.length + userLocation.due.length > 0)
        unavailable.push(...(await queryAll(homes(c), end)).unavailable);
    }
    assertAllAnswered(unavailable);
    return c.json({ revoked: revoked.size });
  });

  return routes;

  function homes(c: AppContext) {
    return service.homes(c.get('caller').meter);
  }

  /**
   * Finishes the moves of a user that were begun, as far as the homes answer. Whether there were
   * any.
   */
  async function finishUserMoves(c: AppContext, userId: string): Promise<boolean> {
    if (config.homes.size === 1) return false;
    const userLocation = await findUser(c, userId);
    await finishMoves(c.get('caller'), service, { ...userLocation, due: [] }).catch(
      unlessUnavailable,
    );
    return userLocation.begun.length > 0;
  }

  function findUser(c: AppContext, userId: string): Promise<UserLocation> {
    return locateUser(homes(c), { user: { id: userId }, guest: null, keyHash: null }, now());
  }
}

function unlessUnavailable(fault: unknown): void {
  if (!(fault instanceof DatabaseUnavailableError)) throw fault;
}

/** A list is worth more than none, but whoever reads it has to know what it lacks. */
function warnOf(unavailable: readonly string[]) {
  return unavailable.length === 0 ? {} : { unanswered_homes: unavailable };
}

export function readUserId(c: AppContext): string {
  return validate(v.strictObject({ user_id: uuid }), { user_id: c.req.param('user_id') }).user_id;
}
