/** A person signs out: here, there, or everywhere else. */

import type { RevokeResult } from '../sessions/revocation';
import { revokeCurrent, revokeOne } from '../sessions/revoke';
import { revokeOthers } from '../sessions/revoke-many';
import { callerEnded, whyNotAdmitted } from './admit-user';
import type { UserCaller } from './caller';
import { whereCallerIs } from './follow-session';
import { type Refused, type Result, refuse, SESSION_ENDED, UNKNOWN_SESSION } from './refusal';
import { report, revocationOf } from './report';
import type { Service } from './service';
import { throttleSignOut } from './throttle';

/** Ends the caller's own session. Ending it twice is no error. */
export async function endCurrent(caller: UserCaller, service: Service): Promise<Result<object>> {
  const { sessionId, clientId } = caller.accessToken;
  if (service.endedSessions.has(sessionId)) return { ok: true };
  const refused = await throttleSignOut(service, clientId, { sessionId });
  if (refused !== null) return refused;
  const ended = await whereCallerIs(caller, service, (home) =>
    revokeCurrent(home, caller.accessToken, revocationOf(caller, service)),
  );
  if (ended === null) return SESSION_ENDED;
  report(caller, ended.home, ended.result);
  service.endedSessions.add(sessionId);
  return { ok: true };
}

/** Ends one of the person's sessions, the caller's own included. */
export async function endOne(
  caller: UserCaller,
  service: Service,
  sessionId: string,
): Promise<Result<object>> {
  if (sessionId === caller.accessToken.sessionId) return endCurrent(caller, service);
  const refused = await whyNotAdmitted(caller, service);
  if (refused !== null) return refused;
  const ended = await whereCallerIs(caller, service, (home) =>
    revokeOne(home, caller.accessToken, sessionId, revocationOf(caller, service)),
  );
  if (ended === null) return SESSION_ENDED;
  const { home, result } = ended;
  if (!result.ok) return toOwnRefused(caller, service, result);
  report(caller, home, result.events);
  return { ok: true };
}

/** Ends all of the person's sessions but the caller's own. */
export async function endOthers(
  caller: UserCaller,
  service: Service,
): Promise<Result<{ revoked: number }>> {
  const refused = await whyNotAdmitted(caller, service);
  if (refused !== null) return refused;
  const ended = await whereCallerIs(caller, service, (home) =>
    revokeOthers(home, caller.accessToken, revocationOf(caller, service)),
  );
  if (ended === null) return SESSION_ENDED;
  const { home, result } = ended;
  if (!result.ok) return toOwnRefused(caller, service, result);
  const { events } = result;
  report(caller, home, events);
  return { ok: true, revoked: events.length };
}

/** The same by an access token; it is remembered that the token's session is over. */
function toOwnRefused(
  caller: UserCaller,
  service: Service,
  result: Extract<RevokeResult, { ok: false }>,
): Refused {
  return result.reason === 'caller_session_ended'
    ? callerEnded(caller, service)
    : toRevokeRefused(result, service);
}

/** Why a person's sessions were not ended, however the person was known. */
export function toRevokeRefused(
  { reason }: Extract<RevokeResult, { ok: false }>,
  { config }: Service,
): Refused {
  switch (reason) {
    case 'not_found':
      return UNKNOWN_SESSION;
    case 'actor_not_allowed':
      return refuse({ code: reason });
    case 'authentication_too_old':
      return refuse({
        code: 'insufficient_user_authentication',
        maxAgeSeconds: config.reauthenticateToRevokeSeconds ?? 0,
      });
    case 'caller_session_ended':
      return SESSION_ENDED;
  }
}
