/**
 * One session, by its id, for a backend: in which home it is, nothing says, so all are asked side
 * by side, and a session that has left one of them is followed.
 */

import type { Home } from '../db/d1';
import { assertAllAnswered, queryAll } from '../homes/query-all';
import type { ActReason } from '../security-log/audit';
import { findSession } from '../sessions/read';
import { revokeByAct } from '../sessions/revoke-by-act';
import type { KnownSession, Session } from '../sessions/session';
import { reportAct, toAct } from './acts';
import { authorize } from './authorize';
import type { Caller, ClientCaller } from './caller';
import { whereSessionIs } from './follow-session';
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
  const { session } = await whereverItIs(caller, service, sessionId, async (home) => ({
    session: await findSession(home, sessionId),
  }));
  return session !== null && authorized.grant.includes(session.clientId)
    ? { ok: true, session }
    : UNKNOWN_SESSION;
}

/**
 * Ends a session, a guest's too. Ending it twice is no error; `isEnded`: this time did it. Throws
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
  let isEnded = false;
  const { session } = await whereverItIs(caller, service, sessionId, async (home) => {
    const ended = await revokeByAct(home, act, sessionId, revocation);
    if (ended.events.length > 0) {
      report(caller, home, ended.events);
      reportAct(caller, { ...act, toldBy: home.name }, [{ home }]);
      isEnded = true;
    }
    return ended;
  });
  if (session === null || !grant.includes(session.clientId)) return UNKNOWN_SESSION;
  service.endedSessions.add(sessionId);
  return { ok: true, isEnded };
}

/** What the home says in which the session is; another one's, where it is in none. */
export async function whereverItIs<T extends { session: KnownSession | null }>(
  caller: Caller,
  service: Service,
  sessionId: string,
  run: (home: Home) => Promise<T>,
): Promise<T> {
  const { answered, unavailable } = await queryAll(service.homes(caller.meter), run);
  const found = answered.filter(({ answer }) => answer.session !== null);
  const here = found.find(({ answer: { session } }) => session?.movedTo === null);
  if (here !== undefined) return here.answer;
  assertAllAnswered(unavailable);
  const [first] = found.length > 0 ? found : answered;
  const { home, answer } = first as (typeof answered)[number];
  if (answer.session === null) return answer;
  // It left while the homes were asked.
  const start = { home, sessionId };
  const { result } = await whereSessionIs(caller, service, start, run, isGone);
  return result;
}

const isGone = ({ session }: { session: KnownSession | null }) => session?.movedTo != null;
