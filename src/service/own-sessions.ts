/** The operations of a person on their own sessions and security log, by an access token. */

import { type EventPage, type EventQuery, listOwnEvents } from '../security-log/read-events';
import { listOwnSessions, type Page, type SessionPage } from '../sessions/list';
import { findForOwner, type ReadSources } from '../sessions/read';
import type { Moved, Session } from '../sessions/session';
import { callerEnded, whyNotAdmitted } from './admit-user';
import type { UserCaller } from './caller';
import { whereCallerIs } from './follow-session';
import { type Result, SESSION_ENDED, UNKNOWN_SESSION } from './refusal';
import { ruleContextOf } from './report';
import type { Service } from './service';

export async function listSessions(
  caller: UserCaller,
  service: Service,
  page: Page,
): Promise<Result<{ page: SessionPage }>> {
  return readOwn(caller, service, (sources) =>
    listOwnSessions(sources, caller.accessToken, page, ruleContextOf(service)),
  );
}

export async function listEvents(
  caller: UserCaller,
  service: Service,
  query: EventQuery,
): Promise<Result<{ page: EventPage }>> {
  return readOwn(caller, service, (sources) =>
    listOwnEvents(sources, caller.accessToken, query, ruleContextOf(service)),
  );
}

/** Reads a page where the caller's session is; `read` gives null when it is over. */
async function readOwn<T>(
  caller: UserCaller,
  service: Service,
  read: (sources: ReadSources) => Promise<T | Moved | null>,
): Promise<Result<{ page: T }>> {
  const refused = await whyNotAdmitted(caller, service);
  if (refused !== null) return refused;
  const found = await whereCallerIs(caller, service, (home) =>
    read({ home, replica: service.replicaOf(home) }),
  );
  if (found === null) return SESSION_ENDED;
  const { result: page } = found;
  return page === null ? callerEnded(caller, service) : { ok: true, page };
}

/** Finds a live session of the person's: that of the access token itself, or another. */
export async function findOwnSession(
  caller: UserCaller,
  service: Service,
  sessionId: string,
): Promise<Result<{ session: Session }>> {
  const refused = await whyNotAdmitted(caller, service);
  if (refused !== null) return refused;
  const found = await whereCallerIs(caller, service, (home) =>
    findForOwner(home, caller.accessToken, sessionId, ruleContextOf(service)),
  );
  if (found === null) return SESSION_ENDED;
  const { own, session } = found.result;
  if (own === null) return callerEnded(caller, service);
  return session === null ? UNKNOWN_SESSION : { ok: true, session };
}
