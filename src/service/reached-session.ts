/**
 * Finds one session by its id, for a backend. Nothing says which home it is in, so all are asked
 * side by side, and a session that has left one of them is followed.
 */

import type { ActReason } from '../security-log/audit';
import { findSession } from '../sessions/read';
import { revokeByAct } from '../sessions/revoke-by-act';
import type { Session } from '../sessions/session';
import { reportAct, toAct } from './acts';
import { authorize } from './authorize';
import type { ClientCaller } from './caller';
import { whereverItIs } from './follow-session';
import { type Result, UNKNOWN_SESSION } from './refusal';
import { report, revocationOf } from './report';
import type { Service } from './service';
import { throttleClient, throttleEnding } from './throttle';

/** A session that is not purged yet, whether it is live or over. */
export async function findReached(
  caller: ClientCaller,
  service: Service,
  sessionId: string,
): Promise<Result<{ session: Session }>> {
  const authorized = authorize(caller.client, 'manage_users');
  if (!authorized.ok) return authorized;
  const throttled = await throttleClient(caller, service, sessionId);
  if (throttled !== null) return throttled;
  const found = await whereverItIs(caller, service, sessionId, (home) =>
    findSession(home, sessionId),
  );
  return found !== null && authorized.grant.includes(found.result.clientId)
    ? { ok: true, session: found.result }
    : UNKNOWN_SESSION;
}

/**
 * Ends a session, a guest's too. Ending it twice is no error; `isEnded`: this call ended it. Throws
 * `DatabaseUnavailableError` while a home in which it may be does not answer.
 */
export async function endReached(
  caller: ClientCaller,
  service: Service,
  sessionId: string,
  reason: ActReason | null,
): Promise<Result<{ isEnded: boolean }>> {
  const authorized = authorize(caller.client, 'manage_users');
  if (!authorized.ok) return authorized;
  const { grant } = authorized;
  const throttled = await throttleEnding(caller, service, sessionId);
  if (throttled !== null) return throttled;
  const act = await toAct(caller, service, grant, {
    type: 'session_signed_out',
    target: { type: 'session', id: sessionId },
    reason,
  });
  const revocation = revocationOf(caller, service);
  const found = await whereverItIs(caller, service, sessionId, (home) =>
    revokeByAct(home, act, sessionId, revocation),
  );
  if (found === null) return UNKNOWN_SESSION;
  const { home, result } = found;
  const isEnded = result.events.length > 0;
  report(caller, home, result.events);
  if (isEnded) reportAct(caller, { ...act, outboxHome: home.name }, [{ home }]);
  if (!grant.includes(result.session.clientId)) return UNKNOWN_SESSION;
  service.endedSessions.add(sessionId);
  return { ok: true, isEnded };
}
