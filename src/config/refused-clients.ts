/**
 * Clients whose entry in CLIENTS has a mistake. On a developer's machine nothing runs until it is
 * mended. In production such a client alone is refused: it is no client, so that it has no secret,
 * no origin and no return URL, and all others work. Its requests are answered as while the service
 * is not configured (503), because nobody is signed out over a mistake in a configuration.
 */
import { ConfigError } from '../faults';
import type { Client, KnownClients } from './clients';

/** A client; undefined: CLIENTS has no entry of this id. Throws `ConfigError` for a refused one. */
export function findClient(
  { clients, refusedClients }: KnownClients,
  id: string,
): Client | undefined {
  const mistakes = refusedClients.get(id);
  if (mistakes !== undefined) throw new ConfigError(mistakes);
  return clients.get(id);
}

/**
 * The client whose session a cookie may be; null for any other, whose refresh tokens need a secret,
 * or a binding, that no cookie takes the place of. Throws `ConfigError` for a refused one.
 */
export function findBrowserClient(known: KnownClients, id: string): Client | null {
  const client = findClient(known, id);
  return client !== undefined && client.origins.length > 0 ? client : null;
}
