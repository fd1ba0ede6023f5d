/**
 * Whether a session is live, and why it is not; and whether its last rotation is within the grace
 * period. Each rule stands here twice, side by side: as a pure function over a row and as the SQL
 * condition that a statement decides by. A test holds them to the same answers.
 */
import { and, eq, getTableColumns, isNull, or, type SQL, sql } from 'drizzle-orm';
import { policyOf, type SessionPolicies } from '../config/session-policy';
import { given, prepareOnce, type Values } from '../db/prepared';
import { EVERYONE, notBefores, SUBJECT, userSessions } from '../db/schema';
import { type EndReason, type RevokedReason, toEndReason } from './end-reason';
import { type Policies, toGraceSql, toInactivitySql } from './policy-sql';

export type Session = typeof userSessions.$inferSelect;

/** A session with everything that decides whether it is live. */
export interface SessionWithNotBefore extends Session {
  /** 1: the session began before a not-before of its user or its home. */
  isBeforeNotBefore: number;
}

/**
 * The answer of a rule about a session that has left this home. It is no end to tell anybody of,
 * because the session lives on in the other home. The types lead such an answer to
 * service/follow-session.ts, and nowhere else.
 */
export const MOVED = Symbol('moved');
export type Moved = typeof MOVED;

const toSeconds = (milliseconds: number) => Math.floor(milliseconds / 1000);

/** When the session was last used: its last rotation, else its creation. */
export function lastUsedAt({
  rotatedAt,
  createdAt,
}: Pick<Session, 'rotatedAt' | 'createdAt'>): Date {
  return rotatedAt ?? createdAt;
}

/** When the session ends of inactivity unless it is used before; null: never. Whole seconds. */
export function idleExpiresAt(
  session: Pick<Session, 'rotatedAt' | 'createdAt' | 'clientId'>,
  policies: SessionPolicies,
): Date | null {
  const { inactivitySeconds } = policyOf(policies, session.clientId);
  if (inactivitySeconds === null) return null;
  return new Date((toSeconds(lastUsedAt(session).getTime()) + inactivitySeconds) * 1000);
}

/** When the session ends, by time or of inactivity, unless it is used before; null: never. */
export function endsAt(
  session: Pick<Session, 'rotatedAt' | 'createdAt' | 'expiresAt' | 'clientId'>,
  policies: SessionPolicies,
): Date | null {
  const ends = [session.expiresAt, idleExpiresAt(session, policies)]
    .filter((end) => end !== null)
    .map((end) => end.getTime());
  return ends.length === 0 ? null : new Date(Math.min(...ends));
}

const beganBefore = (subject: SQL) =>
  sql`ifnull(${userSessions.createdAt} < (select ${notBefores.notBefore} from ${notBefores} where ${notBefores.subject} = ${subject}), 0)`;

/**
 * SQL: 1 for a session that began before a not-before. Two look-ups by primary key, which mostly
 * find nothing and then read no row.
 */
export const isBeforeNotBefore =
  sql<number>`(${beganBefore(sql.raw(`'${EVERYONE}'`))} or ${beganBefore(SUBJECT)})`.as(
    'is_before_not_before',
  );

const sessionById = prepareOnce((db) =>
  db
    .select({ ...getTableColumns(userSessions), isBeforeNotBefore })
    .from(userSessions)
    .where(eq(userSessions.id, sql.placeholder('id'))),
);

/** The statement that reads a session, with what `checkSession` needs to know. */
export function selectSession(id: string) {
  return sessionById({ id });
}

/**
 * Why the session is over at `now` (ms), or null while it is live. A session is over from the
 * second of its expiry on.
 */
export function checkSession(
  session: Pick<
    SessionWithNotBefore,
    | 'rotatedAt'
    | 'createdAt'
    | 'expiresAt'
    | 'clientId'
    | 'revokedAt'
    | 'revokedReason'
    | 'movedTo'
    | 'isBeforeNotBefore'
  >,
  policies: SessionPolicies,
  now: number,
): EndReason | Moved | null {
  if (session.movedTo !== null) return MOVED;
  if (session.revokedAt !== null) return toEndReason(session.revokedReason);
  if (session.isBeforeNotBefore !== 0) return 'revoked';
  const second = toSeconds(now) * 1000;
  if (session.expiresAt !== null && session.expiresAt.getTime() <= second)
    return 'expired_absolute';
  const idleEnd = idleExpiresAt(session, policies);
  if (idleEnd !== null && idleEnd.getTime() <= second) return 'expired_idle';
  return null;
}

/**
 * Whether an access token of the session is stale that was issued in this second: the session says
 * something else since, and goes on by a refresh.
 */
export function isStale(
  { tokensNotBefore }: Pick<Session, 'tokensNotBefore'>,
  issuedAt: number,
): boolean {
  return tokensNotBefore !== null && issuedAt * 1000 < tokensNotBefore.getTime();
}

/** Milliseconds; or the placeholders for the time in a prepared statement. */
type Now = number | typeof PLACEHOLDERS_OF_NOW;

export const PLACEHOLDERS_OF_NOW = { second: given('second'), now: given('now') };

/** The values of `PLACEHOLDERS_OF_NOW`. */
export function toValuesOfNow(now: number) {
  return { second: toSeconds(now), now } satisfies Values;
}

const atTime = (now: Now) => (typeof now === 'number' ? toValuesOfNow(now) : now);

/** SQL twin of `checkSession(…) === null`. */
export function isLive(policies: Policies, now: Now): SQL {
  const { second } = atTime(now);
  return and(
    isNull(userSessions.revokedAt),
    isNull(userSessions.movedTo),
    or(isNull(userSessions.expiresAt), sql`${userSessions.expiresAt} > ${second}`),
    sql`coalesce(${userSessions.rotatedAt} / 1000, ${userSessions.createdAt}) + ${toInactivitySql(policies)} > ${second}`,
    sql`not ${isBeforeNotBefore.sql}`,
  ) as SQL;
}

/** SQL: why a session that is open but not live is over, as `checkSession` says it. */
export function toDeathReason(now: number): SQL {
  const { second } = toValuesOfNow(now);
  const reasons = {
    notBefore: 'revoked',
    absolute: 'expired_absolute',
    idle: 'expired_idle',
  } as const satisfies Record<string, RevokedReason>;
  return sql`case when ${isBeforeNotBefore.sql} then ${reasons.notBefore} when ${userSessions.expiresAt} <= ${second} then ${reasons.absolute} else ${reasons.idle} end`;
}

/**
 * SQL: the last rotation is within the grace period. With no grace period, nothing is, whatever the
 * clocks say.
 */
export function isWithinGrace(policies: Policies, at: Now): SQL {
  const { now } = atTime(at);
  const grace = toGraceSql(policies);
  return sql`(${grace} > 0 and coalesce(${userSessions.rotatedAt}, 0) > ${now} - ${grace})`;
}

/** Pure twin of `isWithinGrace`. */
export function wasRotatedWithinGrace(
  session: Pick<Session, 'rotatedAt' | 'clientId'>,
  policies: SessionPolicies,
  now: number,
): boolean {
  const { graceSeconds } = policyOf(policies, session.clientId);
  if (graceSeconds === 0) return false;
  return (session.rotatedAt?.getTime() ?? 0) > now - graceSeconds * 1000;
}

/** SQL: the session is of this user's id, or of the guest whose session id this is. */
export function belongsToSubject(subject: string): SQL {
  return sql`(${userSessions.userId} = ${subject} or ${userSessions.id} = ${subject} and ${userSessions.userId} is null)`;
}
