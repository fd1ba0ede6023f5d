/**
 * Reads what the "Your devices" page shows of a person: their active sessions and what happened
 * lately.
 */

import { and, desc, eq, inArray, lt } from 'drizzle-orm';
import { transact } from '../db/d1';
import { given, prepareOnce } from '../db/prepared';
import { sessionEvents, userSessions } from '../db/schema';
import {
  type EventPage,
  type EventQuery,
  selectEvents,
  toEventPage,
} from '../security-log/read-events';
import { type SessionPage, selectOf, toOwnPage } from './list';
import { type ReadSources, readFromReplica } from './read';
import type { RuleContext } from './rule-context';
import { type Moved, type Session, selectSession } from './session';

export interface Account {
  devices: SessionPage;
  activity: EventPage;
  /** The sessions of the page's events, by their ids; those that are purged are not among them. */
  of: Map<string, Pick<Session, 'lastSignals' | 'userAgent' | 'label'>>;
}

/** Reads as many sessions as there are events on the page, whatever the history. */
const sessionsOfEvents = prepareOnce((db) =>
  db
    .select({
      id: userSessions.id,
      userAgent: userSessions.userAgent,
      lastSignals: userSessions.lastSignals,
      label: userSessions.label,
    })
    .from(userSessions)
    .where(
      inArray(
        userSessions.id,
        db
          .select({ id: sessionEvents.sessionId })
          .from(sessionEvents)
          .where(
            and(
              eq(sessionEvents.subject, given('subject')),
              lt(sessionEvents.seq, given('before')),
            ),
          )
          .orderBy(desc(sessionEvents.seq))
          .limit(given('limit')),
      ),
    ),
);

/** Reads for the person of a session that was found to be live. One round trip. */
export async function readAccount(
  sources: ReadSources,
  session: Session,
  { devices: limit, activity }: { devices: number; activity: EventQuery },
  context: RuleContext,
): Promise<Account | Moved> {
  const page = { after: null, limit };
  const owner = { sessionId: session.id, userId: session.userId };
  const subject = owner.userId ?? owner.sessionId;
  const { limit: most, before } = activity;
  const shown = { subject, before: before ?? Number.MAX_SAFE_INTEGER, limit: most };
  return readFromReplica(sources, session, async (database) => {
    const statements = {
      own: selectSession(session.id),
      ...selectOf(owner, page),
      events: selectEvents(subject, activity),
      of: sessionsOfEvents(shown),
    };
    const { own, events, of, ...read } = await transact(database, () => statements);
    return {
      own: own[0],
      answer: {
        devices: toOwnPage(own, read, page, context),
        activity: toEventPage(events, activity),
        of: new Map(of.map((found) => [found.id, found])),
      },
    };
  });
}
