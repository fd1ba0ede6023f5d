/** Signing out by a token that names the session, wherever the session is now. */
import type { Home } from '../db/d1';
import type { RecordedEvent } from '../security-log/record';
import { findPresented } from '../sessions/presented';
import { revokeByClient } from '../sessions/revoke';
import type { ShownRefreshToken } from '../tokens/refresh-token';
import type { Caller } from './caller';
import { whereSessionIs } from './locate';
import { report, revocationOf } from './report';
import type { Service } from './service';

/**
 * Ends a session of a client. Returns what that wrote to the security log: nothing when it was over
 * already, or the token that names it may be forged and is not the one that it expects.
 */
export async function endByClient(
  caller: Caller,
  service: Service,
  home: Home,
  target: { sessionId: string; clientId: string; token: ShownRefreshToken | null },
): Promise<RecordedEvent[]> {
  const { sessionId, clientId, token } = target;
  if (token?.mayBeForged) {
    const { config, now } = service;
    const keyring = await service.keyring();
    const { result: presented } = await whereSessionIs(
      caller,
      service,
      { home, sessionId },
      (place) => findPresented(place, keyring, config.sessions, { token, clientId, now: now() }),
      (found) => !found.ok && found.reason === 'moved',
    );
    if (!presented.ok) return [];
  }
  const { home: at, result } = await whereSessionIs(
    caller,
    service,
    { home, sessionId },
    (place) => revokeByClient(place, { sessionId, clientId }, revocationOf(caller, service)),
    (events) => events.length === 0,
  );
  report(caller, at, result);
  return result;
}
