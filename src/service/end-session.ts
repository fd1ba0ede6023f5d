/** Signs out by a token that names the session, wherever the session is now. */

import type { Home } from '../db/d1';
import type { RecordedEvent } from '../security-log/record';
import { revokeByClient } from '../sessions/revoke';
import type { Caller } from './caller';
import { whereSessionIs } from './follow-session';
import { report, revocationOf } from './report';
import type { Service } from './service';

/**
 * Ends the session of a verified access token. Returns what that wrote to the security log: nothing
 * when it was over already.
 */
export async function endByClient(
  caller: Caller,
  service: Service,
  home: Home,
  target: { sessionId: string; clientId: string },
): Promise<RecordedEvent[]> {
  if (service.endedSessions.has(target.sessionId)) return [];
  const ended = await whereSessionIs(
    caller,
    service,
    { home, sessionId: target.sessionId },
    (place) => revokeByClient(place, target, revocationOf(caller, service)),
  );
  if (ended === null) return [];
  report(caller, ended.home, ended.result);
  service.endedSessions.add(target.sessionId);
  return ended.result;
}

/** Whether that ended a live session. */
export function hasEnded(events: readonly RecordedEvent[]): boolean {
  return events.some(({ type }) => type === 'session_revoked');
}
