/**
 * A user's open sessions: those that nothing has ended but, maybe, time. They have an index of their
 * own, in the order of lists, so that whoever looks for live sessions passes over no revoked one.
 * No refresh writes a column of it.
 *
 * What looks at all of them does so a slice at a time, newest first, each after the last row of the
 * one before.
 */
import { and, desc, eq, isNull, type SQL, sql } from 'drizzle-orm';
import type { Home, Replica } from '../db/d1';
import { LISTED_AT, MAX_LISTED_SECOND, userSessions } from '../db/schema';
import type { Session } from './session';

/** Where a page or a slice starts: after this row. */
export interface Position {
  createdAt: Date;
  id: string;
}

/** Sessions that one transaction looks at, or ends. */
export const SLICE = 500;

export function isOpenOf(userId: string): SQL {
  return and(
    eq(userSessions.userId, userId),
    isNull(userSessions.revokedAt),
    isNull(userSessions.movedTo),
  ) as SQL;
}

/** SQL: the ids of the next slice. */
export function sliceOfOpen({ db }: Home, userId: string, after: Position | null): SQL {
  const { second, id } = toBounds(after);
  const newestOf = (condition: SQL) =>
    db
      .select({ id: userSessions.id })
      .from(userSessions)
      .where(and(isOpenOf(userId), condition))
      .orderBy(desc(LISTED_AT), desc(userSessions.id))
      .limit(SLICE);
  // Two ranges of the index, one after the other: of a row value SQLite uses the first alone.
  const sameSecond = newestOf(sql`${LISTED_AT} = ${second} and ${userSessions.id} < ${id}`);
  const earlier = newestOf(sql`${LISTED_AT} < ${second}`);
  return sql`(select id from (select id from ${sameSecond} union all select id from ${earlier}) limit ${SLICE})`;
}

/** The statement that tells where the next slice ends; no row: it is the last. */
export function endOfSlice(home: Home | Replica, slice: SQL) {
  return home.db
    .select({ listedAt: sql<number>`${LISTED_AT}`.as('listed_at'), id: userSessions.id })
    .from(userSessions)
    .where(sql`${userSessions.id} = (select id from ${slice} limit 1 offset ${SLICE - 1})`);
}

export function toPosition([row]: { listedAt: number; id: string }[]): Position | null {
  return row === undefined ? null : { createdAt: new Date(row.listedAt * 1000), id: row.id };
}

function toBounds(after: Position | null): { second: number; id: string } {
  if (after === null) return { second: MAX_LISTED_SECOND + 1, id: '' };
  return { second: after.createdAt.getTime() / 1000, id: after.id };
}

/** Pure twin of `LISTED_AT`. */
export function toListedAt({ createdAt }: Pick<Session, 'createdAt'>): Date {
  const second = createdAt.getTime() / 1000;
  return Number.isInteger(second) && second >= 0 && second <= MAX_LISTED_SECOND
    ? createdAt
    : new Date(0);
}
