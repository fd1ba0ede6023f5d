/** Reading the security log: newest first, a page at a time. */
import { and, desc, eq, lt, type SQL } from 'drizzle-orm';
import type { Grant } from '../config/authority';
import type { SessionPolicy } from '../config/config';
import { type Home, type Replica, transact } from '../db/d1';
import { sessionEvents } from '../db/schema';
import type { Caller } from '../sessions/may-end';
import { isReached } from '../sessions/reach';
import { type Copies, findLive, readFor } from '../sessions/read';
import { selectSession } from '../sessions/session';

export type SessionEvent = typeof sessionEvents.$inferSelect;

export interface EventQuery {
  /** Only events before this one; null: from the newest on. */
  before: number | null;
  limit: number;
}

export interface EventPage {
  events: SessionEvent[];
  /** What `before` is for the next page; null: this is the last. */
  next: number | null;
}

/** The events of the caller's user; null when the caller's own session is over. */
export function listOwnEvents(
  copies: Copies,
  policy: SessionPolicy,
  caller: Caller,
  query: EventQuery,
  now: number,
): Promise<EventPage | null> {
  return readFor(copies, findLive(copies.home, policy, caller.sessionId, now), async (copy) => {
    const subject = caller.userId ?? caller.sessionId;
    const [[own], rows] = await transact(
      copy,
      () => [selectSession(copy, caller.sessionId), selectEvents(copy, subject, query)] as const,
    );
    return { own, answer: toEventPage(rows, query) };
  });
}

/** A user's events of the clients that a backend acts for. One round trip. */
export async function listUserEvents(
  replica: Replica,
  grant: Grant<'manage_users'>,
  userId: string,
  query: EventQuery,
): Promise<EventPage> {
  const reached = isReached(sessionEvents.clientId, grant);
  const [rows] = await transact(
    replica,
    () => [selectEvents(replica, userId, query, reached)] as const,
  );
  return toEventPage(rows, query);
}

export function selectEvents(
  { db }: Home | Replica,
  subject: string,
  { before, limit }: EventQuery,
  condition?: SQL,
) {
  return (
    db
      .select()
      .from(sessionEvents)
      .where(
        and(
          eq(sessionEvents.subject, subject),
          condition,
          before === null ? undefined : lt(sessionEvents.seq, before),
        ),
      )
      .orderBy(desc(sessionEvents.seq))
      // One more than asked for tells whether there is a next page.
      .limit(limit + 1)
  );
}

export function toEventPage(rows: SessionEvent[], { limit }: EventQuery): EventPage {
  const events = rows.slice(0, limit);
  const last = rows.length > limit ? events.at(-1) : undefined;
  return { events, next: last?.seq ?? null };
}

/** Where a list of several homes' events goes on: before which event of each. */
export type EventPositions = ReadonlyMap<string, number>;

/**
 * One page of the pages of several homes, newest first. The order of writing is each home's own, so
 * the next page says for each where it goes on. An event that is in two, because it moved with its
 * user, is listed once.
 */
export function mergeEventPages(
  pages: readonly { home: string; page: EventPage }[],
  { limit, before }: { limit: number; before: EventPositions },
): { events: SessionEvent[]; next: EventPositions | null } {
  const queues = pages.map(({ home, page }) => ({ home, rest: [...page.events] }));
  const events = new Map<string, SessionEvent>();
  const next = new Map(before);
  // The newest of what each home has next: within a home the order of writing stays, whatever the
  // times say.
  while (events.size < limit) {
    const heads = queues.filter(({ rest }) => rest.length > 0);
    if (heads.length === 0) break;
    const { home, rest } = heads.reduce((a, b) => (timeOf(b.rest) > timeOf(a.rest) ? b : a));
    const event = rest.shift() as SessionEvent;
    events.set(event.id, events.get(event.id) ?? event);
    next.set(home, event.seq);
  }
  const hasMore =
    queues.some(({ rest }) => rest.length > 0) || pages.some(({ page }) => page.next !== null);
  return { events: [...events.values()], next: hasMore ? next : null };
}

const timeOf = ([event]: SessionEvent[]) => event?.createdAt.getTime() ?? 0;
