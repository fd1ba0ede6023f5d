/**
 * Which home a new session begins in: where its user lives; of someone new, the home that the
 * backend names, else the one that knows the request already (a guest's, an idempotency key's),
 * else the nearest. With one home nothing is asked.
 */
import type { Home } from '../db/d1';
import { chooseHome } from '../homes/choose';
import { findResidence, type Who } from '../homes/location';
import { moveSubject } from '../homes/move';
import type { CreateResult } from '../sessions/create';
import type { AppContext } from './context';
import { ProblemError } from './errors';
import { assertAllAnswered, moveContext, settle } from './homes';
import { logEvents } from './reporting';
import type { Service } from './service';

interface Placement {
  home: Home;
  /** No home knows the user yet. */
  isFirst: boolean;
}

/**
 * Throws a problem for a home that is unknown, takes nobody new, or is not the user's, and when a
 * home is silent that may be.
 */
async function place(
  c: AppContext,
  service: Service,
  who: Who,
  { named, newUserId }: { named: string | null; newUserId: string | null },
): Promise<Placement> {
  const { homes } = service.config;
  if (named !== null && !homes.has(named))
    throw new ProblemError('invalid_request', 'home is not one of this service');
  if (homes.size === 1) return { home: service.defaultHome(c.get('meter')), isFirst: false };

  const isKnownSomewhere = who.user !== null || who.guestSessionId !== null || who.keyHash !== null;
  const residence = isKnownSomewhere
    ? await findResidence(service.homes(c.get('meter')), who)
    : null;
  if (residence?.home == null) {
    // Who is asked for may be known to a home that did not answer.
    assertAllAnswered(residence?.silent ?? []);
    const begun = residence?.keyHome ?? residence?.guestHome ?? null;
    const name =
      named ?? begun ?? (await chooseNearest(c, service, newUserId ?? crypto.randomUUID()));
    if (named !== null && homes.get(named)?.newUsers === 'none')
      throw new ProblemError('invalid_request', 'home takes no new users');
    const home = service.boundHome(name, c.get('meter'));
    await bringGuest(c, service, who.guestSessionId, residence?.guestHome ?? null, home);
    return { home, isFirst: who.user !== null };
  }
  if (named !== null && named !== residence.home)
    throw new ProblemError('user_has_other_home', undefined, {}, { home: residence.home });
  if (residence.keyHome !== null && residence.keyHome !== residence.home)
    throw new ProblemError('idempotent_session_moved_on');
  const home = service.boundHome(residence.home, c.get('meter'));
  await settle(c, service, residence);
  await bringGuest(c, service, who.guestSessionId, residence.guestHome, home);
  return { home, isFirst: false };
}

/** Tries, when the user moves away between the question and the create. */
const MAX_TRIES = 3;

/** Starts a session where it belongs. Returns the home that it is in. */
export async function startWhereItBelongs(
  c: AppContext,
  service: Service,
  who: Who,
  choice: { named: string | null; newUserId: string | null },
  start: (home: Home) => Promise<CreateResult>,
): Promise<{ home: Home; result: CreateResult }> {
  for (let attempt = 1; ; attempt += 1) {
    const placement = await place(c, service, who, choice);
    const result = await start(placement.home);
    if (!result.ok && result.reason === 'user_moved' && attempt < MAX_TRIES) continue;
    if (!result.ok) return { home: placement.home, result };
    logEvents(c, placement.home, result.events);
    return {
      home: placement.isFirst ? await settleFirst(c, service, who, placement.home) : placement.home,
      result,
    };
  }
}

/**
 * After a user's first session: whether another region began one at the same time. Then everyone
 * comes to the same home, and this session may have moved there. A home that does not answer now is
 * asked again at the next sign-in.
 */
async function settleFirst(c: AppContext, service: Service, who: Who, home: Home): Promise<Home> {
  const residence = await findResidence(service.homes(c.get('meter')), who);
  await settle(c, service, residence);
  return residence.home === null ? home : service.boundHome(residence.home, c.get('meter'));
}

/** The name of the home for someone new. */
function chooseNearest(c: AppContext, { config }: Service, subject: string): Promise<string> {
  const { cf = null } = c.req.raw as { cf?: Record<string, unknown> };
  return chooseHome(config.homes, { subject, cf });
}

/** A guest who becomes a user comes along, so that one transaction can do both. */
async function bringGuest(
  c: AppContext,
  service: Service,
  guestSessionId: string | null,
  from: string | null,
  home: Home,
): Promise<void> {
  if (guestSessionId === null || from === null || from === home.name) return;
  logEvents(
    c,
    home,
    await moveSubject(
      service.boundHome(from, c.get('meter')),
      home,
      guestSessionId,
      moveContext(c, service),
    ),
  );
}
