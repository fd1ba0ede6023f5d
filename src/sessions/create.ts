/**
 * Starting a session: the user's row on first sight, room under the limit, the session, and the end
 * of the guest session that it replaces, all in one transaction and one round trip. Every statement
 * carries the same condition, so that a create either happens whole or leaves nothing behind.
 *
 * A create with an idempotency key draws its first secret from a random salt in the database and a
 * key that is not: a repeat makes the same refresh token again, and neither the database nor the
 * key alone can make it.
 */
import {
  and,
  eq,
  exists,
  getTableColumns,
  isNotNull,
  isNull,
  lte,
  not,
  type SQL,
  sql,
} from 'drizzle-orm';
import type { BatchItem } from 'drizzle-orm/batch';
import type { SQLiteTable } from 'drizzle-orm/sqlite-core';
import type { Grant } from '../config/authority';
import type { SessionPolicy } from '../config/config';
import {
  eachSecret,
  hmacSha256,
  type Keyring,
  randomSecret,
  type SecretKeys,
  sha256,
} from '../crypto';
import { type Home, transact } from '../db/d1';
import { idempotencyKeys, sessionEvents, usedAssertions, userSessions, users } from '../db/schema';
import type { Signals } from '../risk/signals';
import {
  type Actor,
  type RecordedEvent,
  type Reporting,
  recordWhere,
  reportTo,
} from '../security-log/record';
import { oldestKept } from './idempotency-age';
import { evictOldest, hasRoom } from './limits';
import { isReached } from './reach';
import {
  checkSession,
  isBeforeNotBefore,
  isLive,
  type KnownSession,
  type RevokedReason,
  type Session,
} from './session';
import { recordStart } from './start-events';

export interface NewSession {
  /** null: a guest. */
  userId: string | null;
  /** The app that the session is for. */
  clientId: string;
  /** Who asked for it, which the grant has to allow for `clientId` and the guest. */
  startedBy: { by: Actor; grant: Grant<'create_sessions' | 'sign_in'> };
  userAgent: string | null;
  ipAddress: string | null;
  /** null: no limit by time. */
  expiresAt: Date | null;
  authTime: Date | null;
  amr: string[] | null;
  acr: string | null;
  claims: Record<string, unknown> | null;
  /** What is known of the device and where it is; what the first refresh is compared with. */
  signals: Signals;
  /** The guest session that becomes the user's: it is revoked. */
  guestSessionId: string | null;
}

/** `key` is unique within `clientId`, the caller; `request` is what a repeat must be equal to. */
export interface Idempotency {
  clientId: string;
  key: string;
  request: string;
}

/** The ID token that the session is for, which is used up by it (RFC 7523 §3). */
export interface UsedAssertion {
  hash: string;
  expiresAt: Date;
}

/** `user_moved`: to another home, since it was asked for. */
type RefusedReason =
  | 'session_limit_reached'
  | 'guest_session_not_found'
  | 'assertion_used'
  | 'user_moved';

export type CreateResult =
  | { ok: true; session: Session; secret: string; events: RecordedEvent[]; isRepeat: boolean }
  | { ok: false; reason: RefusedReason }
  /**
   * The key was used for another request; or its session has moved on, so that its first token is
   * no longer good.
   */
  | { ok: false; reason: 'idempotency_key_reused' | 'idempotent_session_moved_on' };

/** Further than a user can have sessions. */
const MANY = 100_000;

