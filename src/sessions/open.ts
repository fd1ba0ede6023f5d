/**
 * A user's open sessions: they are not revoked, though time may have ended them. They have an index
 * of their own, in the order of lists, so that a search for live sessions reads no revoked one. No
 * refresh writes a column of that index.
 *
 * Code that goes through all of them does so a slice at a time, the newest first; each slice begins
 * after the last row of the one before.
 */
import { and, desc, getTableColumns, isNull, type SQL, sql } from 'drizzle-orm';
import type { Home, Replica } from '../db/d1';
import { type Given, given, prepareOnce } from '../db/prepared';
import { LISTED_AT, MAX_LISTED_SECOND, userSessions } from '../db/schema';
import { isBeforeNotBefore, type Session } from './session';

/** Where a page or a slice starts: after this row. */
export interface Position {
  createdAt: Date;
  id: string;
}

/** Sessions that one transaction looks at, or ends. */
export const SLICE = 500;

export function isOpenOf(userId: Given): SQL {
  return and(
    sql`${userSessions.userId} = ${userId}`,
    isNull(userSessions.revokedAt),
    isNull(userSessions.movedTo),
  ) as SQL;
}

/**
 * The rows after a position, in two ranges of the index, one after the other, because SQLite uses
 * an index only for the first column of a row value. Within one second, SQLite has to be told that
 * the id is the whole order.
 */
const rangesAfter = (second: Given, id: Given) => ({
  sameSecond: {
    where: sql`${LISTED_AT} = ${second} and ${userSessions.id} < ${id}`,
    order: [desc(userSessions.id)],
  },
  earlier: {
    where: sql`${LISTED_AT} < ${second}`,
    order: [desc(LISTED_AT), desc(userSessions.id)],
  },
});
type Range = ReturnType<typeof rangesAfter>['sameSecond'];

const pageOf = ({ where, order }: Range) =>
  prepareOnce((db) =>
    db
      .select({ ...getTableColumns(userSessions), isBeforeNotBefore })
      .from(userSessions)
      .where(and(isOpenOf(given('userId')), where))
      .orderBy(...order)
      .limit(given('limit')),
  );
const after = rangesAfter(given('second'), given('id'));
const openOfSameSecond = pageOf(after.sameSecond);
const openBefore = pageOf(after.earlier);

/** The statements that read the newest so many after a position. */
export function selectOpen(userId: string, position: Position | null, limit: number) {
  const values = { userId, limit, ...toBounds(position) };
  return {
    sameSecond: position === null ? null : openOfSameSecond(values),
    earlier: openBefore(values),
  };
}

/** SQL: the ids of the next slice. */
export function sliceOfOpen({ db }: Home, userId: string, position: Position | null): SQL {
  const { second, id } = toBounds(position);
  const newestOf = ({ where, order }: Range) =>
    db
      .select({ id: userSessions.id })
      .from(userSessions)
      .where(and(isOpenOf(userId), where))
      .orderBy(...order)
      .limit(SLICE);
  const ranges = rangesAfter(second, id);
  const [sameSecond, earlier] = [newestOf(ranges.sameSecond), newestOf(ranges.earlier)];
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

function toBounds(position: Position | null): { second: number; id: string } {
  if (position === null) return { second: MAX_LISTED_SECOND + 1, id: '' };
  return { second: position.createdAt.getTime() / 1000, id: position.id };
}

/** Pure twin of `LISTED_AT`. */
export function toListedAt({ createdAt }: Pick<Session, 'createdAt'>): Date {
  const second = createdAt.getTime() / 1000;
  return Number.isInteger(second) && second >= 0 && second <= MAX_LISTED_SECOND
    ? createdAt
    : new Date(0);
}
