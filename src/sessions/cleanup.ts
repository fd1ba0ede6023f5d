/**
 * Deleting what is dead, a bounded slice at a time: sessions that expired, were revoked or died of
 * inactivity longer ago than the retention, old idempotency keys and old events. A slice is one
 * transaction that deletes what is still dead then, so runs may overlap or be cut off anywhere.
 * Nothing depends on it: a dead session is refused by its row, not by its absence.
 *
 * Expired and revoked sessions are found by an index that no refresh writes. Inactivity has none
 * (it would cost every refresh a second written row), so a walk over the table in insertion order
 * looks for it, and goes on where the last run stopped.
 */
import { and, asc, inArray, lt, type SQL, sql } from 'drizzle-orm';
import type { SessionPolicy } from '../config/config';
import { type Home, transact } from '../db/d1';
import {
  cleanupState,
  idempotencyKeys,
  notBefores,
  sessionEvents,
  usedAssertions,
  userSessions,
} from '../db/schema';
import { deleteEventsWhere } from '../security-log/delete-events';
import { oldestKept } from './idempotency-age';

export interface CleanupPolicy {
  sessions: SessionPolicy;
  retentionSeconds: number;
  eventRetentionSeconds: number;
}

export interface CleanupBounds {
  /** Rows that one statement deletes. */
  sliceRows: number;
  /** Slices of all kinds but the walk's: each is a query, and an invocation may make 1,000. */
  maxSlices: number;
  /**
   * Rows that one step of the walk for inactive sessions looks at, and how many steps it makes, of
   * three queries each.
   */
  walkRows: number;
  walkSlices: number;
  /** The run ends after this long, finished or not. */
  budgetMs: number;
  /** Time passing, for the budget and the pace alone. */
  clock: () => number;
  /** Waits for so many milliseconds. */
  rest: (ms: number) => Promise<void>;
}

export interface CleanupReport {
  expired: number;
  revoked: number;
  idle: number;
  idempotencyKeys: number;
  events: number;
  /** False: the budget ran out and dead rows are left for the next run. */
  finished: boolean;
  /**
   * Age beyond the retention of the oldest expired or revoked row that is left, in seconds; 0 when
   * there is none.
   */
  overdueSeconds: number;
  /** The run before left less behind: more dies than is deleted. */
  isBacklogGrowing: boolean;
}

export async function cleanUp(
  home: Home,
  policy: CleanupPolicy,
  bounds: CleanupBounds,
  now: number,
): Promise<CleanupReport> {
  const deadline = bounds.clock() + bounds.budgetMs;
  const hasTime = () => bounds.clock() < deadline;
  const cutoff = new Date(now - policy.retentionSeconds * 1000);
  const before = await readState(home);

  let slicesLeft = bounds.maxSlices;
  const drain = async (deleteSlice: () => Promise<number>) => {
    let total = 0;
    while (slicesLeft > 0 && hasTime()) {
      slicesLeft -= 1;
      const started = bounds.clock();
      const deleted = await deleteSlice();
      total += deleted;
      if (deleted < bounds.sliceRows) return { total, finished: true };
      await rest(bounds, started);
    }
    return { total, finished: false };
  };
  const expired = await drain(() => deleteExpired(home, cutoff, bounds.sliceRows));
  const revoked = await drain(() => deleteRevoked(home, cutoff, bounds.sliceRows));
  const keys = await drain(() => deleteIdempotencyKeys(home, oldestKept(now), bounds.sliceRows));
  const events = await drain(() =>
    deleteEvents(home, new Date(now - policy.eventRetentionSeconds * 1000), bounds.sliceRows),
  );
  const lapsed = await drain(() => deleteLapsed(home, new Date(now), bounds.sliceRows));
  const idle = await walkForIdle(home, policy, bounds, { now, cursor: before.idleCursor, hasTime });

  const overdueSeconds = await saveState(home, { idleCursor: idle.cursor, now, cutoff });
  return {
    expired: expired.total,
    revoked: revoked.total,
    idle: idle.total,
    idempotencyKeys: keys.total,
    events: events.total,
    finished:
      expired.finished &&
      revoked.finished &&
      keys.finished &&
      events.finished &&
      lapsed.finished &&
      idle.finished,
    overdueSeconds,
    isBacklogGrowing: overdueSeconds > before.overdueSeconds,
  };
}

/**
 * Leaves the database to others for as long as the last slice held it: back to back, slices let
 * hardly anyone in between.
 */
async function rest(
  { clock, rest }: Pick<CleanupBounds, 'clock' | 'rest'>,
  started: number,
): Promise<void> {
  await rest(clock() - started);
}

async function deleteExpired(home: Home, cutoff: Date, limit: number): Promise<number> {
  const [deleted] = await transact(
    home,
    () => [deleteOldest(home, oldestExpired(home, cutoff).limit(limit))] as const,
  );
  return deleted.length;
}

