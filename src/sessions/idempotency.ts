/**
 * Creates that can be repeated. A create with an idempotency key draws its first secret from a
 * random salt in the database and a key that is not: a repeat makes the same refresh token again,
 * and neither the database nor the key alone can make it.
 */
import { eq, getTableColumns, lte, type SQL, sql } from 'drizzle-orm';
import type { SessionPolicies } from '../config/session-policy';
import { eachSecret, hmacSha256, type Keyring, type SecretKeys, sha256 } from '../crypto';
import type { Home } from '../db/d1';
import { selectInto } from '../db/insert-where';
import { given, prepareOnce } from '../db/prepared';
import { idempotencyKeys, userSessions } from '../db/schema';
import { checkSession, isBeforeNotBefore, type SessionWithNotBefore } from './session';

/** `key` is unique within `clientId`, the caller; `request` is what a repeat must be equal to. */
export interface Idempotency {
  clientId: string;
  key: string;
  request: string;
}

export type Claim = Omit<typeof idempotencyKeys.$inferSelect, 'createdAt'>;

/** The hash that is stored of an idempotency key. */
export function toKeyHash({
  clientId,
  key,
}: Pick<Idempotency, 'clientId' | 'key'>): Promise<string> {
  return sha256(JSON.stringify([clientId, key]));
}

export async function toClaim(
  { current }: Keyring,
  { clientId, key, request }: Idempotency,
  { salt, sessionId }: { salt: string; sessionId: string },
): Promise<Claim> {
  const keyHash = await toKeyHash({ clientId, key });
  return { keyHash, fingerprint: await toFingerprint(current, request), salt, sessionId };
}

/** SQL: the key is claimed by this very create. */
export const IS_CLAIMED = sql`exists (select 1 from ${idempotencyKeys} where ${eq(idempotencyKeys.keyHash, given('keyHash'))} and ${eq(idempotencyKeys.salt, given('salt'))})`;

/** Claims the key, unless it was claimed within the time that a create can be repeated. */
export function claimKey(db: Home['db'], condition: SQL | undefined) {
  const { fingerprint, salt, sessionId, createdAt } = idempotencyKeys;
  const claim = {
    keyHash: given('keyHash'),
    fingerprint: given('fingerprint'),
    salt: given('salt'),
    sessionId: given('sessionId'),
    createdAt: given('second'),
  };
  const excluded = ({ name }: { name: string }) => sql.raw(`excluded.${name}`);
  return selectInto(db, idempotencyKeys, claim, condition).onConflictDoUpdate({
    target: idempotencyKeys.keyHash,
    set: {
      fingerprint: excluded(fingerprint),
      salt: excluded(salt),
      sessionId: excluded(sessionId),
      createdAt: excluded(createdAt),
    },
    setWhere: lte(createdAt, sql`${given('forgottenUpTo')}`),
  });
}

/** A batch gives rows by column name, and the session has a `created_at` too. */
const { createdAt: _, ...claimColumns } = getTableColumns(idempotencyKeys);

/** Reads whose claim the key is now, and the session that it made. */
export const readClaim = prepareOnce((db) =>
  db
    .select({ session: userSessions, isBeforeNotBefore, claim: claimColumns })
    .from(idempotencyKeys)
    .leftJoin(userSessions, eq(userSessions.id, idempotencyKeys.sessionId))
    .where(eq(idempotencyKeys.keyHash, given('keyHash'))),
);

export type RepeatResult =
  | { ok: true; session: SessionWithNotBefore; secret: string }
  /**
   * Why a create is not repeated: the key was used for another request; or its session has moved
   * on, so that its first token is no longer good.
   */
  | { ok: false; reason: 'idempotency_key_reused' | 'idempotent_session_moved_on' };

/** The first answer again, as long as it is still good. */
export async function repeat(
  keyring: Keyring,
  policy: SessionPolicies,
  { request }: Idempotency,
  { first, session, now }: { first: Claim; session: SessionWithNotBefore | null; now: number },
): Promise<RepeatResult> {
  for (const keys of eachSecret(keyring)) {
    if (first.fingerprint !== (await toFingerprint(keys, request))) continue;
    const secret = await drawSecret(keys, first);
    const isGood = session !== null && checkSession(session, policy, now) === null;
    if (!isGood || session.refreshToken !== (await sha256(secret)))
      return { ok: false, reason: 'idempotent_session_moved_on' };
    return { ok: true, session, secret };
  }
  return { ok: false, reason: 'idempotency_key_reused' };
}

/**
 * The fingerprint is keyed, because a request holds addresses, which a bare hash would not hide.
 */
function toFingerprint({ idempotency }: SecretKeys, request: string): Promise<string> {
  return hmacSha256(idempotency, `request|${request}`);
}

export function drawSecret(
  { idempotency }: SecretKeys,
  { salt, sessionId }: Pick<Claim, 'salt' | 'sessionId'>,
): Promise<string> {
  return hmacSha256(idempotency, `secret|${sessionId}|${salt}`);
}
