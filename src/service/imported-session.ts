/** Whose session the token of another system is the first refresh token of. */
import { sha256 } from '../crypto';
import type { Home } from '../db/d1';
import { adoptImported } from '../sessions/adopt-imported';
import type { SessionWithNotBefore } from '../sessions/session';
import { toImportedTokens } from '../tokens/imported-token';
import type { ShownRefreshToken } from '../tokens/refresh-token';
import type { Caller } from './caller';
import { whereverItIs } from './follow-session';
import type { Refused } from './refusal';
import type { Service } from './service';
import { throttleToken } from './throttle';

/** Whether such tokens are accepted. Where they are not, no database is asked for one. */
export function areImportedTaken({ config, now }: Service): boolean {
  return now() < (config.importedSessionsUntil?.getTime() ?? 0);
}

export type ShownImported = { home: Home; session: SessionWithNotBefore; token: ShownRefreshToken };

/**
 * The session, live or over, with the token as one of this service's own. One round trip a home,
 * and two while a SESSION_SECRET is being replaced. null: the client has no such session. Throws
 * `DatabaseUnavailableError` while a home in which it may be does not answer.
 */
export async function showImported(
  caller: Caller,
  service: Service,
  clientId: string,
  presented: string,
): Promise<ShownImported | Refused | null> {
  if (!areImportedTaken(service)) return null;
  const { sessions } = service.config;
  const as = { clientId, now: service.now() };
  for (const imported of await toImportedTokens(await service.keyring(), await sha256(presented))) {
    const { sessionId } = imported;
    const shown = { ...imported, expiresAt: null, mayBeForged: false };
    const throttled = await throttleToken(service, { ...shown, home: '' });
    if (throttled !== null) return throttled;
    const found = await whereverItIs(caller, service, sessionId, (home) =>
      adoptImported(home, sessions, imported, as),
    );
    if (found === null) continue;
    const { home, result: session } = found;
    return { home, session, token: { ...shown, home: home.name } };
  }
  return null;
}
