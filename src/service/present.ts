/** Presents a refresh token, wherever its session is now. */

import type { Home } from '../db/d1';
import type { RecordedEvent } from '../security-log/record';
import {
  type Presentation,
  type PresentedResult,
  presentToken,
  revokePresented,
} from '../sessions/presented';
import type { RefreshPolicy } from '../sessions/refresh-case';
import type { Moved, SessionWithNotBefore } from '../sessions/session';
import type { Caller } from './caller';
import { whereSessionIs } from './follow-session';
import { report, reportingOf, revocationOf } from './report';
import type { Service } from './service';

/** The policy by which refreshes of a client's sessions are decided. */
export function refreshPolicyOf({ config }: Service, clientId: string | null): RefreshPolicy {
  return {
    sessions: config.sessions,
    risk: config.clients.get(clientId ?? '')?.riskPolicy ?? config.risk.policy,
    lostAnswerSeconds: config.risk.lostAnswerSeconds,
  };
}

export interface PresentedHere extends Presentation {
  /** What was just read of the session in this home; undefined: nothing was. */
  known?: SessionWithNotBefore | Moved | null;
}

/** The live session of an authentic token, weighed as a refresh would weigh it. */
export async function present(
  caller: Caller,
  service: Service,
  home: Home,
  presentation: PresentedHere,
): Promise<{ home: Home; result: PresentedResult }> {
  const context = {
    keyring: await service.keyring(),
    policy: refreshPolicyOf(service, presentation.clientId),
    reporting: reportingOf(caller, service.config),
    now: service.now(),
  };
  const found = await whereSessionIs(
    caller,
    service,
    { home, sessionId: presentation.token.sessionId },
    (place) => {
      const read = place === home ? presentation.known : undefined;
      return presentToken(place, presentation, context, read);
    },
  );
  if (found === null) return { home, result: { ok: false, reason: 'unknown_session', events: [] } };
  report(caller, found.home, found.result.events);
  return found;
}

/**
 * Ends the session of an authentic token. Returns the events that this wrote to the security log:
 * no `session_revoked` when it was over already.
 */
export async function endPresented(
  caller: Caller,
  service: Service,
  home: Home,
  presentation: Presentation & { clientId: string },
): Promise<RecordedEvent[]> {
  // A token that a leaked SESSION_SECRET may have signed proves nothing, unless a refresh would
  // accept it.
  if (presentation.token.mayBeForged) {
    const { result: presented } = await present(caller, service, home, presentation);
    if (!presented.ok) return [];
  }
  const context = {
    keyring: await service.keyring(),
    policy: refreshPolicyOf(service, presentation.clientId),
  };
  const ended = await whereSessionIs(
    caller,
    service,
    { home, sessionId: presentation.token.sessionId },
    (place) => revokePresented(place, presentation, context, revocationOf(caller, service)),
  );
  if (ended === null) return [];
  report(caller, ended.home, ended.result);
  return ended.result;
}
