/**
 * The client id in the log line of a client that could not prove who it is. A caller may have put
 * anything in its place, also its secret or a person's address, so an id that the configuration
 * does not know has to look like a client id and like nothing else.
 */
import { CLIENT_ID, type Client } from '../../config/clients';
import { equalDigests, sha256 } from '../../crypto';
import type { Credentials } from './basic-credentials';

/**
 * The form of such an id: shorter than any token and than the secrets that this service asks for,
 * and without the `@` of an e-mail address.
 */
const UNKNOWN_CLIENT_ID = /^[A-Za-z0-9._-]{1,31}$/;

/** A well-formed claim; null: there is none, so no client could have it. */
export function readClaim(id: string | undefined): string | null {
  return id !== undefined && CLIENT_ID.test(id) ? id : null;
}

/**
 * The claim as the log may have it. undefined: it could be a secret, or its readings differ, so
 * that any of them may be a part of one.
 */
export async function loggableClaim(
  readings: readonly Credentials[],
  clients: ReadonlyMap<string, Client>,
): Promise<string | undefined> {
  const known = readings.find(({ id }) => clients.has(id));
  if (known !== undefined) return known.id;
  const claim = readings[0]?.id;
  if (claim === undefined || !UNKNOWN_CLIENT_ID.test(claim)) return undefined;
  if (readings.some(({ id, secret }) => id !== claim || secret === claim)) return undefined;
  const digest = await sha256(claim);
  const isSecret = [...clients.values()].some(({ secretHashes }) =>
    secretHashes.some((hash) => equalDigests(hash, digest)),
  );
  return isSecret ? undefined : claim;
}
