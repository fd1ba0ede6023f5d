/**
 * Reading sessions: newest first, a page at a time by the last row seen (keyset), so that a new
 * session shifts no page.
 */
import { and, desc, isNull, type SQL, sql } from 'drizzle-orm';
import type { Grant } from '../config/authority';
import type { SessionPolicy } from '../config/config';
import { type Home, type Replica, transact } from '../db/d1';
import { LISTED_AT, userSessions } from '../db/schema';
import { belongsTo, type Caller } from './may-end';
import { type Position, toListedAt } from './open';
import { isReached } from './reach';
import { type Copies, findLive, readFor } from './read';
import { belongsToSubject, isLive, type Session, selectSession } from './session';

export interface Page {
  after: Position | null;
  limit: number;
}

export interface SessionPage {
  sessions: Session[];
  /** null: this is the last page. */
  next: Position | null;
}

/** The active sessions of the caller's user; null when the caller's own session is over. */
export function listOwnSessions(
  copies: Copies,
  policy: SessionPolicy,
  caller: Caller,
  page: Page,
  now: number,
): Promise<SessionPage | null> {
  return readFor(copies, findLive(copies.home, policy, caller.sessionId, now), async (copy) => {
    const active = and(belongsTo(caller), isLive(policy, now));
    const [[own], rows] = await transact(
      copy,
      () => [selectSession(copy, caller.sessionId), selectPage(copy, active, page)] as const,
    );
    return { own, answer: toPage(rows, page) };
  });
}

/**
 * A user's sessions, or the one of a guest, of the clients that a backend acts for: active ones, or
 * also those that are over and not purged yet. One round trip.
 */
export async function listUserSessions(
  copy: Home | Replica,
  grant: Grant<'manage_users'>,
  policy: SessionPolicy,
  { userId, includeEnded }: { userId: string; includeEnded: boolean },
  page: Page,
  now: number,
): Promise<SessionPage> {
  const condition = and(
    belongsToSubject(userId),
    isReached(userSessions.clientId, grant),
    includeEnded ? isNull(userSessions.movedTo) : isLive(policy, now),
  );
  const [rows] = await transact(copy, () => [selectPage(copy, condition, page)] as const);
  return toPage(rows, page);
}

export function selectPage(
  { db }: Home | Replica,
  condition: SQL | undefined,
  { after, limit }: Page,
) {
  const isAfter =
    after &&
    sql`(${LISTED_AT}, ${userSessions.id}) < (${after.createdAt.getTime() / 1000}, ${after.id})`;
  return (
    db
      .select()
      .from(userSessions)
      .where(and(condition, isAfter ?? undefined))
      .orderBy(desc(LISTED_AT), desc(userSessions.id))
      // One more than asked for tells whether there is a next page.
      .limit(limit + 1)
  );
}

export function toPage(rows: Session[], { limit }: Page): SessionPage {
  const sessions = rows.slice(0, limit);
  const last = rows.length > limit ? sessions.at(-1) : undefined;
  return {
    sessions,
    next: last === undefined ? null : { createdAt: toListedAt(last), id: last.id },
  };
}

/**
 * One page of the pages of several homes: a session is in one alone, and the order is the same in
 * all.
 */
export function mergeSessionPages(pages: readonly SessionPage[], { limit }: Page): SessionPage {
  const [only] = pages;
  if (pages.length === 1 && only !== undefined) return only;
  const sessions = pages
    .flatMap((page) => page.sessions)
    .sort((a, b) => toListedAt(b).getTime() - toListedAt(a).getTime() || (a.id < b.id ? 1 : -1));
  const last = sessions[limit - 1];
  const isMore = sessions.length > limit || pages.some(({ next }) => next !== null);
  const next = isMore && last !== undefined ? { createdAt: toListedAt(last), id: last.id } : null;
  return { sessions: sessions.slice(0, limit), next };
}