/** Starts a session for a user (or a guest) that the caller has authenticated. One round trip. */
export async function createSession(
  home: Home,
  keyring: Keyring,
  policy: SessionPolicy,
  input: NewSession,
  {
    now,
    reporting,
    idempotency = null,
    assertion = null,
    isHandedOff = false,
  }: {
    now: number;
    reporting: Reporting;
    idempotency?: Idempotency | null;
    assertion?: UsedAssertion | null;
    /** A browser will fetch it, and its start is reported then (exchange-handoff.ts). */
    isHandedOff?: boolean;
  },
): Promise<CreateResult> {
  const sessionId = crypto.randomUUID();
  const claim =
    idempotency === null
      ? null
      : await toClaim(keyring, idempotency, { salt: randomSecret(), sessionId, now });
  const secret = claim === null ? randomSecret() : await drawSecret(keyring.current, claim);
  const session = await toRow(input, {
    sessionId,
    secret,
    idempotencyKeyHash: claim?.keyHash ?? null,
    now,
  });

  const { db } = home;
  const { userId, guestSessionId, startedBy } = input;
  if (!startedBy.grant.includes(input.clientId))
    throw new Error('the grant does not reach the client of the session');
  const createdAt = new Date(now);
  const isGuest = and(
    eq(userSessions.id, guestSessionId ?? ''),
    isReached(userSessions.clientId, startedBy.grant),
    isNull(userSessions.userId),
    isLive(policy, now),
  );
  const isUsed = exists(
    db
      .select({ one: sql`1` })
      .from(usedAssertions)
      .where(eq(usedAssertions.hash, assertion?.hash ?? '')),
  );
  const hasMoved = exists(
    db
      .select({ one: sql`1` })
      .from(users)
      .where(and(eq(users.id, userId ?? ''), isNotNull(users.movedTo))),
  );
  const allowed = and(
    userId === null ? undefined : not(hasMoved),
    assertion === null ? undefined : not(isUsed),
    userId === null ? undefined : hasRoom(home, userId, policy, now),
    guestSessionId === null
      ? undefined
      : exists(db.select({ one: sql`1` }).from(userSessions).where(isGuest)),
  );
  // Once the key is claimed, the claim stands for `allowed`; a repeat finds the first one's claim,
  // and changes nothing.
  const claimed =
    claim &&
    exists(
      db.select({ one: sql`1` }).from(idempotencyKeys).where(eq(idempotencyKeys.salt, claim.salt)),
    );
  const condition = claimed ?? allowed;
  const isCreated = exists(
    db.select({ one: sql`1` }).from(userSessions).where(eq(userSessions.id, sessionId)),
  );

  const statements: BatchItem<'sqlite'>[] = [];
  if (claim !== null) statements.push(claimKey(home, claim, allowed, now));
  if (userId !== null)
    statements.push(insertWhere(home, users, { id: userId, createdAt, moves: 0 }, condition));
  if (
    userId !== null &&
    policy.maxSessionsPerUser !== null &&
    policy.limitPolicy === 'evict_oldest'
  )
    statements.push(
      ...evictOldest(home, userId, policy, {
        keep: policy.maxSessionsPerUser - 1,
        condition: and(condition, not(isCreated)),
        reporting,
        now,
      }),
    );
  statements.push(insertWhere(home, userSessions, session, condition));
  if (assertion !== null) {
    const { hash, expiresAt } = assertion;
    statements.push(insertWhere(home, usedAssertions, { hash, expiresAt }, isCreated));
  }
  if (guestSessionId !== null) {
    const upgraded = { revokedAt: createdAt, revokedReason: 'upgraded' satisfies RevokedReason };
    const event = {
      id: null,
      type: 'session_revoked',
      details: { by: 'client', reason: 'upgraded' },
    } as const;
    const isUpgraded = and(isGuest, isCreated);
    statements.push(
      recordWhere(home, event, { condition: isUpgraded, requestId: reporting.requestId, now }),
    );
    statements.push(db.update(userSessions).set(upgraded).where(isUpgraded));
  }
  if (!isHandedOff) {
    const { by, grant } = startedBy;
    const start = { sessionId, userId, by, clientId: grant.clientId, signals: input.signals };
    const own = { condition: eq(userSessions.id, sessionId), requestId: reporting.requestId, now };
    statements.push(...recordStart(home, start, own).statements);
  }
  if (guestSessionId !== null && userId !== null)
    statements.push(...adoptGuest(home, guestSessionId, userId, isCreated));
  const written = { subject: userId ?? sessionId, atMost: MANY };
  const report = reportTo(home, reporting, { written, now });
  statements.push(...report.deliveries, report.readBack);
  statements.push(
    claim === null
      ? db
          .select({ session: userSessions, isBeforeNotBefore, claim: sql<null>`null` })
          .from(userSessions)
          .where(eq(userSessions.id, sessionId))
      : db
          .select({ session: userSessions, isBeforeNotBefore, claim: firstClaim })
          .from(idempotencyKeys)
          .leftJoin(userSessions, eq(userSessions.id, idempotencyKeys.sessionId))
          .where(eq(idempotencyKeys.keyHash, claim.keyHash)),
  );
  const results: unknown[] = await transact(home, () => statements as [BatchItem<'sqlite'>]);
  const found = (
    results.at(-1) as {
      session: Session | null;
      isBeforeNotBefore: number;
      claim: FirstClaim | null;
    }[]
  )[0];

  if (found === undefined) return { ok: false, reason: await whyRefused() };
  if (
    idempotency !== null &&
    claim !== null &&
    found.claim !== null &&
    found.claim.salt !== claim.salt
  )
    return repeat(keyring, policy, idempotency, {
      first: found.claim,
      session: found.session && { ...found.session, isBeforeNotBefore: found.isBeforeNotBefore },
      now,
    });
  return { ok: true, session, secret, events: results.at(-2) as RecordedEvent[], isRepeat: false };

  /** Asked once more, because a transaction does not say which of its conditions failed. */
  async function whyRefused(): Promise<RefusedReason> {
    const guest = db.select({ one: sql`1` }).from(userSessions).where(isGuest);
    const asked = {
      moved: sql<number>`${hasMoved}`,
      used: sql<number>`${isUsed}`,
      guest: sql<number>`${exists(guest)}`,
    };
    const [answers] = await transact(home, () => [db.select(asked).from(sql`(select 1)`)] as const);
    if (answers[0]?.moved === 1) return 'user_moved';
    if (assertion !== null && answers[0]?.used === 1) return 'assertion_used';
    return guestSessionId !== null && answers[0]?.guest === 0
      ? 'guest_session_not_found'
      : 'session_limit_reached';
  }
}

/**
 * What is held of the guest is held of the user from now on: the row and the log are theirs to see,
 * move along, and go when the user is erased.
 */
