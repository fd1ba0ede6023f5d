/**
 * The list of all sessions of a user that are not purged yet, also of those that are over: the one
 * that was written last comes first. There is an index of a user's sessions in this order, and none
 * by time that also has the ended ones, because it would cost a written row at every sign-out.
 */
import { and, desc, eq, getTableColumns, lt, sql } from 'drizzle-orm';
import type { Grant } from '../config/authority';
import { type Home, type Replica, transact } from '../db/d1';
import { given, prepareOnce } from '../db/prepared';
import { userSessions } from '../db/schema';
import { type NumberedPage, PASSED_OVER, toNumberedPage } from '../numbered-pages';
import { matches, type SessionFilter } from './filter';
import { type Session, selectSession } from './session';

export interface NumberedSession extends Session {
  /** The rowid, which grows with each row that is written in a home. */
  number: number;
}

const NUMBER = sql<number>`rowid`;

const newest = prepareOnce((db) =>
  db
    .select({ ...getTableColumns(userSessions), number: NUMBER.as('number') })
    .from(userSessions)
    .where(and(eq(userSessions.userId, given('userId')), lt(NUMBER, given('before'))))
    .orderBy(desc(NUMBER))
    .limit(given('limit')),
);

/**
 * A user's sessions, or the one of a guest, of the clients that a backend acts for. `before`: only
 * sessions that were written before this one; null: from the newest on. One round trip.
 */
export async function listAllSessions(
  database: Home | Replica,
  grant: Grant<'manage_users'>,
  userId: string,
  { before, limit, filter }: { before: number | null; limit: number; filter: SessionFilter },
): Promise<NumberedPage<NumberedSession>> {
  const values = {
    userId,
    before: before ?? Number.MAX_SAFE_INTEGER,
    limit: limit + 1 + PASSED_OVER,
  };
  const statements = { guest: selectSession(userId), read: newest(values) };
  const { guest, read } = await transact(database, () => statements);
  const isShown = (session: Session) =>
    session.movedTo === null && grant.includes(session.clientId) && matches(filter, session);
  const isGuest = (session: Session) =>
    session.userId === null && before === null && isShown(session);
  const page = toNumberedPage(read, isShown, numberOf, limit);
  // The id is a guest session's, and no user's.
  const guests = guest.filter(isGuest).map((session) => ({ ...session, number: 1 }));
  return { ...page, rows: [...guests, ...page.rows].slice(0, limit) };
}

export const numberOf = ({ number }: NumberedSession) => number;
