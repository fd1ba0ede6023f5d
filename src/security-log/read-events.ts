/** Reading the security log: newest first, a page at a time. */

import { and, desc, eq, lt } from 'drizzle-orm';
import type { Grant } from '../config/authority';
import { type Home, type Replica, transact } from '../db/d1';
import { given, prepareOnce } from '../db/prepared';
import { sessionEvents } from '../db/schema';
import { type NumberedPage, PASSED_OVER, toNumberedPage } from '../numbered-pages';
import type { SessionOwner } from '../sessions/may-end';
import { type ReadSources, readFromReplicaIfLive } from '../sessions/read';
import type { RuleContext } from '../sessions/rule-context';
import { type Moved, selectSession } from '../sessions/session';

export type SessionEvent = typeof sessionEvents.$inferSelect;

export interface EventQuery {
  /** Only events before this one; null: from the newest on. */
  before: number | null;
  limit: number;
}

export type EventPage = NumberedPage<SessionEvent>;

/** The events of the owner's user; null when the owner's own session is over. */
export function listOwnEvents(
  sources: ReadSources,
  owner: SessionOwner,
  query: EventQuery,
  context: RuleContext,
): Promise<EventPage | Moved | null> {
  const readPage = async (database: Home | Replica) => {
    const subject = owner.userId ?? owner.sessionId;
    const statements = {
      own: selectSession(owner.sessionId),
      events: selectEvents(subject, query),
    };
    const { own, events } = await transact(database, () => statements);
    return { own: own[0], answer: toEventPage(events, query) };
  };
  return readFromReplicaIfLive(sources, owner.sessionId, readPage, context);
}

/** A user's events of the clients that a backend acts for. One round trip. */
export async function listUserEvents(
  replica: Replica,
  grant: Grant<'manage_users'>,
  userId: string,
  query: EventQuery,
): Promise<EventPage> {
  const newest = selectEvents(userId, query, PASSED_OVER);
  const { events } = await transact(replica, () => ({ events: newest }));
  return toEventPage(events, query, ({ clientId }) => grant.includes(clientId));
}

const newestOf = prepareOnce((db) =>
  db
    .select()
    .from(sessionEvents)
    .where(and(eq(sessionEvents.subject, given('subject')), lt(sessionEvents.seq, given('before'))))
    .orderBy(desc(sessionEvents.seq))
    .limit(given('limit')),
);

/**
 * The statement of a page of a subject's events, and so many more as are not to be shown, maybe.
 */
export function selectEvents(subject: string, { before, limit }: EventQuery, passedOver = 0) {
  // One row more than asked for tells whether there is a next page.
  const most = limit + 1 + passedOver;
  return newestOf({ subject, before: before ?? Number.MAX_SAFE_INTEGER, limit: most });
}

export function toEventPage(
  read: readonly SessionEvent[],
  { limit }: EventQuery,
  isShown: (event: SessionEvent) => boolean = () => true,
): EventPage {
  return toNumberedPage(read, isShown, seqOf, limit);
}

export const seqOf = ({ seq }: SessionEvent) => seq;
