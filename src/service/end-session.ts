/** Signing out by a token that names the session, wherever the session is now. */
import type { Home } from '../db/d1';
import type { RecordedEvent } from '../security-log/record';
import { revokeByClient } from '../sessions/revoke';
import type { Caller } from './caller';
import { whereSessionIs } from './locate';
import { report, revocationOf } from './report';
import type { Service } from './service';

/**
 * Ends a session of a client, which a verified access token names. Returns what that wrote to the security log: nothing when it was over
 * already, or the token that names it may be forged and is not the one that it expects.
 */
export async function endByClient(
  caller: Caller,
  service: Service,
  home: Home,
  target: { sessionId: string; clientId: string },
): Promise<RecordedEvent[]> {
  if (service.endedSessions.has(target.sessionId)) return [];
  const { home: at, result } = await whereSessionIs(
    caller,
    service,
    { home, sessionId: target.sessionId },
    (place) => revokeByClient(place, target, revocationOf(caller, service)),
    (events) => events.length === 0,
  );
  report(caller, at, result);
  service.endedSessions.add(target.sessionId);
  return result;
}

/** Whether that ended the session, or it was over already. */
export function hasEnded(events: readonly RecordedEvent[]): boolean {
  return events.some(({ type }) => type === 'session_revoked');
}
