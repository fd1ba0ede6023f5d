/**
 * What the "Your devices" page shows of a person: their active sessions and what happened lately.
 */
import type { SessionPolicy } from '../config/config';
import { transact } from '../db/d1';
import {
  type EventPage,
  type EventQuery,
  selectEvents,
  toEventPage,
} from '../security-log/read-events';
import { type SessionPage, selectOf, toOwnPage } from './list';
import { type Copies, readForLive } from './read';
import { type Session, selectSession } from './session';

export interface Account {
  devices: SessionPage;
  activity: EventPage;
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
  return readForLive(copies, session, async (copy) => {
    const statements = {
      own: selectSession(copy, session.id),
      ...selectOf(copy, caller, page),
      events: selectEvents(copy, caller.userId ?? caller.sessionId, activity),
    };
    const { own, events, ...read } = await transact(copy, () => statements);
    return {
      own: own[0],
      answer: {
        devices: toOwnPage(own, read, page, policy, now),
        activity: toEventPage(events, activity),
      },
    };
  });
}
