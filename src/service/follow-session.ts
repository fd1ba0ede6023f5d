/** Running an operation where a session is now: its token names the home that it was in. */
import type { Home } from '../db/d1';
import { findForwarding } from '../homes/forwarding';
import { finishMove } from '../homes/move';
import type { Caller, UserCaller } from './caller';
import { moveContext } from './finish-moves';
import { report } from './report';
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