function adoptGuest(
  { db }: Home,
  guestSessionId: string,
  userId: string,
  isCreated: SQL,
): BatchItem<'sqlite'>[] {
  const isUpgraded = and(
    eq(userSessions.id, guestSessionId),
    isNull(userSessions.userId),
    eq(userSessions.revokedReason, 'upgraded' satisfies RevokedReason),
  );
  return [
    db.update(userSessions).set({ userId }).where(and(isUpgraded, isCreated)),
    db
      .update(sessionEvents)
      .set({ subject: userId })
      .where(and(eq(sessionEvents.subject, guestSessionId), isCreated)),
  ];
}

type Claim = typeof idempotencyKeys.$inferSelect;

/**
 * What a repeat needs of the first claim. A batch's rows go by column name, and the session has a
 * `created_at` too.
 */
const { createdAt: _, ...firstClaim } = getTableColumns(idempotencyKeys);
type FirstClaim = Omit<Claim, 'createdAt'>;

/** The first answer again, as long as it is still good. */
async function repeat(
  keyring: Keyring,
  policy: SessionPolicy,
  { request }: Idempotency,
  { first, session, now }: { first: FirstClaim; session: KnownSession | null; now: number },
): Promise<CreateResult> {
  for (const keys of eachSecret(keyring)) {
    if (first.fingerprint !== (await toFingerprint(keys, request))) continue;
    const secret = await drawSecret(keys, first);
    const isGood = session !== null && checkSession(session, policy, now) === null;
    if (!isGood || session.refreshToken !== (await sha256(secret)))
      return { ok: false, reason: 'idempotent_session_moved_on' };
    return { ok: true, session, secret, events: [], isRepeat: true };
  }
  return { ok: false, reason: 'idempotency_key_reused' };
}

async function toClaim(
  { current }: Keyring,
  { clientId, key, request }: Idempotency,
  { salt, sessionId, now }: { salt: string; sessionId: string; now: number },
): Promise<Claim> {
  return {
    keyHash: await toKeyHash({ clientId, key }),
    fingerprint: await toFingerprint(current, request),
    salt,
    sessionId,
    createdAt: new Date(now),
  };
}

/** What is stored of a key. */
export function toKeyHash({
  clientId,
  key,
}: Pick<Idempotency, 'clientId' | 'key'>): Promise<string> {
  return sha256(JSON.stringify([clientId, key]));
}

/** Keyed, because a request holds addresses, which a bare hash would not hide. */
function toFingerprint({ idempotency }: SecretKeys, request: string): Promise<string> {
  return hmacSha256(idempotency, `request|${request}`);
}

function drawSecret({ idempotency }: SecretKeys, { salt, sessionId }: FirstClaim): Promise<string> {
  return hmacSha256(idempotency, `secret|${sessionId}|${salt}`);
}

async function toRow(
  input: NewSession,
  {
    sessionId,
    secret,
    idempotencyKeyHash,
    now,
  }: { sessionId: string; secret: string; idempotencyKeyHash: string | null; now: number },
): Promise<Session> {
  const { userId, clientId, userAgent, ipAddress, expiresAt, authTime, amr, acr, claims, signals } =
    input;
  return {
    id: sessionId,
    userId,
    refreshToken: await sha256(secret),
    userAgent,
    ipAddress,
    createdAt: new Date(Math.floor(now / 1000) * 1000),
    expiresAt,
    clientId,
    rotatedAt: null,
    revokedAt: null,
    revokedReason: null,
    authTime,
    amr: amr && JSON.stringify(amr),
    acr,
    claims: claims && JSON.stringify(claims),
    lastSignals: JSON.stringify(signals),
    movedTo: null,
    recoveries: null,
    beforeStepUp: null,
    moves: 0,
    idempotencyKeyHash,
  };
}

/** Claims the key, unless it was claimed within the time that a create can be repeated. */
function claimKey(home: Home, claim: Claim, condition: SQL | undefined, now: number) {
  const { keyHash: _, ...renewed } = claim;
  return selectInto(home, idempotencyKeys, claim, condition).onConflictDoUpdate({
    target: idempotencyKeys.keyHash,
    set: renewed,
    setWhere: lte(idempotencyKeys.createdAt, oldestKept(now)),
  });
}

/**
 * INSERT … SELECT … WHERE condition ON CONFLICT DO NOTHING, so that running it twice is as good as
 * once.
 */
function insertWhere<T extends SQLiteTable>(
  home: Home,
  table: T,
  row: Partial<T['$inferSelect']>,
  condition: SQL | undefined,
) {
  return selectInto(home, table, row, condition).onConflictDoNothing();
}

function selectInto<T extends SQLiteTable>(
  home: Home,
  table: T,
  row: Partial<T['$inferSelect']>,
  condition: SQL | undefined,
) {
  const values = Object.entries(getTableColumns(table)).map(([name, column]) =>
    sql.param(row[name as keyof typeof row] ?? null, column),
  );
  return home.db
    .insert(table)
    .select(sql`select ${sql.join(values, sql`, `)} where ${condition ?? sql`true`}`);
}
