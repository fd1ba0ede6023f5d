/**
 * The limit on a user's live sessions. A create checks it in the transaction that inserts, and D1
 * runs one transaction at a time, so it is exact however many creates race. A client's own limit
 * counts the client's sessions alone, and the service's those of all clients without one.
 *
 * A create reads a bounded number of rows: the user's newest open sessions that count, as many as
 * the limit and a margin for those that died of time. A user who has more is crowded, because the
 * limit was lowered or many short sessions died; then enforce-limit.ts makes room first.
 */
import { and, desc, eq, isNull, type SQL, sql } from 'drizzle-orm';
import { policyOf, type SessionPolicies, type SessionPolicy } from '../config/session-policy';
import type { Home } from '../db/d1';
import { given } from '../db/prepared';
import { LISTED_AT, sessionEvents, userSessions } from '../db/schema';
import { isOpenOf } from './open';
import { isLive, PLACEHOLDERS_OF_NOW } from './session';

/** A limit, and which sessions are live and count towards it. */
export interface SessionLimit {
  policies: SessionPolicies;
  /** null: any number. */
  max: number | null;
  evictsOldest: boolean;
  countedClient: string | null;
}

const limits = new WeakMap<SessionPolicies, Map<SessionPolicy, SessionLimit>>();

/**
 * The limit that a create for a client is under: the same object each time, so that its statements
 * are prepared once.
 */
export function limitFor(policies: SessionPolicies, clientId: string | null): SessionLimit {
  const policy = policyOf(policies, clientId);
  const known = limits.get(policies) ?? new Map<SessionPolicy, SessionLimit>();
  limits.set(policies, known);
  const { maxSessionsPerUser: max, limitPolicy, countedClient } = policy;
  const evictsOldest = max !== null && limitPolicy === 'evict_oldest';
  const limit = known.get(policy) ?? { policies, max, evictsOldest, countedClient };
  known.set(policy, limit);
  return limit;
}

const withoutLimit = new WeakMap<SessionPolicies, SessionLimit>();

/**
 * The limit for sessions of support staff: none, because they take no device of the user's away.
 */
export function noLimit(policies: SessionPolicies): SessionLimit {
  const none = { policies, max: null, evictsOldest: false, countedClient: null };
  const known = withoutLimit.get(policies) ?? none;
  withoutLimit.set(policies, known);
  return known;
}

/** SQL: the session counts towards the limit. Support staff's sessions never do. */
export function isCounted({ policies, countedClient }: SessionLimit): SQL | undefined {
  const { clientId, act } = userSessions;
  if (countedClient !== null) return and(eq(clientId, countedClient), isNull(act));
  const others = clientsWithLimit(policies);
  if (others.length === 0) return isNull(act);
  return sql`((${clientId} is null or ${clientId} not in (select value from json_each(${JSON.stringify(others)}))) and ${act} is null)`;
}

/** The clients that have a limit of their own. */
const clientsWithLimit = ({ byClient }: SessionPolicies) =>
  [...byClient.values()].flatMap(({ countedClient }) => countedClient ?? []);

/** The statement that counts a user's open sessions, by the limit towards which they count. */
export function countOpen({ db }: Home, policies: SessionPolicies, userId: string) {
  const own = JSON.stringify(clientsWithLimit(policies));
  const { clientId } = userSessions;
  const counted = sql<
    string | null
  >`case when ${clientId} in (select value from json_each(${own})) then ${clientId} end`.as(
    'counted',
  );
  return db
    .select({ counted, open: sql<number>`count(*)`.as('open') })
    .from(userSessions)
    .where(and(isOpenOf(userId), isNull(userSessions.act)))
    .groupBy(sql`counted`);
}

/** The limits that may be exceeded by so many open sessions, of which some may be over by time. */
export function findExceeded(
  policies: SessionPolicies,
  counts: readonly { counted: string | null; open: number }[],
): SessionLimit[] {
  return counts
    .map(({ counted, open }) => ({ limit: limitFor(policies, counted), open }))
    .filter(({ limit: { max }, open }) => max !== null && open > max)
    .map(({ limit }) => limit);
}

/** Open sessions beside the live ones that a create looks through. */
const MARGIN = 100;

const isOpenAndCounted = (limit: SessionLimit) => and(isOpenOf(given('userId')), isCounted(limit));

/** SQL: there are this many open sessions of the user that count, or more. */
function hasOpen(limit: SessionLimit, count: number): SQL {
  const nth = sql`select 1 from ${userSessions} where ${isOpenAndCounted(limit)} limit 1 offset ${count - 1}`;
  return sql`exists (${nth})`;
}

/** SQL: the ids of the newest live sessions that count, from the one at `skip` on. */
function newestLive(limit: SessionLimit, max: number, skip: number): SQL {
  // Of rows of the same second, the one that was written last is the newest.
  const newest = sql`select *, rowid as written from ${userSessions} where ${isOpenAndCounted(limit)} order by ${desc(LISTED_AT)}, rowid desc limit ${max + MARGIN}`;
  return sql`select id from (${newest}) as ${userSessions} where ${isLive(limit.policies, PLACEHOLDERS_OF_NOW)} order by ${desc(LISTED_AT)}, written desc limit 1 offset ${skip}`;
}

/** SQL: the user has as many live sessions as the limit allows, or more. */
export function isAtLimit(limit: SessionLimit): SQL<number> {
  const { max } = limit;
  return max === null ? sql`0` : sql`exists (${newestLive(limit, max, max - 1)})`;
}

/** SQL: one more session is within the user's limit. Policy `evict_oldest` always makes room. */
export function hasRoom(limit: SessionLimit): SQL {
  const { max, evictsOldest } = limit;
  if (max === null || evictsOldest) return sql`true`;
  // With fewer open sessions than the limit, no session has to be looked at.
  return sql`(not ${hasOpen(limit, max)} or not ${isAtLimit(limit)} and not ${hasOpen(limit, max + MARGIN + 1)})`;
}

/** SQL: the id of the session that has to end, so that one more is within the limit; else NULL. */
export function oldestAtLimit(limit: SessionLimit, max: number): SQL {
  return sql`case when ${hasOpen(limit, max)} then (${newestLive(limit, max, max - 1)}) end`;
}

/**
 * SQL: the user is crowded. The rows that a create reads do not tell how many live sessions the
 * user has, or those are more than the limit even after one was evicted.
 */
export function isCrowded(limit: SessionLimit): SQL<number> {
  const { max } = limit;
  if (max === null) return sql`0`;
  const hasEvicted = sql`exists (select 1 from ${sessionEvents} where id = ${given('evictedId')})`;
  const hasOneMore = sql`exists (${newestLive(limit, max, max)})`;
  return sql`(${hasOpen(limit, max + MARGIN + 1)} or iif(${hasEvicted}, ${hasOneMore}, 0))`;
}
