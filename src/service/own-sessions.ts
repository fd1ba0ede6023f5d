/** A person's own sessions and security log, as whoever holds an access token of theirs sees them. */
import type { EventPage, EventQuery } from '../security-log/read-events';
import { listOwnEvents } from '../security-log/read-events';
import { listOwnSessions, type Page, type SessionPage } from '../sessions/list';
import { findSession } from '../sessions/read';
import { checkSession, type Session } from '../sessions/session';
import type { UserCaller } from './caller';
import { whereCallerIs } from './locate';
import { type Result, refuse } from './refusal';
import type { Service } from './service';

export async function listSessions(
  caller: UserCaller,
  service: Service,
  page: Page,
): Promise<Result<{ page: SessionPage }>> {
  const { config, now } = service;
  const found = await whereCallerIs(
    caller,
    service,
    (home) => {
      const copies = { home, replica: service.replicaOf(home) };
      return listOwnSessions(copies, config.sessions, caller.accessToken, page, now());
    },
    (result) => result === null,
  );
  if (found === null || found.result === null) return sessionEnded;
  return { ok: true, page: found.result };
}

export async function listEvents(
  caller: UserCaller,
  service: Service,
  query: EventQuery,
): Promise<Result<{ page: EventPage }>> {
  const { config, now } = service;
  const found = await whereCallerIs(
    caller,
    service,
    (home) => {
      const copies = { home, replica: service.replicaOf(home) };
      return listOwnEvents(copies, config.sessions, caller.accessToken, query, now());
    },
    (result) => result === null,
  );
  if (found === null || found.result === null) return sessionEnded;
  return { ok: true, page: found.result };
}

/** The session of the access token itself. */
export async function findCurrentSession(
  caller: UserCaller,
  service: Service,
): Promise<Result<{ session: Session }>> {
  const found = await whereCallerIs(
    caller,
    service,
    (home) => findSession(home, caller.accessToken.sessionId),
    (session) => session?.movedTo != null,
  );
  const session = found?.result ?? null;
  const { config, now } = service;
  if (session === null || checkSession(session, config.sessions, now()) !== null)
    return sessionEnded;
  return { ok: true, session };
}

const sessionEnded = refuse({ code: 'session_ended', reason: null });
