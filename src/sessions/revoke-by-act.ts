/** Finds or ends one session, for a client that acts on other people. */
import { and, eq, exists, sql } from 'drizzle-orm';
import { type Home, transact } from '../db/d1';
import { userSessions } from '../db/schema';
import { type Act, recordAct } from '../security-log/audit';
import type { RecordedEvent } from '../security-log/record';
import { isReached } from './reach';
import { byAct, endOne, type Revocation } from './revocation';
import { isLive, MOVED, type Moved, type Session, selectSession } from './session';

/** The outcome of the act in one home. */
export interface EndedByAct {
  /** The session as it was before. */
  session: Session;
  /** The events; none where no session was live. */
  events: RecordedEvent[];
}

/**
 * Ends a session of a client that the act's grant reaches, of any user. The act is recorded where
 * it ends the session, and this home delivers it to the webhooks. null: this home has no such
 * session. One round trip.
 */
export async function revokeByAct(
  home: Home,
  act: Act<'manage_users'>,
  sessionId: string,
  revocation: Revocation,
): Promise<EndedByAct | Moved | null> {
  const target = and(eq(userSessions.id, sessionId), isReached(userSessions.clientId, act.grant));
  const live = home.db
    .select({ one: sql`1` })
    .from(userSessions)
    .where(and(target, isLive(revocation.policy, revocation.now)));
  const end = endOne(home, target, byAct(act), revocation);
  const {
    own: [session],
    events,
  } = await transact(home, () => ({
    own: selectSession(sessionId),
    act: recordAct(home, { ...act, outboxHome: home.name }, exists(live)),
    ...end,
  }));
  if (session === undefined) return null;
  return session.movedTo !== null ? MOVED : { session, events };
}
