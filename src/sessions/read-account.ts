/**
 * What the "Your devices" page shows of a person: their active sessions and what happened lately.
 */
import { and } from 'drizzle-orm';
import type { SessionPolicy } from '../config/config';
import { transact } from '../db/d1';
import {
  type EventQuery,
  type SessionEvent,
  selectEvents,
  toEventPage,
} from '../security-log/read-events';
import { type SessionPage, selectPage, toPage } from './list';
import { belongsTo } from './may-end';
import { type Copies, readFor } from './read';
import { isLive, type Session, selectSession } from './session';

export interface Account {
  devices: SessionPage;
  activity: { events: SessionEvent[]; next: number | null };
}

/** Of the person of a session that was found to be live. One round trip. */
export async function readAccount(
  copies: Copies,
  policy: SessionPolicy,
  session: Session,
  { devices: limit, activity }: { devices: number; activity: EventQuery },
  now: number,
): Promise<Account> {
  const page = { after: null, limit };
  const caller = { sessionId: session.id, userId: session.userId };
  const active = and(belongsTo(caller), isLive(policy, now));
  return readFor(copies, session, async (copy) => {
    const [[own], sessions, events] = await transact(
      copy,
      () =>
        [
          selectSession(copy, session.id),
          selectPage(copy, active, page),
          selectEvents(copy, caller.userId ?? caller.sessionId, activity),
        ] as const,
    );
    return {
      own,
      answer: { devices: toPage(sessions, page), activity: toEventPage(events, activity) },
    };
  });
}
