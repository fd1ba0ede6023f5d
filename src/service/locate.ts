/**
 * Homes, as requests need them: following a session that moved, and an error that names who did not
 * answer.
 */
import type { Home } from '../db/d1';
import { DatabaseUnavailableError } from '../faults';
import { findForwarding } from '../homes/forwarding';
import type { UserLocation } from '../homes/location';
import { finishMove, type MoveContext, moveSubject } from '../homes/move';
import type { Caller, UserCaller } from './caller';
import { report, reportingOf } from './report';
import type { Service } from './service';

/** Moves that one request follows. More would be a circle. */
const MAX_HOPS = 3;

/**
 * Runs an operation on a session in the home that its token names; where it finds no live session
 * there, in the home that the session has moved to. With one home, and for everyone who has not
 * moved, it is run once and nothing else is asked.
 */
export async function whereSessionIs<T>(
  caller: Caller,
  service: Service,
  start: { home: Home; sessionId: string },
  run: (home: Home) => Promise<T>,
  isMissing: (result: T) => boolean,
): Promise<{ home: Home; result: T }> {
  let { home } = start;
  for (let hop = 1; ; hop += 1) {
    const result = await run(home);
    const next =
      isMissing(result) && hop <= MAX_HOPS
        ? await follow(caller, service, home, start.sessionId)
        : null;
    if (next === null) return { home, result };
    home = next;
  }
}

/** Runs an operation for a person, in the home that the session of their access token is in. */
export async function whereCallerIs<T>(
  caller: UserCaller,
  service: Service,
  run: (home: Home) => Promise<T>,
  isMissing: (result: T) => boolean,
): Promise<{ home: Home; result: T } | null> {
  const { sessionId, home: name } = caller.accessToken;
  const home = service.findHome(name, caller.meter);
  if (home === null) return null;
  return whereSessionIs(caller, service, { home, sessionId }, run, isMissing);
}

async function follow(
  caller: Caller,
  service: Service,
  home: Home,
  sessionId: string,
): Promise<Home | null> {
  if (service.config.homes.size === 1) return null;
  const forwarding = await findForwarding(home, sessionId);
  if (forwarding === null) return null;
  const target = service.findHome(forwarding.to, home.meter);
  if (target === null) logUnknownHome(caller);
  else if (forwarding.isUnfinished)
    report(
      caller,
      target,
      await finishMove(home, target, forwarding.subject, moveContext(caller, service)),
    );
  return target;
}

/**
 * Someone's tokens, or rows, name a home that is not bound any more: whoever removed it has to
 * know.
 */
export function logUnknownHome(caller: Caller): void {
  console.error(
    JSON.stringify({ level: 'error', event: 'unknown_home', request_id: caller.requestId }),
  );
}

export function moveContext(caller: Caller, { config, now }: Service): MoveContext {
  return { policy: config.sessions, reporting: reportingOf(caller, config), now: now() };
}

/** Brings a user to the one home that is theirs. */
export async function finishMoves(
  caller: Caller,
  service: Service,
  { userId, begun, due }: Pick<UserLocation, 'userId' | 'begun' | 'due'>,
): Promise<void> {
  for (const { from, to } of [...begun, ...due]) {
    const [source, target] = [from, to].map((name) => service.findHome(name, caller.meter));
    if (!source || !target || userId === null) continue;
    report(caller, target, await moveSubject(source, target, userId, moveContext(caller, service)));
    console.warn(
      JSON.stringify({
        level: 'warn',
        event: 'user_settled',
        request_id: caller.requestId,
        from,
        to,
      }),
    );
  }
}

/** Throws when a home that had to be asked did not answer. */
export function assertAllAnswered(unavailable: readonly string[]): void {
  if (unavailable.length > 0)
    throw new DatabaseUnavailableError(`no answer from ${unavailable.join(', ')}`, unavailable);
}
