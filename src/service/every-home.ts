/** Acts on a user in every home, while the user's sessions may be on their way between two. */
import type { Home } from '../db/d1';
import { DatabaseUnavailableError } from '../faults';
import { locateUser, type UserLocation } from '../homes/location';
import { assertAllAnswered, queryAll } from '../homes/query-all';
import type { Act } from '../security-log/audit';
import { reportAct } from './acts';
import type { Caller } from './caller';
import { finishMoves } from './finish-moves';
import type { Service } from './service';

/**
 * Acts in every home, and again in all where sessions moved meanwhile, so `carryOut` has to be safe
 * to repeat. Throws `DatabaseUnavailableError` while a home does not answer; the act is reported of
 * those that did.
 */
export async function actInEveryHome(
  caller: Caller,
  service: Service,
  { userId, act }: { userId: string; act: Act },
  carryOut: (home: Home) => Promise<void>,
): Promise<void> {
  // Sessions that are on their way from one home to another are found where they arrive.
  const before = await finishMovesOf(caller, service, userId);
  const homes = service.homes(caller);
  const { results, unavailable } = await queryAll(homes, carryOut);
  reportAct(caller, act, results);
  assertAllAnswered(unavailable);
  if (homes.length === 1) return;
  // Sessions that left a home before it was asked, for one that had been asked already, were
  // missed.
  const userLocation = await findUser(caller, service, userId);
  assertAllAnswered(userLocation.unavailable);
  await finishMoves(caller, service, userLocation);
  if (hasMovedSince(before, userLocation))
    assertAllAnswered((await queryAll(homes, carryOut)).unavailable);
}

/**
 * Finishes the moves of a user that were begun, as far as the homes answer. Returns where the user
 * was before; null: there is only one home.
 */
export async function finishMovesOf(
  caller: Caller,
  service: Service,
  userId: string,
): Promise<UserLocation | null> {
  if (service.config.homes.size === 1) return null;
  const userLocation = await findUser(caller, service, userId);
  await finishMoves(caller, service, { ...userLocation, dueMoves: [] }).catch(unlessUnavailable);
  return userLocation;
}

/**
 * Whether sessions may have been in no home when each was asked, as the one they left answered late
 * and the one they came to early. A move may have begun and ended meanwhile.
 */
function hasMovedSince(before: UserLocation | null, now: UserLocation): boolean {
  return now.begunMoves.length + now.dueMoves.length > 0 || before?.home !== now.home;
}

function findUser(caller: Caller, service: Service, userId: string): Promise<UserLocation> {
  return locateUser(service.homes(caller), { user: { id: userId } }, service.now());
}

function unlessUnavailable(fault: unknown): void {
  if (!(fault instanceof DatabaseUnavailableError)) throw fault;
}
