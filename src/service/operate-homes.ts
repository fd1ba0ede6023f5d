/** What operators do with homes: see them, move people between them, and set a not-before. */
import type { HomeConfig } from '../config/homes';
import { EVERYONE } from '../db/schema';
import { chooseNextHome } from '../homes/choose';
import { locateUser } from '../homes/location';
import { type Cursor, listResidents, listUnfinished, moveSubject } from '../homes/move';
import { queryAll } from '../homes/query-all';
import { setNotBefore } from '../sessions/not-before';
import { authorize } from './authorize';
import type { ClientCaller } from './caller';
import { assertAllAnswered, finishMoves, moveContext } from './locate';
import { type Result, refuse } from './refusal';
import { report } from './report';
import type { Service } from './service';

const invalid = (detail: string) => refuse({ code: 'invalid_request', detail });

export interface HomeState {
  config: HomeConfig;
  answers: boolean;
  /** null: it does not answer. */
  unfinishedMoves: number | null;
}

export async function listHomes(
  caller: ClientCaller,
  service: Service,
): Promise<Result<{ homes: HomeState[] }>> {
  const authorized = authorize(caller.client, 'operate');
  if (!authorized.ok) return authorized;
  const asked = service.homes(caller.meter);
  const { answered, unavailable } = await queryAll(asked, listUnfinished);
  const unfinished = new Map(answered.map(({ home, answer }) => [home.name, answer.length]));
  const homes = [...service.config.homes.values()].map((config) => ({
    config,
    answers: !unavailable.includes(config.name),
    unfinishedMoves: unfinished.get(config.name) ?? null,
  }));
  return { ok: true, homes };
}

/**
 * Moves some of those who live in a home that takes nobody new. To be called until `next` is null.
 */
export async function drainHome(
  caller: ClientCaller,
  service: Service,
  { home, after, limit }: { home: string; after: Cursor; limit: number },
): Promise<Result<{ moved: number; next: Cursor | null }>> {
  const authorized = authorize(caller.client, 'operate');
  if (!authorized.ok) return authorized;
  const { config, now } = service;
  const from = config.homes.get(home);
  if (from === undefined) return refuse({ code: 'not_found', detail: 'There is no such home' });
  if (from.newUsers !== 'none')
    return invalid('Set new_users of this home to none first, or others would come');
  const source = service.boundHome(from.name, caller.meter);
  const at = { policy: config.sessions, now: now() };
  const { subjects, next } = await listResidents(source, at, after, limit);
  for (const subject of subjects) {
    const to = await chooseNextHome(config.homes, from, subject);
    if (to === null)
      return invalid('There is no home of the same jurisdiction that takes new users');
    const target = service.boundHome(to, caller.meter);
    const events = await moveSubject(source, target, subject, moveContext(caller, service));
    report(caller, target, events);
  }
  return { ok: true, moved: subjects.length, next };
}

/** Moves a user to a home. Whether they were in another one. */
export async function moveUser(
  caller: ClientCaller,
  service: Service,
  { userId, home }: { userId: string; home: string },
): Promise<Result<{ moved: boolean }>> {
  const authorized = authorize(caller.client, 'operate');
  if (!authorized.ok) return authorized;
  const to = service.config.homes.get(home);
  if (to === undefined) return invalid('home is not one of this service');
  if (to.newUsers === 'none') return invalid('home takes no new users');
  const who = { user: { id: userId }, guest: null, keyHash: null };
  const userLocation = await locateUser(service.homes(caller.meter), who, service.now());
  assertAllAnswered(userLocation.unavailable);
  if (userLocation.home === null)
    return refuse({ code: 'not_found', detail: 'There is no such user' });
  await finishMoves(caller, service, userLocation);
  if (userLocation.home === to.name) return { ok: true, moved: false };
  const source = service.boundHome(userLocation.home, caller.meter);
  const target = service.boundHome(to.name, caller.meter);
  const events = await moveSubject(source, target, userId, moveContext(caller, service));
  report(caller, target, events);
  return { ok: true, moved: true };
}

/** Whose sessions: one user's, a home's, or everyone's. */
export type NotBeforeTarget = { userId: string } | { home: string } | 'everyone';

/**
 * Ends what began before a time, in seconds since 1970; null: now. Safe to repeat, and to be
 * repeated until every home has answered.
 */
export async function endSessionsBefore(
  caller: ClientCaller,
  service: Service,
  target: NotBeforeTarget,
  notBefore: number | null,
): Promise<Result<{ notBefore: Date }>> {
  const authorized = authorize(caller.client, 'operate');
  if (!authorized.ok) return authorized;
  const { config, now } = service;
  const only = typeof target === 'object' && 'home' in target ? target.home : null;
  if (only !== null && !config.homes.has(only)) return invalid('home is not one of this service');
  const second = notBefore ?? Math.floor(now() / 1000);
  // What begins from now on would be over as soon as it is there.
  if (second > now() / 1000) return invalid('not_before is in the future');
  const subject = typeof target === 'object' && 'userId' in target ? target.userId : EVERYONE;
  const asked = service.homes(caller.meter).filter(({ name }) => only === null || only === name);
  const { unavailable } = await queryAll(asked, (home) =>
    setNotBefore(home, subject, second * 1000),
  );
  assertAllAnswered(unavailable);
  return { ok: true, notBefore: new Date(second * 1000) };
}
