/** Runs an operation where a session is now: its token names the home that it was in. */
import type { Home } from '../db/d1';
import { findForwarding } from '../homes/forwarding';
import { finishMove } from '../homes/move';
import { assertAllAnswered, queryAll } from '../homes/query-all';
import { MOVED, type Moved } from '../sessions/session';
import type { Caller, UserCaller } from './caller';
import { homeOf } from './home-of-token';
import { report, writeContextOf } from './report';
import type { Service } from './service';

/** Moves that one request follows. More would be a circle. */
const MAX_HOPS = 3;

/**
 * Runs a rule on a session in the home that its token names; where that answers `MOVED`, in the
 * home that the session has moved to. A session that has not moved costs one run. null: the session
 * moved to a home that this service does not have.
 */
export async function whereSessionIs<T>(
  caller: Caller,
  service: Service,
  { home: start, sessionId }: { home: Home; sessionId: string },
  run: (home: Home) => Promise<T | Moved>,
): Promise<{ home: Home; result: T } | null> {
  let home: Home | null = start;
  for (let hops = 0; home !== null && hops <= MAX_HOPS; hops += 1) {
    const result: T | Moved = await run(home);
    if (result !== MOVED) return { home, result };
    home = await follow(caller, service, home, sessionId);
  }
  return null;
}

/** Runs a rule for a person, in the home that the session of their access token is in. */
export async function whereCallerIs<T>(
  caller: UserCaller,
  service: Service,
  run: (home: Home) => Promise<T | Moved>,
): Promise<{ home: Home; result: T } | null> {
  const { sessionId, home: name } = caller.accessToken;
  const home = homeOf(caller, service, name);
  if (home === null) return null;
  return whereSessionIs(caller, service, { home, sessionId }, run);
}

/**
 * Runs a rule on a session whose home is unknown: in all homes side by side, of which one has it.
 * Throws `DatabaseUnavailableError` while a home in which it may be does not answer. null: it is in
 * none.
 */
export async function whereverItIs<T>(
  caller: Caller,
  service: Service,
  sessionId: string,
  run: (home: Home) => Promise<T | Moved | null>,
): Promise<{ home: Home; result: T } | null> {
  const { results, unavailable } = await queryAll(service.homes(caller), run);
  for (const { home, value } of results)
    if (value !== MOVED && value !== null) return { home, result: value };
  assertAllAnswered(unavailable);
  const left = results.find(({ value }) => value === MOVED);
  if (left === undefined) return null;
  // The session left while the homes were asked.
  const found = await whereSessionIs(caller, service, { home: left.home, sessionId }, run);
  if (found === null || found.result === null) return null;
  return { home: found.home, result: found.result };
}

async function follow(
  caller: Caller,
  service: Service,
  home: Home,
  sessionId: string,
): Promise<Home | null> {
  const forwarding = await findForwarding(home, sessionId);
  if (forwarding === null) return null;
  const target = homeOf(caller, service, forwarding.to);
  if (target !== null && forwarding.isUnfinished)
    report(
      caller,
      target,
      await finishMove(home, target, forwarding.subject, writeContextOf(caller, service)),
    );
  return target;
}