async function deleteRevoked(home: Home, cutoff: Date, limit: number): Promise<number> {
  const [deleted] = await transact(
    home,
    () => [deleteOldest(home, oldestRevoked(home, cutoff).limit(limit))] as const,
  );
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
async function deleteIdempotencyKeys(home: Home, cutoff: Date, limit: number): Promise<number> {
  const { db } = home;
  const oldest = db
    .select({ rowid: sql`rowid` })
    .from(idempotencyKeys)
    .orderBy(sql`rowid`)
    .limit(limit);
  const [deleted] = await transact(
    home,
    () =>
      [
        db
          .delete(idempotencyKeys)
          .where(and(sql`rowid in ${oldest}`, lt(idempotencyKeys.createdAt, cutoff)))
          .returning({ keyHash: idempotencyKeys.keyHash }),
      ] as const,
  );
  return deleted.length;
}

/** Oldest first by seq, which follows time. What was still to be told of them goes with them. */
async function deleteEvents(home: Home, cutoff: Date, limit: number): Promise<number> {
  const oldest = home.db
    .select({ seq: sessionEvents.seq })
    .from(sessionEvents)
    .orderBy(sessionEvents.seq)
    .limit(limit);
  const isOld = and(inArray(sessionEvents.seq, oldest), lt(sessionEvents.createdAt, cutoff));
  const [deleted] = await transact(home, () => deleteEventsWhere(home, isOld));
  return deleted.length;
}

/** What says itself until when it matters. */
async function deleteLapsed(home: Home, now: Date, limit: number): Promise<number> {
  const { db } = home;
  const oldestOf = (table: typeof notBefores | typeof usedAssertions) =>
    sql`rowid in (select rowid from ${table} where ${table.expiresAt} <= ${toSeconds(now)} order by ${table.expiresAt} limit ${limit})`;
  const [users, assertions] = await transact(
    home,
    () =>
      [
        db
          .delete(notBefores)
          .where(oldestOf(notBefores))
          .returning({ subject: notBefores.subject }),
        db
          .delete(usedAssertions)
          .where(oldestOf(usedAssertions))
          .returning({ hash: usedAssertions.hash }),
      ] as const,
  );
  return Math.max(users.length, assertions.length);
}

const toSeconds = (date: Date) => Math.floor(date.getTime() / 1000);

/** Walks a bounded part of the table from `cursor` on, and starts over at its end. */
async function walkForIdle(
  home: Home,
  { sessions, retentionSeconds }: CleanupPolicy,
  bounds: CleanupBounds,
  { now, cursor: start, hasTime }: { now: number; cursor: number; hasTime: () => boolean },
): Promise<{ total: number; cursor: number; finished: boolean }> {
  if (sessions.inactivitySeconds === null) return { total: 0, cursor: 0, finished: true };
  const deadSince = Math.floor(now / 1000) - sessions.inactivitySeconds - retentionSeconds;
  const isIdle = sql`${userSessions.revokedAt} is null and coalesce(${userSessions.rotatedAt} / 1000, ${userSessions.createdAt}) < ${deadSince}`;
  let cursor = start;
  let total = 0;
  for (let slice = 0; slice < bounds.walkSlices && hasTime(); slice += 1) {
    const started = bounds.clock();
    const { upTo, deleted } = await walkSlice(home, cursor, bounds.walkRows, isIdle);
    total += deleted;
    if (upTo === null) return { total, cursor: 0, finished: true };
    cursor = upTo;
    await rest(bounds, started);
  }
  return { total, cursor, finished: hasTime() };
}

async function walkSlice(
  home: Home,
  cursor: number,
  limit: number,
  isIdle: SQL,
): Promise<{ upTo: number | null; deleted: number }> {
  const { db } = home;
  const slice = db
    .select({ rowid: sql<number>`rowid`.as('row') })
    .from(userSessions)
    .where(sql`rowid > ${cursor}`)
    .orderBy(sql`rowid`)
    .limit(limit);
  const [, bounds, deleted] = await transact(
    home,
    () =>
      [
        // The step before is done: a run that is cut off here goes on from it.
        db.update(cleanupState).set({ idleCursor: cursor }).where(sql`idle_cursor < ${cursor}`),
        db
          .select({ upTo: sql<number | null>`max(${sql.identifier('row')})` })
          .from(slice.as('slice')),
        db
          .delete(userSessions)
          .where(and(sql`rowid in ${slice}`, isIdle))
          .returning({ id: userSessions.id }),
      ] as const,
  );
  return { upTo: bounds[0]?.upTo ?? null, deleted: deleted.length };
}

async function readState(home: Home): Promise<{ idleCursor: number; overdueSeconds: number }> {
  const [, rows] = await transact(
    home,
    () =>
      [
        home.db.insert(cleanupState).values({ id: 1 }).onConflictDoNothing(),
        home.db.select().from(cleanupState),
      ] as const,
  );
  return rows[0] ?? { idleCursor: 0, overdueSeconds: 0 };
}

/** Saves where this run stopped, and returns how far behind it is. */
async function saveState(
  home: Home,
  { idleCursor, now, cutoff }: { idleCursor: number; now: number; cutoff: Date },
): Promise<number> {
  const { db } = home;
  const oldest = sql`min(
    coalesce((select min(${userSessions.expiresAt}) from ${userSessions} where ${lt(userSessions.expiresAt, cutoff)}), ${cutoff.getTime() / 1000}),
    coalesce((select min(${userSessions.revokedAt}) from ${userSessions} where ${lt(userSessions.revokedAt, cutoff)}), ${cutoff.getTime() / 1000})
  )`;
  const overdueSeconds = sql<number>`cast(${cutoff.getTime() / 1000} - ${oldest} as integer)`;
  const [saved] = await transact(
    home,
    () =>
      [
        db
          .update(cleanupState)
          .set({ idleCursor, ranAt: new Date(now), overdueSeconds })
          .returning({ overdueSeconds: cleanupState.overdueSeconds }),
      ] as const,
  );
  return saved[0]?.overdueSeconds ?? 0;
}
