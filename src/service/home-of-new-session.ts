/**
 * Which home a new session begins in: where its user lives; of someone new, the home that the
 * backend names, else the one that knows the request already (a guest's, an idempotency key's),
 * else the nearest. With one home nothing is asked. A backend that names another home than the
 * user's is refused: `user_has_other_home`, over HTTP 409 (http/errors.ts).
 */

import type { Home } from '../db/d1';
import { chooseHome } from '../homes/choose';
import { type LookupKeys, locateUser } from '../homes/location';
import { moveSubject } from '../homes/move';
import { assertAllAnswered } from '../homes/query-all';
import type { RecordedEvent } from '../security-log/record';
import type { Caller } from './caller';
import { finishMoves } from './finish-moves';
import { invalid, type Result, refuse } from './refusal';
import { report, writeContextOf } from './report';
import type { Service } from './service';

interface PlacementRequest {
  keys: LookupKeys;
  /** The home that the backend names for someone new. */
  named?: string | null;
  /** The id that a new user would have; null: not known yet, or a guest's session. */
  newUserId: string | null;
}

interface Placement {
  home: Home;
  /** Whether no home knows the user yet. */
  isFirst: boolean;
}

/**
 * Refuses a home that is unknown, takes nobody new, or is not the user's. Throws when a home that
 * may be the user's does not answer.
 */
async function place(
  caller: Caller,
  service: Service,
  { keys, named = null, newUserId }: PlacementRequest,
): Promise<Result<Placement>> {
  const { homes } = service.config;
  if (named !== null && !homes.has(named)) return invalid('home is not one of this service');
  if (homes.size === 1) return { ok: true, home: service.defaultHome(caller), isFirst: false };

  const isKnownSomewhere = keys.user !== null || keys.guest !== null || keys.keyHash !== null;
  const userLocation = isKnownSomewhere
    ? await locateUser(service.homes(caller), keys, service.now())
    : null;
  if (userLocation?.home == null) {
    // A home that did not answer may know the user, guest or key.
    assertAllAnswered(userLocation?.unavailable ?? []);
    const knownHome = userLocation?.keyHome ?? userLocation?.guestHome ?? null;
    const name =
      named ??
      knownHome ??
      (await chooseNearest(caller, service, newUserId ?? crypto.randomUUID()));
    if (named !== null && homes.get(named)?.newUsers === 'none')
      return invalid('home takes no new users');
    const home = service.boundHome(name, caller);
    const from = userLocation?.guestHome ?? null;
    await bringGuest(caller, service, { guest: keys.guest, from }, home);
    return { ok: true, home, isFirst: keys.user !== null };
  }
  if (named !== null && named !== userLocation.home)
    return refuse({ code: 'user_has_other_home', home: userLocation.home });
  if (userLocation.keyHome !== null && userLocation.keyHome !== userLocation.home)
    return refuse({ code: 'idempotent_session_moved_on' });
  const home = service.boundHome(userLocation.home, caller);
  await finishMoves(caller, service, userLocation);
  await bringGuest(caller, service, { guest: keys.guest, from: userLocation.guestHome }, home);
  return { ok: true, home, isFirst: false };
}

/** How often a home is chosen, where the user moves away before the create. */
const MAX_TRIES = 3;

/**
 * Starts a session where it belongs; `start` gives what was created there, or refuses. Returns the
 * home that the session is in.
 */
export async function startWhereItBelongs<T extends { events: readonly RecordedEvent[] }>(
  caller: Caller,
  service: Service,
  request: PlacementRequest,
  start: (home: Home) => Promise<Result<T>>,
): Promise<Result<T & { home: Home }>> {
  for (let attempt = 1; ; attempt += 1) {
    const placement = await place(caller, service, request);
    if (!placement.ok) return placement;
    const started = await start(placement.home);
    const hasMoved = !started.ok && started.refusal.code === 'user_moved';
    if (hasMoved && attempt < MAX_TRIES) continue;
    if (!started.ok) return started;
    report(caller, placement.home, started.events);
    const home = placement.isFirst
      ? await resolveDuplicateHome(caller, service, request.keys, placement.home)
      : placement.home;
    return { ...started, home };
  }
}

/**
 * Finds out, after a user's first session, whether another region began one at the same time. Then
 * all requests come to the same home, and this session may have moved there. A home that does not
 * answer now is asked again at the next sign-in.
 */
async function resolveDuplicateHome(
  caller: Caller,
  service: Service,
  keys: LookupKeys,
  home: Home,
): Promise<Home> {
  const userLocation = await locateUser(service.homes(caller), keys, service.now());
  await finishMoves(caller, service, userLocation);
  return userLocation.home === null ? home : service.boundHome(userLocation.home, caller);
}

/** Chooses the home of a new user, and returns its name. */
function chooseNearest(caller: Caller, { config }: Service, subject: string): Promise<string> {
  return chooseHome(config.homes, { subject, cf: caller.device.cf });
}

/** Brings a guest who becomes a user to the user's home, so that one transaction can do both. */
async function bringGuest(
  caller: Caller,
  service: Service,
  { guest, from }: { guest: LookupKeys['guest']; from: string | null },
  home: Home,
): Promise<void> {
  if (guest === null || from === null || from === home.name) return;
  report(
    caller,
    home,
    await moveSubject(
      service.boundHome(from, caller),
      home,
      { subject: guest.sessionId },
      writeContextOf(caller, service),
    ),
  );
}
