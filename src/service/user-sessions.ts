/**
 * The operations of a backend on a user's sessions: it lists them and their events, and ends them.
 * A user's id, or the session id of a guest, names the person, as `sub` of access tokens does.
 */

import type { Home, Replica } from '../db/d1';
import { queryAll } from '../homes/query-all';
import { type MergedPage, mergeNumberedPages, type Positions } from '../numbered-pages';
import type { ActReason } from '../security-log/audit';
import { listUserEvents, type SessionEvent, seqOf } from '../security-log/read-events';
import type { SessionFilter } from '../sessions/filter';
import {
  type FilteredPage,
  listUserSessions,
  mergeSessionPages,
  type SessionPage,
} from '../sessions/list';
import { listAllSessions, type NumberedSession, numberOf } from '../sessions/list-all';
import { revokeUser } from '../sessions/revoke-many';
import { toAct } from './acts';
import { authorize } from './authorize';
import type { ClientCaller } from './caller';
import { actInEveryHome, finishMovesOf } from './every-home';
import type { Result } from './refusal';
import { report, revocationOf, ruleContextOf } from './report';
import type { Service } from './service';
import { throttleClient, throttleEnding } from './throttle';

/**
 * The live sessions that a caller may see. `unavailable`: the homes whose sessions are not in it.
 */
export async function listSessionsOf(
  caller: ClientCaller,
  service: Service,
  userId: string,
  page: FilteredPage,
): Promise<Result<{ page: SessionPage; unavailable: string[] }>> {
  const authorized = authorize(caller.client, 'manage_users');
  if (!authorized.ok) return authorized;
  const throttled = await throttleClient(caller, service, userId);
  if (throttled !== null) return throttled;
  const at = ruleContextOf(service);
  const { results, unavailable } = await listEverywhere(caller, service, userId, {
    list: (database) => listUserSessions(database, authorized.grant, userId, { ...page, ...at }),
    isEmpty: ({ sessions }) => sessions.length === 0,
  });
  const pages = results.map(({ value }) => value);
  return { ok: true, page: mergeSessionPages(pages, page), unavailable };
}

/** The same for all sessions that are not purged yet, those that are over too. */
export async function listAllSessionsOf(
  caller: ClientCaller,
  service: Service,
  userId: string,
  { limit, before, filter }: { limit: number; before: Positions; filter: SessionFilter },
): Promise<Result<{ page: MergedPage<NumberedSession>; unavailable: string[] }>> {
  const authorized = authorize(caller.client, 'manage_users');
  if (!authorized.ok) return authorized;
  const throttled = await throttleClient(caller, service, userId);
  if (throttled !== null) return throttled;
  const { results, unavailable } = await listEverywhere(caller, service, userId, {
    list: (database) =>
      listAllSessions(database, authorized.grant, userId, {
        limit,
        before: before.get(database.name) ?? null,
        filter,
      }),
    isEmpty: ({ rows }) => rows.length === 0,
  });
  const pages = results.map(({ home, value }) => ({ home: home.name, page: value }));
  return { ok: true, page: mergeNumberedPages(pages, numberOf, { limit, before }), unavailable };
}

/** Lists in all homes. Sessions that have left one, and are not in the other yet, are in none. */
async function listEverywhere<T>(
  caller: ClientCaller,
  service: Service,
  userId: string,
  {
    list,
    isEmpty,
  }: { list: (database: Home | Replica) => Promise<T>; isEmpty: (value: T) => boolean },
) {
  const homes = service.homes(caller);
  const found = await queryAll<T, Home | Replica>(homes.map(service.replicaOf), list);
  const isNobodyThere = found.results.every(({ value }) => isEmpty(value));
  return isNobodyThere && (await finishMovesOf(caller, service, userId))?.begunMoves.length
    ? queryAll<T, Home | Replica>(homes, list)
    : found;
}

/** The security log of a user, of the sessions that the caller may see. */
export async function listEventsOf(
  caller: ClientCaller,
  service: Service,
  userId: string,
  { limit, before }: { limit: number; before: Positions },
): Promise<Result<{ page: MergedPage<SessionEvent>; unavailable: string[] }>> {
  const authorized = authorize(caller.client, 'manage_users');
  if (!authorized.ok) return authorized;
  const throttled = await throttleClient(caller, service, userId);
  if (throttled !== null) return throttled;
  const replicas = service.homes(caller).map(service.replicaOf);
  const { results, unavailable } = await queryAll(replicas, (replica) =>
    listUserEvents(replica, authorized.grant, userId, {
      limit,
      before: before.get(replica.name) ?? null,
    }),
  );
  const pages = results.map(({ home, value }) => ({ home: home.name, page: value }));
  return { ok: true, page: mergeNumberedPages(pages, seqOf, { limit, before }), unavailable };
}

/**
 * Ends the sessions that the caller may end, but one if it is to be spared. Safe to repeat, and to
 * be repeated until every home has answered: throws `DatabaseUnavailableError` while one does not.
 */
export async function endSessionsOf(
  caller: ClientCaller,
  service: Service,
  ended: { userId: string; spared: string | null },
  reason: ActReason | null,
): Promise<Result<{ revoked: number }>> {
  const { userId, spared } = ended;
  const authorized = authorize(caller.client, 'manage_users');
  if (!authorized.ok) return authorized;
  const throttled = await throttleEnding(caller, service, userId);
  if (throttled !== null) return throttled;
  const act = await toAct(caller, service, authorized.grant, {
    type: 'user_signed_out',
    target: { type: 'user', id: userId },
    reason,
    facts: spared === null ? {} : { spared: 1 },
  });
  const revoked = new Set<string>();
  const end = async (home: Home) => {
    const events = (await revokeUser(home, act, ended, revocationOf(caller, service))).filter(
      ({ id }) => !revoked.has(id),
    );
    for (const { id } of events) revoked.add(id);
    report(caller, home, events);
  };
  await actInEveryHome(caller, service, { userId, act }, end);
  return { ok: true, revoked: revoked.size };
}
