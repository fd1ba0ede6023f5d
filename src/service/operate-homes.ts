/**
 * The operations on homes, for operators: they see them, move people between them, and set a
 * not-before.
 */

import type { HomeConfig } from '../config/homes';
import { DEFAULT_HOME } from '../db/d1';
import { EVERYONE } from '../db/schema';
import { chooseNextHome } from '../homes/choose';
import { locateUser } from '../homes/location';
import { moveSubject } from '../homes/move';
import { assertAllAnswered, queryAll } from '../homes/query-all';
import { type Cursor, listResidents, listUnfinished } from '../homes/residents';
import type { ActReason, Target } from '../security-log/audit';
import { setNotBefore } from '../sessions/not-before';
import { reportAct, toAct } from './acts';
import { authorize } from './authorize';
import type { ClientCaller } from './caller';
import { finishMoves } from './finish-moves';
import { invalid, type Result, refuse } from './refusal';
import { report, ruleContextOf, writeContextOf } from './report';
import type { Service } from './service';

export interface HomeState {
  config: HomeConfig;
  answers: boolean;
  /** null: the home does not answer. */
  unfinishedMoves: number | null;
}

export async function listHomes(
  caller: ClientCaller,
  service: Service,
): Promise<Result<{ homes: HomeState[] }>> {
  const authorized = authorize(caller.client, 'operate');
  if (!authorized.ok) return authorized;
  const { results, unavailable } = await queryAll(service.homes(caller), listUnfinished);
  const unfinished = new Map(results.map(({ home, value }) => [home.name, value.length]));
  const homes = [...service.config.homes.values()].map((config) => ({
    config,
    answers: !unavailable.includes(config.name),
    unfinishedMoves: unfinished.get(config.name) ?? null,
  }));
  return { ok: true, homes };
}

/** Moves some residents of a home that takes nobody new. To be called until `next` is null. */
export async function drainHome(
  caller: ClientCaller,
  service: Service,
  { home, after, limit }: { home: string; after: Cursor; limit: number },
  reason: ActReason | null,
): Promise<Result<{ moved: number; next: Cursor | null }>> {
  const authorized = authorize(caller.client, 'operate');
  if (!authorized.ok) return authorized;
  const { config } = service;
  const from = config.homes.get(home);
  if (from === undefined) return refuse({ code: 'not_found', detail: 'There is no such home' });
  if (from.newUsers !== 'none')
    return invalid('Set new_users of this home to none first, or others would come');
  const source = service.boundHome(from.name, caller);
  const at = ruleContextOf(service);
  const { subjects, next } = await listResidents(source, authorized.grant, { after, limit }, at);
  const act = await toAct(caller, service, authorized.grant, {
    type: 'home_drained',
    target: { type: 'home', id: from.name },
    reason,
    outboxHome: from.name,
  });
  for (const subject of subjects) {
    const to = await chooseNextHome(config.homes, from, subject);
    if (to === null)
      return invalid('There is no home of the same jurisdiction that takes new users');
    const target = service.boundHome(to, caller);
    const context = writeContextOf(caller, service);
    const events = await moveSubject(source, target, { subject, act }, context);
    report(caller, target, events);
  }
  if (subjects.length > 0) reportAct(caller, act, [{ home: source }]);
  return { ok: true, moved: subjects.length, next };
}

/** Moves a user to a home. Returns whether they were in another one. */
export async function moveUser(
  caller: ClientCaller,
  service: Service,
  { userId, home }: { userId: string; home: string },
  reason: ActReason | null,
): Promise<Result<{ moved: boolean }>> {
  const authorized = authorize(caller.client, 'operate');
  if (!authorized.ok) return authorized;
  const to = service.config.homes.get(home);
  if (to === undefined) return invalid('home is not one of this service');
  if (to.newUsers === 'none') return invalid('home takes no new users');
  const userLocation = await locateUser(
    service.homes(caller),
    { user: { id: userId } },
    service.now(),
  );
  assertAllAnswered(userLocation.unavailable);
  if (userLocation.home === null)
    return refuse({ code: 'not_found', detail: 'There is no such user' });
  await finishMoves(caller, service, userLocation);
  if (userLocation.home === to.name) return { ok: true, moved: false };
  const source = service.boundHome(userLocation.home, caller);
  const target = service.boundHome(to.name, caller);
  const act = await toAct(caller, service, authorized.grant, {
    type: 'user_moved',
    target: { type: 'user', id: userId },
    reason,
    facts: { from: source.name, to: target.name },
    outboxHome: source.name,
  });
  const context = writeContextOf(caller, service);
  const events = await moveSubject(source, target, { subject: userId, act }, context);
  report(caller, target, events);
  reportAct(caller, act, [{ home: source }]);
  return { ok: true, moved: true };
}

/** The sessions that a not-before is for: one user's, a home's, or everyone's. */
export type NotBeforeTarget = { userId: string } | { home: string } | 'everyone';

/**
 * Ends sessions that began before a time, in seconds since 1970; null: now. Safe to repeat, and to
 * be repeated until every home has answered.
 */
export async function endSessionsBefore(
  caller: ClientCaller,
  service: Service,
  { target, notBefore }: { target: NotBeforeTarget; notBefore: number | null },
  reason: ActReason | null,
): Promise<Result<{ notBefore: Date }>> {
  const authorized = authorize(caller.client, 'operate');
  if (!authorized.ok) return authorized;
  const { config, now } = service;
  const only = typeof target === 'object' && 'home' in target ? target.home : null;
  if (only !== null && !config.homes.has(only)) return invalid('home is not one of this service');
  const second = notBefore ?? Math.floor(now() / 1000);
  // Sessions that begin between now and then would be over as soon as they begin.
  if (second > now() / 1000) return invalid('not_before is in the future');
  const subject = typeof target === 'object' && 'userId' in target ? target.userId : EVERYONE;
  const homes = service.homes(caller).filter(({ name }) => only === null || only === name);
  const act = await toAct(caller, service, authorized.grant, {
    type: 'not_before_set',
    target: toTarget(target),
    reason,
    facts: { not_before: second },
    outboxHome: only ?? DEFAULT_HOME,
  });
  const { results, unavailable } = await queryAll(homes, (home) =>
    setNotBefore(home, act, subject, second * 1000),
  );
  reportAct(caller, act, results);
  assertAllAnswered(unavailable);
  return { ok: true, notBefore: new Date(second * 1000) };
}

function toTarget(target: NotBeforeTarget): Target {
  if (target === 'everyone') return { type: 'everyone' };
  if ('userId' in target) return { type: 'user', id: target.userId };
  return { type: 'home', id: target.home };
}
