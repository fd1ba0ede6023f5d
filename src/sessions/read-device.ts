/** Reads what the page of one device shows: the session, live or over, and what happened to it. */

import { and, desc, eq, inArray, lt } from 'drizzle-orm';
import { transact } from '../db/d1';
import { given, prepareOnce } from '../db/prepared';
import { sessionEvents } from '../db/schema';
import type { SessionEvent } from '../security-log/read-events';
import { type ReadSources, readFromReplica } from './read';
import type { RuleContext } from './rule-context';
import { checkSession, type Moved, type Session, selectSession } from './session';

export interface DeviceHistory {
  /** null: there is no such session, or it is somebody else's. */
  session: Session | null;
  isOver: boolean;
  events: SessionEvent[];
  /** The position after which older events may be found; null: there are none. */
  next: number | null;
}

/**
 * The events of a person's log that a page looks through, however long the log is. The log is in
 * the order of writing, and no index finds the events of one session.
 */
const LOOKED_THROUGH = 100;

const ofWindow = (db: Parameters<Parameters<typeof prepareOnce>[0]>[0]) =>
  db
    .select({ seq: sessionEvents.seq })
    .from(sessionEvents)
    .where(and(eq(sessionEvents.subject, given('subject')), lt(sessionEvents.seq, given('before'))))
    .orderBy(desc(sessionEvents.seq));

const eventsOfSession = prepareOnce((db) =>
  db
    .select()
    .from(sessionEvents)
    .where(
      and(
        inArray(sessionEvents.seq, ofWindow(db).limit(LOOKED_THROUGH)),
        eq(sessionEvents.sessionId, given('sessionId')),
      ),
    )
    .orderBy(desc(sessionEvents.seq)),
);

/** The event after which a page goes on. */
const lastOfWindow = prepareOnce((db) =>
  ofWindow(db)
    .limit(1)
    .offset(LOOKED_THROUGH - 1),
);

/** Reads for the person of a session that was found to be live. One round trip. */
export function readDevice(
  sources: ReadSources,
  own: Session,
  { sessionId, before }: { sessionId: string; before: number | null },
  { policy, now }: RuleContext,
): Promise<DeviceHistory | Moved> {
  const subject = own.userId ?? own.id;
  const values = { subject, sessionId, before: before ?? Number.MAX_SAFE_INTEGER };
  return readFromReplica(sources, own, async (database) => {
    const read = await transact(database, () => ({
      own: selectSession(own.id),
      session: selectSession(sessionId),
      events: eventsOfSession(values),
      last: lastOfWindow(values),
    }));
    const [session] = read.session;
    const isTheirs = session && (session.userId ?? session.id) === subject;
    const isComplete = read.events.some(({ type }) => type === 'session_created');
    return {
      own: read.own[0],
      answer: {
        session: isTheirs ? session : null,
        isOver: isTheirs ? checkSession(session, policy, now) !== null : false,
        events: read.events,
        next: isComplete ? null : (read.last[0]?.seq ?? null),
      },
    };
  });
}
