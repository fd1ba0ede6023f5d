/** Finds the session whose first refresh token is a token of another system. */
import { isPublic } from '../config/clients';
import { sha256 } from '../crypto';
import type { Home } from '../db/d1';
import { type Adopted, adoptImported } from '../sessions/adopt-imported';
import { toImportedTokens } from '../tokens/imported-token';
import type { VerifiedRefreshToken } from '../tokens/refresh-token';
import type { Caller, ClientCaller } from './caller';
import { whereverItIs } from './follow-session';
import type { Result } from './refusal';
import type { Service } from './service';
import { throttleFailure, throttleToken } from './throttle';

/**
 * Whether tokens of another system are accepted. Where they are not, no database is asked for one.
 */
export function areImportedTaken({ config, now }: Service): boolean {
  return now() < (config.importedSessionsUntil?.getTime() ?? 0);
}

/**
 * A verified token and its home. `adopted`: the session that began in another system; null: the
 * token is one of ours.
 */
export type VerifiedToken<A = Adopted | null> = Result<{
  home: Home;
  token: VerifiedRefreshToken;
  adopted: A;
}>;

/**
 * Verifies a token of another system, and gives it as one of this service's own, with its session,
 * live or over. One round trip a home, and two while a SESSION_SECRET is being replaced. null: the
 * client has no such session. Throws `DatabaseUnavailableError` while a home that may have it does
 * not answer.
 */
export async function verifyImported(
  caller: Caller & Partial<ClientCaller>,
  service: Service,
  clientId: string,
  refreshToken: string,
): Promise<VerifiedToken<Adopted> | null> {
  if (!areImportedTaken(service)) return null;
  const { clients, sessions } = service.config;
  const { client = clients.get(clientId) } = caller;
  // Only the database can tell an imported token from one that somebody made up.
  const braked =
    client && isPublic(client)
      ? await throttleFailure(caller, service, clientId, service.rateLimits.sessionRefreshes)
      : null;
  if (braked !== null) return braked;
  const as = { clientId, now: service.now() };
  for (const imported of await toImportedTokens(
    await service.keyring(),
    await sha256(refreshToken),
  )) {
    const { sessionId } = imported;
    const shown = { ...imported, home: '', expiresAt: null, mayBeForged: false };
    const throttled = await throttleToken(service, shown);
    if (throttled !== null) return throttled;
    const found = await whereverItIs(caller, service, sessionId, (home) =>
      adoptImported(home, sessions, imported, as),
    );
    if (found === null) continue;
    const { home, result: adopted } = found;
    return { ok: true, home, token: { ...shown, home: home.name }, adopted };
  }
  return null;
}
