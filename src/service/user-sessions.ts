/**
 * What a backend does with a user's sessions: sees them and what happened to them, and ends them. A
 * user's id, or the session id of a guest, names whose they are, as `sub` of access tokens does.
 */
import type { Home, Replica } from '../db/d1';
import { DatabaseUnavailableError } from '../faults';
import { locateUser, type UserLocation } from '../homes/location';
import { queryAll } from '../homes/query-all';
import type { ActReason } from '../security-log/audit';
import { type EventPositions, listUserEvents, mergeEventPages } from '../security-log/read-events';
import { listUserSessions, mergeSessionPages, type Page, type SessionPage } from '../sessions/list';
import { revokeUser } from '../sessions/revoke-many';
import { reportAct, toAct } from './audit';
import { authorize } from './authorize';
import type { Caller, ClientCaller } from './caller';
import { assertAllAnswered, finishMoves } from './locate';
import type { Result } from './refusal';
import { report, revocationOf } from './report';
import type { Service } from './service';
import { throttleClient } from './throttle';

/** The sessions that a caller may see. `unavailable`: the homes whose sessions are not in it. */
export async function listSessionsOf(
  caller: ClientCaller,
  service: Service,
  query: { userId: string; includeEnded: boolean },
  page: Page,
): Promise<Result<{ page: SessionPage; unavailable: string[] }>> {
  const authorized = authorize(caller.client, 'manage_users');
  if (!authorized.ok) return authorized;
  const throttled = await throttleClient(caller, service, query.userId);
  if (throttled !== null) return throttled;
  const { config, now } = service;
  const homes = service.homes(caller.meter);
  const list = (copies: (Home | Replica)[]) =>
    queryAll(copies, (copy) =>
      listUserSessions(copy, authorized.grant, config.sessions, query, page, now()),
    );
  let { answered, unavailable } = await list(homes.map(service.replicaOf));
  // Sessions that have left one home, and are not in the other yet, are in no list.
  const isNobodyThere = answered.every(({ answer }) => answer.sessions.length === 0);
  if (isNobodyThere && (await finishMovesOf(caller, service, query.userId)))
    ({ answered, unavailable } = await list(homes));
  const pages = answered.map(({ answer }) => answer);
  return { ok: true, page: mergeSessionPages(pages, page), unavailable };
}

/** The security log of a user, of the sessions that the caller may see. */
export async function listEventsOf(
  caller: ClientCaller,
  service: Service,
  userId: string,
  { limit, before }: { limit: number; before: EventPositions },
): Promise<Result<{ page: ReturnType<typeof mergeEventPages>; unavailable: string[] }>> {
  const authorized = authorize(caller.client, 'manage_users');
  if (!authorized.ok) return authorized;
  const throttled = await throttleClient(caller, service, userId);
  if (throttled !== null) return throttled;
  const replicas = service.homes(caller.meter).map(service.replicaOf);
  const { answered, unavailable } = await queryAll(replicas, (replica) =>
    listUserEvents(replica, authorized.grant, userId, {
      limit,
      before: before.get(replica.name) ?? null,
    }),
  );
  const pages = answered.map(({ home, answer }) => ({ home: home.name, page: answer }));
  return { ok: true, page: mergeEventPages(pages, { limit, before }), unavailable };
}

/**
 * Ends the sessions that the caller may end. Safe to repeat, and to be repeated until every home
 * has answered: throws `DatabaseUnavailableError` while one does not.
 */
export async function endSessionsOf(
  caller: ClientCaller,
  service: Service,
  userId: string,
  reason: ActReason | null,
): Promise<Result<{ revoked: number }>> {
  const authorized = authorize(caller.client, 'manage_users');
  if (!authorized.ok) return authorized;
  const throttled = await throttleClient(caller, service, userId);
  if (throttled !== null) return throttled;
  const homes = service.homes(caller.meter);
  const act = await toAct(caller, service, authorized.grant, {
    type: 'user_signed_out',
    target: { type: 'user', id: userId },
    reason,
  });
  const revoked = new Set<string>();
  const end = async (home: Home) => {
    const events = (await revokeUser(home, act, userId, revocationOf(caller, service))).filter(
      ({ id }) => !revoked.has(id),
    );
    for (const { id } of events) revoked.add(id);
    report(caller, home, events);
  };
  // Sessions that are on their way from one home to another end, and are reported, where they
  // arrive.
  await finishMovesOf(caller, service, userId);
  const { answered, unavailable } = await queryAll(homes, end);
  reportAct(caller, act, answered);
  if (homes.length > 1 && unavailable.length === 0) {
    // And those that left meanwhile.
    const userLocation = await findUser(caller, service, userId);
    assertAllAnswered(userLocation.unavailable);
    await finishMoves(caller, service, userLocation);
    if (userLocation.begun.length + userLocation.due.length > 0)
      unavailable.push(...(await queryAll(homes, end)).unavailable);
  }
  assertAllAnswered(unavailable);
  return { ok: true, revoked: revoked.size };
}

/**
 * Finishes the moves of a user that were begun, as far as the homes answer. Whether there were any.
 */
async function finishMovesOf(caller: Caller, service: Service, userId: string): Promise<boolean> {
  if (service.config.homes.size === 1) return false;
  const userLocation = await findUser(caller, service, userId);
  await finishMoves(caller, service, { ...userLocation, due: [] }).catch(unlessUnavailable);
  return userLocation.begun.length > 0;
}

function findUser(caller: Caller, service: Service, userId: string): Promise<UserLocation> {
  const who = { user: { id: userId }, guest: null, keyHash: null };
  return locateUser(service.homes(caller.meter), who, service.now());
}

function unlessUnavailable(fault: unknown): void {
  if (!(fault instanceof DatabaseUnavailableError)) throw fault;
}
