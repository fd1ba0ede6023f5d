/**
 * Deletes one slice of each kind of dead row, the oldest first. A slice is one transaction, which
 * deletes the rows that are still dead by then, and answers how many they were.
 */
import { and, asc, inArray, lt, sql } from 'drizzle-orm';
import { type Home, transact } from '../db/d1';
import {
  idempotencyKeys,
  notBefores,
  sessionEvents,
  usedAssertions,
  userSessions,
} from '../db/schema';
import { deleteEventsWhere } from '../security-log/delete-events';
import { endForGood, lapsedNotBefores } from './not-before';

export async function deleteExpired(home: Home, cutoff: Date, limit: number): Promise<number> {
  const { deleted } = await transact(home, () => ({
    deleted: deleteOldest(home, oldestExpired(home, cutoff).limit(limit)),
  }));
  return deleted.length;
}

export async function deleteRevoked(home: Home, cutoff: Date, limit: number): Promise<number> {
  const { deleted } = await transact(home, () => ({
    deleted: deleteOldest(home, oldestRevoked(home, cutoff).limit(limit)),
  }));
  return deleted.length;
}

/** Sessions that expired before the cutoff, oldest first, by idx_user_sessions_expires. */
export function oldestExpired({ db }: Home, cutoff: Date) {
  const { id, expiresAt } = userSessions;
  return db.select({ id }).from(userSessions).where(lt(expiresAt, cutoff)).orderBy(asc(expiresAt));
}

/** Sessions that were revoked before the cutoff, oldest first, by idx_user_sessions_revoked. */
export function oldestRevoked({ db }: Home, cutoff: Date) {
  const { id, revokedAt } = userSessions;
  return db.select({ id }).from(userSessions).where(lt(revokedAt, cutoff)).orderBy(asc(revokedAt));
}

function deleteOldest({ db }: Home, oldest: ReturnType<ReturnType<typeof oldestExpired>['limit']>) {
  return db
    .delete(userSessions)
    .where(inArray(userSessions.id, oldest))
    .returning({ id: userSessions.id });
}

/** Oldest first by rowid, which follows insertion, so that the table needs no index for it. */
export async function deleteIdempotencyKeys(
  home: Home,
  cutoff: Date,
  limit: number,
): Promise<number> {
  const { db } = home;
  const oldest = db
    .select({ rowid: sql`rowid` })
    .from(idempotencyKeys)
    .orderBy(sql`rowid`)
    .limit(limit);
  const { deleted } = await transact(home, () => ({
    deleted: db
      .delete(idempotencyKeys)
      .where(and(sql`rowid in ${oldest}`, lt(idempotencyKeys.createdAt, cutoff)))
      .returning({ keyHash: idempotencyKeys.keyHash }),
  }));
  return deleted.length;
}

/**
 * Deletes events, the oldest first by `seq`, which follows time. Their deliveries to webhooks are
 * deleted with them.
 */
export async function deleteEvents(home: Home, cutoff: Date, limit: number): Promise<number> {
  const oldest = home.db
    .select({ seq: sessionEvents.seq })
    .from(sessionEvents)
    .orderBy(sessionEvents.seq)
    .limit(limit);
  const isOld = and(inArray(sessionEvents.seq, oldest), lt(sessionEvents.createdAt, cutoff));
  const { events } = await transact(home, () => deleteEventsWhere(home, isOld));
  return events.length;
}

/** Rows with an `expires_at` of their own: not-befores and used assertions. */
export async function deleteLapsed(home: Home, now: Date, limit: number): Promise<number> {
  const { db } = home;
  const subjects = lapsedNotBefores(now, limit);
  const oldest = sql`(select rowid from ${usedAssertions} where ${usedAssertions.expiresAt} <= ${toSeconds(now)} order by ${usedAssertions.expiresAt} limit ${limit})`;
  const { bounds, assertions } = await transact(home, () => ({
    ended: endForGood(home, subjects),
    bounds: db
      .delete(notBefores)
      .where(sql`${notBefores.subject} in ${subjects}`)
      .returning({ subject: notBefores.subject }),
    assertions: db
      .delete(usedAssertions)
      .where(sql`rowid in ${oldest}`)
      .returning({ hash: usedAssertions.hash }),
  }));
  return Math.max(bounds.length, assertions.length);
}

const toSeconds = (date: Date) => Math.floor(date.getTime() / 1000);
