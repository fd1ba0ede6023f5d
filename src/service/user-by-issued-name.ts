/**
 * Finds a person by their name at an identity provider: an issuer, and a subject of it (OpenID
 * Connect Core §2). The same pair is the same person, whether a backend or an ID token says it.
 */
import type { Capability } from '../config/clients';
import { locateUser } from '../homes/location';
import { assertAllAnswered, queryAll } from '../homes/query-all';
import { findNamedUser, type IssuedName, type NamedUser, toUserId } from '../sessions/people';
import { authorize } from './authorize';
import type { ClientCaller } from './caller';
import { type Refused, type Result, refuse } from './refusal';
import type { Service } from './service';
import { throttleClient } from './throttle';

const UNKNOWN_USER = refuse({ code: 'not_found', detail: 'There is no such user' });

/**
 * The user whom a call is about. A person who was never seen has the id that they would get, by
 * which nothing is found. One round trip a home.
 */
export async function identifyUser(
  caller: ClientCaller,
  service: Service,
  capability: Capability,
  name: IssuedName,
): Promise<Result<{ userId: string }>> {
  const authorized = authorize(caller.client, capability);
  if (!authorized.ok) return authorized;
  const throttled = await throttleName(caller, service, name);
  if (throttled !== null) return throttled;
  const { userId } = await locateUser(service.homes(caller), { user: name }, service.now());
  return { ok: true, userId: userId ?? (await toUserId(name)) };
}

/**
 * Finds the user of a name at an issuer. A backend sees a user only through sessions that it may
 * see. Throws `DatabaseUnavailableError` where a home does not answer and no other knows the user.
 */
export async function findUserByName(
  caller: ClientCaller,
  service: Service,
  name: IssuedName,
): Promise<Result<{ user: NamedUser }>> {
  const authorized = authorize(caller.client, 'manage_users');
  if (!authorized.ok) return authorized;
  const throttled = await throttleName(caller, service, name);
  if (throttled !== null) return throttled;
  const { results, unavailable } = await queryAll(service.homes(caller), (home) =>
    findNamedUser(home, authorized.grant, name),
  );
  // Where several homes have the user, the row that was made first is the user's.
  const [user] = results
    .flatMap(({ value }) => value ?? [])
    .sort((a, b) => a.createdAt.getTime() - b.createdAt.getTime());
  if (user !== undefined) return { ok: true, user };
  assertAllAnswered(unavailable);
  return UNKNOWN_USER;
}

async function throttleName(
  caller: ClientCaller,
  service: Service,
  name: IssuedName,
): Promise<Refused | null> {
  return throttleClient(caller, service, JSON.stringify([name.issuer, name.subject]));
}
