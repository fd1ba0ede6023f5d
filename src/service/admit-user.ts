/** The checks of a request with an access token, before any database is asked for it. */
import type { UserCaller } from './caller';
import { type Refused, SESSION_ENDED } from './refusal';
import type { Service } from './service';
import { throttleAccess } from './throttle';

/** Why the person's session is asked nothing; null: it is asked. */
export async function whyNotAdmitted(
  { accessToken: { sessionId } }: UserCaller,
  service: Service,
): Promise<Refused | null> {
  if (service.endedSessions.has(sessionId)) return SESSION_ENDED;
  return throttleAccess(service, sessionId);
}

/** The database said that the caller's session is over. */
export function callerEnded({ accessToken: { sessionId } }: UserCaller, service: Service): Refused {
  service.endedSessions.add(sessionId);
  return SESSION_ENDED;
}
