/**
 * The statements of a create, prepared once for each limit. Each carries the same condition, so
 * that a create either happens whole or leaves nothing behind. A value that the session, or its
 * create, does not have is NULL, and then its part of the condition holds.
 */
import { and, eq, isNotNull, isNull, not, or, type SQL, sql } from 'drizzle-orm';
import { insertWhere } from '../db/insert-where';
import { given, prepareOnce, prepareOncePer, type Values } from '../db/prepared';
import { sessionEvents, usedAssertions, userSessions, users } from '../db/schema';
import { insertEvents } from '../security-log/record';
import type { RevokedReason } from './end-reason';
import { claimKey, IS_CLAIMED } from './idempotency';
import { hasRoom, isAtLimit, isCrowded, oldestAtLimit, type SessionLimit } from './limits';
import type { Session } from './session';
import { startStatements } from './start-events';
import { IS_CREATED, isGuest } from './upgrade-guest';

const HAS_MOVED = sql`exists (select 1 from ${users} where ${eq(users.id, given('userId'))} and ${isNotNull(users.movedTo)})`;
const IS_USED = sql`exists (select 1 from ${usedAssertions} where ${eq(usedAssertions.hash, given('assertion'))})`;

/** Support staff act only as a user who exists. */
const HAS_USER = sql`exists (select 1 from ${users} where ${eq(users.id, given('userId'))})`;

function guestIsThere({ policies }: SessionLimit): SQL {
  return sql`exists (select 1 from ${userSessions} where ${isGuest(policies)})`;
}

function mayStart(limit: SessionLimit): SQL | undefined {
  return and(
    not(HAS_MOVED),
    not(IS_USED),
    hasRoom(limit),
    // This is asked only for a session of support staff, so that no other create reads a row for
    // it.
    sql`iif(${given('act')} is null, 1, ${HAS_USER})`,
    or(sql`${given('guestSessionId')} is null`, guestIsThere(limit)),
  );
}

/**
 * The condition of all statements but the first. The first one claims the idempotency key, and does
 * so only where the create may happen. So where this create's own salt is in the key's row, the
 * others need not ask again; a repeat finds the salt of the first create there, and changes
 * nothing.
 */
function starts(limit: SessionLimit): SQL {
  return sql`iif(${given('salt')} is null, ${mayStart(limit)}, ${IS_CLAIMED})`;
}

const claim = prepareOncePer((db, limit: SessionLimit) => claimKey(db, mayStart(limit)));

const insertUser = prepareOncePer((db, limit: SessionLimit) => {
  const user = { id: given('userId'), createdAt: given('second'), moves: 0 };
  return insertWhere(db, users, user, starts(limit));
});

const logEviction = prepareOncePer((db, limit: SessionLimit) => {
  const event = {
    id: given('evictedId'),
    type: 'session_evicted',
    details: JSON.stringify({ by: 'system', reason: 'evicted' }),
    requestId: given('requestId'),
    second: given('second'),
  } as const;
  const { max } = limit;
  if (max === null) throw new Error('nothing is evicted without a limit');
  const isOldest = eq(userSessions.id, sql`(${oldestAtLimit(limit, max)})`);
  return insertEvents(db, event, and(isOldest, starts(limit), not(IS_CREATED)));
});

/** Ends the session that the event of `logEviction` is about. */
const evict = prepareOnce((db) => {
  const evicted = sql`(select ${sessionEvents.sessionId} from ${sessionEvents} where ${eq(sessionEvents.id, given('evictedId'))})`;
  return db
    .update(userSessions)
    .set({ revokedAt: sql`${given('second')}`, revokedReason: 'evicted' satisfies RevokedReason })
    .where(and(eq(userSessions.id, evicted), isNull(userSessions.revokedAt)));
});

/** The columns that are NULL when a session begins. All others need a value here. */
type NotSetAtCreation =
  | 'rotatedAt'
  | 'revokedAt'
  | 'revokedReason'
  | 'movedTo'
  | 'recoveries'
  | 'beforeStepUp'
  | 'tokensNotBefore';

const insertSession = prepareOncePer((db, limit: SessionLimit) => {
  const session = {
    id: given('sessionId'),
    userId: given('userId'),
    refreshToken: given('refreshToken'),
    userAgent: given('userAgent'),
    ipAddress: given('ipAddress'),
    createdAt: given('second'),
    expiresAt: given('expiresAt'),
    clientId: given('clientId'),
    authTime: given('authTime'),
    amr: given('amr'),
    acr: given('acr'),
    claims: given('claims'),
    lastSignals: given('lastSignals'),
    label: given('label'),
    metadata: given('metadata'),
    act: given('act'),
    persistent: given('persistent'),
    scopes: given('scopes'),
    audiences: given('audiences'),
    issuedName: given('issuedName'),
    moves: 0,
    idempotencyKeyHash: given('keyHash'),
  } satisfies Record<Exclude<keyof Session, NotSetAtCreation>, unknown>;
  return insertWhere(db, userSessions, session, starts(limit));
});

const useAssertion = prepareOnce((db) => {
  const assertion = { hash: given('assertion'), expiresAt: given('assertionEndsAt') };
  return insertWhere(db, usedAssertions, assertion, IS_CREATED);
});

const START = {
  sessionId: given('sessionId'),
  userId: given('userId'),
  createdId: given('createdId'),
  newDeviceId: given('newDeviceId'),
  details: given('startDetails'),
  browser: given('browser'),
  platform: given('platform'),
  requestId: given('requestId'),
  second: given('second'),
};
const isOwn = eq(userSessions.id, given('sessionId'));
export const logStart = prepareOnce((db) => startStatements(db, START, isOwn).created);
export const logSupport = prepareOnce((db) => startStatements(db, START, isOwn).support);
export const logNewDevice = prepareOnce((db) => startStatements(db, START, isOwn).newDevice);

/** Reads whether the session is there, and whether its user is crowded (sessions/limits.ts). */
export const readOutcome = prepareOncePer((db, limit: SessionLimit) =>
  db
    .select({ id: userSessions.id, isCrowded: isCrowded(limit).as('is_crowded') })
    .from(userSessions)
    .where(isOwn),
);

/** Reads why there is no session: a transaction does not say which of its conditions failed. */
export const readRefusal = prepareOncePer((db, limit: SessionLimit) =>
  db
    .select({
      hasMoved: sql<number>`${HAS_MOVED}`.as('has_moved'),
      isUsed: sql<number>`${IS_USED}`.as('is_used'),
      hasUser: sql<number>`${HAS_USER}`.as('has_user'),
      hasGuest: sql<number>`${guestIsThere(limit)}`.as('has_guest'),
      isAtLimit: isAtLimit(limit).as('is_at_limit'),
      isCrowded: isCrowded(limit).as('is_crowded'),
    })
    .from(sql`(select 1)`),
);

/** The statements up to the session's own, and those of what it uses up. */
export function insertStart(limit: SessionLimit, values: Values, mayEvict: boolean) {
  return {
    claimed: values.salt === null ? null : claim(limit, values),
    user: values.userId === null || values.act !== null ? null : insertUser(limit, values),
    evictionLogged: mayEvict ? logEviction(limit, values) : null,
    evicted: mayEvict ? evict(values) : null,
    session: insertSession(limit, values),
    assertionUsed: values.assertion === null ? null : useAssertion(values),
  };
}
