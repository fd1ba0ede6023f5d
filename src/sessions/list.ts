/**
 * Lists of live sessions: newest first, a page at a time by the last row seen (keyset), so that a
 * new session shifts no page. A page reads a bounded number of open sessions, of which some may
 * have died of time or be of other clients. So a page may be shorter than was asked for, or empty,
 * and is the last one only where `next` is null.
 */

import type { Grant } from '../config/authority';
import { type Home, type Replica, transact } from '../db/d1';
import { MAX_LISTED_SECOND } from '../db/schema';
import { PASSED_OVER, takePage } from '../numbered-pages';
import { matches, type SessionFilter } from './filter';
import type { SessionOwner } from './may-end';
import { type Position, selectOpen, toListedAt } from './open';
import { type ReadSources, readFromReplicaIfLive } from './read';
import type { RuleContext } from './rule-context';
import {
  checkSession,
  type Moved,
  type Session,
  type SessionWithNotBefore,
  selectSession,
} from './session';

export interface Page {
  after: Position | null;
  limit: number;
}

export interface SessionPage {
  sessions: Session[];
  /** null: this is the last page. */
  next: Position | null;
}

/** The live sessions of the owner's user; null when the owner's own session is over. */
export function listOwnSessions(
  sources: ReadSources,
  owner: SessionOwner,
  page: Page,
  context: RuleContext,
): Promise<SessionPage | Moved | null> {
  const readPage = async (database: Home | Replica) => {
    const statements = {
      own: selectSession(owner.sessionId),
      ...selectOf(owner, page),
    };
    const { own, ...read } = await transact(database, () => statements);
    return { own: own[0], answer: toOwnPage(own, read, page, context) };
  };
  return readFromReplicaIfLive(sources, owner.sessionId, readPage, context);
}

/**
 * The statements of a page of a person's own sessions; none for a guest, who has only the one
 * session.
 */
export function selectOf({ userId }: SessionOwner, page: Page) {
  const { after, limit } = page;
  if (userId === null) return { sameSecond: null, earlier: null };
  return selectOpen(userId, after, limit + 1 + PASSED_OVER);
}

interface Read {
  sameSecond: SessionWithNotBefore[] | null;
  earlier: SessionWithNotBefore[] | null;
}

export function toOwnPage(
  own: readonly SessionWithNotBefore[],
  { sameSecond, earlier }: Read,
  page: Page,
  { policy, now }: RuleContext,
): SessionPage {
  const isLive = (session: SessionWithNotBefore) => checkSession(session, policy, now) === null;
  const isGuest = earlier === null;
  const read = isGuest
    ? own.filter((session) => isAfter(session, page.after))
    : [...(sameSecond ?? []), ...earlier];
  return toPage(read, isLive, page);
}

/** The live sessions of a user, or the one of a guest, of the clients that a backend acts for. */
export async function listUserSessions(
  database: Home | Replica,
  grant: Grant<'manage_users'>,
  userId: string,
  { filter, after, limit, policy, now }: FilteredPage & RuleContext,
): Promise<SessionPage> {
  const page = { after: startOf(after, filter), limit };
  const statements = {
    guest: selectSession(userId),
    ...selectOf({ sessionId: userId, userId }, page),
  };
  const { guest, sameSecond, earlier } = await transact(database, () => statements);
  const isShown = (session: SessionWithNotBefore) =>
    grant.includes(session.clientId) &&
    matches(filter, session) &&
    checkSession(session, policy, now) === null;
  const isGuest = (session: SessionWithNotBefore) =>
    session.userId === null && isAfter(session, page.after) && isShown(session);
  const read = toPage([...(sameSecond ?? []), ...(earlier ?? [])], isShown, page);
  const ofUser = isPast(read.next, filter) ? { ...read, next: null } : read;
  return mergeSessionPages([ofUser, { sessions: guest.filter(isGuest), next: null }], page);
}

export interface FilteredPage extends Page {
  filter: SessionFilter;
}

/** The position to start from: sessions that were created later than asked for are not read. */
function startOf(after: Position | null, { createdBefore }: SessionFilter): Position | null {
  if (createdBefore === undefined) return after;
  const second = Math.min(createdBefore, MAX_LISTED_SECOND + 1);
  const start = { createdAt: new Date(second * 1000), id: '' };
  return after === null || newestFirst(after, start) < 0 ? start : after;
}

/** Whether a position is past `createdAfter`: all sessions after it were created earlier. */
function isPast(position: Position | null, { createdAfter = 0 }: SessionFilter): boolean {
  return position !== null && position.createdAt.getTime() / 1000 < createdAfter;
}

/** The rows that are shown, of those that were read: as many as the limit and `PASSED_OVER`. */
function toPage(
  read: readonly SessionWithNotBefore[],
  isShown: (session: SessionWithNotBefore) => boolean,
  { limit }: Page,
): SessionPage {
  const { rows: sessions, last } = takePage(read, isShown, limit);
  return { sessions, next: last === undefined ? null : toPosition(last) };
}

/**
 * Merges the pages of several homes. A session is in one home alone, and all homes list in the same
 * order. A session that is older than where one of the pages goes on is left for the next page,
 * because that home may have sessions before it which are not read yet.
 */
export function mergeSessionPages(pages: readonly SessionPage[], { limit }: Page): SessionPage {
  const ends = pages.flatMap(({ next }) => next ?? []).sort(newestFirst);
  const [end = null] = ends;
  const sessions = pages
    .flatMap((page) => page.sessions)
    .sort((a, b) => newestFirst(toPosition(a), toPosition(b)))
    .filter((session) => end === null || newestFirst(toPosition(session), end) <= 0);
  const last = sessions.length > limit ? sessions[limit - 1] : undefined;
  return { sessions: sessions.slice(0, limit), next: last === undefined ? end : toPosition(last) };
}

const toPosition = (session: Session): Position => ({
  createdAt: toListedAt(session),
  id: session.id,
});

const newestFirst = (a: Position, b: Position) =>
  b.createdAt.getTime() - a.createdAt.getTime() || (a.id < b.id ? 1 : a.id > b.id ? -1 : 0);

const isAfter = (session: Session, position: Position | null) =>
  position === null || newestFirst(position, toPosition(session)) < 0;
