/**
 * An access token whose session is over. This isolate refuses it without a database where it knows;
 * else the operation's own statement finds out (sessions/read.ts for what is read, may-end.ts for
 * what is ended, update-sessions.ts for labels), and tells it here. Over HTTP it is 401
 * `invalid_token` (`bearerProblem`, http/errors.ts).
 */
import type { UserCaller } from './caller';
import { type Refused, SESSION_ENDED } from './refusal';
import type { Service } from './service';
import { throttleAccess } from './throttle';

/** Why the database is not asked about the person's session; null: it is asked. */
export async function whyNotAdmitted(
  { accessToken: { sessionId } }: UserCaller,
  service: Service,
): Promise<Refused | null> {
  if (service.endedSessions.has(sessionId)) return SESSION_ENDED;
  return throttleAccess(service, sessionId);
}

/** Remembers that the caller's session is over, because the database said so. */
export function callerEnded({ accessToken: { sessionId } }: UserCaller, service: Service): Refused {
  service.endedSessions.add(sessionId);
  return SESSION_ENDED;
}
