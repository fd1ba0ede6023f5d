/**
 * The limit on a user's live sessions. A create checks it in the transaction that inserts, and D1
 * runs one transaction at a time, so it is exact however many creates race.
 *
 * A create reads a bounded number of rows: of the user's open sessions the newest, as many as the
 * limit and a margin for those that died of time. Where there are more, the user is crowded, by a
 * limit that was lowered or a crowd of short sessions, and enforce-limit.ts makes room for once.
 */
import { desc, type SQL, sql } from 'drizzle-orm';
import type { SessionPolicy } from '../config/config';
import { given } from '../db/prepared';
import { LISTED_AT, sessionEvents, userSessions } from '../db/schema';
import { isOpenOf } from './open';
import { isLive, PLACEHOLDERS_OF_NOW } from './session';

/** Open sessions beside the live ones that a create looks through. */
const MARGIN = 100;

/** SQL: there are this many open sessions of the user, or more. */
function hasOpen(count: number): SQL {
  const nth = sql`select 1 from ${userSessions} where ${isOpenOf(given('userId'))} limit 1 offset ${count - 1}`;
  return sql`exists (${nth})`;
}

/** SQL: the ids of the newest live sessions, from the one at `skip` on. */
function newestLive(policy: SessionPolicy, limit: number, skip: number): SQL {
  // Of one second, the row that was written last is the newest.
  const newest = sql`select *, rowid as written from ${userSessions} where ${isOpenOf(given('userId'))} order by ${desc(LISTED_AT)}, rowid desc limit ${limit + MARGIN}`;
  return sql`select id from (${newest}) as ${userSessions} where ${isLive(policy, PLACEHOLDERS_OF_NOW)} order by ${desc(LISTED_AT)}, written desc limit 1 offset ${skip}`;
}

/** SQL: the user has as many live sessions as the limit allows, or more. */
export function isAtLimit(policy: SessionPolicy): SQL<number> {
  const { maxSessionsPerUser: limit } = policy;
  return limit === null ? sql`0` : sql`exists (${newestLive(policy, limit, limit - 1)})`;
}

/** SQL: one more session is within the user's limit. Policy `evict_oldest` always makes room. */
export function hasRoom(policy: SessionPolicy): SQL {
  const { maxSessionsPerUser: limit, limitPolicy } = policy;
  if (limit === null || limitPolicy !== 'reject') return sql`true`;
  // With fewer open sessions than the limit none is looked at.
  return sql`(not ${hasOpen(limit)} or not ${isAtLimit(policy)} and not ${hasOpen(limit + MARGIN + 1)})`;
}

/** A create above the limit ends another session. */
export function evictsOldest({ maxSessionsPerUser, limitPolicy }: SessionPolicy): boolean {
  return maxSessionsPerUser !== null && limitPolicy === 'evict_oldest';
}

/** SQL: the id of the session that has to end, so that one more is within the limit; else NULL. */
export function oldestAtLimit(policy: SessionPolicy, limit: number): SQL {
  return sql`case when ${hasOpen(limit)} then (${newestLive(policy, limit, limit - 1)}) end`;
}

/**
 * SQL: what a create looks at does not tell how many live sessions the user has, or they are more
 * than the limit even after the one of the event ended.
 */
export function isCrowded(policy: SessionPolicy): SQL<number> {
  const { maxSessionsPerUser: limit } = policy;
  if (limit === null) return sql`0`;
  const hasEvicted = sql`exists (select 1 from ${sessionEvents} where id = ${given('evictedId')})`;
  const hasOneMore = sql`exists (${newestLive(policy, limit, limit)})`;
  return sql`(${hasOpen(limit + MARGIN + 1)} or iif(${hasEvicted}, ${hasOneMore}, 0))`;
}
