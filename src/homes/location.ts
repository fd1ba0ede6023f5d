/**
 * Where a user lives. A user has one home, but two first sign-ins at once, in two regions, may each
 * begin one. Then the row that was made first, or of the same second the one in the home whose name
 * comes first, is the user's home for everyone, and the others move there.
 */
import { and, eq, gt, isNull, or, type SQL, sql } from 'drizzle-orm';
import type { Grant, StartCapability } from '../config/authority';
import { type Home, transact } from '../db/d1';
import { idempotencyKeys, unfinishedMoves, userSessions, users } from '../db/schema';
import { forgottenUpTo } from '../sessions/idempotency-age';
import { toUserId } from '../sessions/people';
import { isReached } from '../sessions/reach';
import { type HomeResults, queryAll } from './query-all';

/**
 * The keys by which a session's home is found: its user, its guest session, or its idempotency key.
 */
export interface LookupKeys {
  user: { id: string } | { issuer: string; subject: string } | null;
  guest: { sessionId: string; grant: Grant<StartCapability> } | null;
  /** The hash of an Idempotency-Key. */
  keyHash: string | null;
}

/** What one home knows of the keys. */
export interface HomeRecord {
  user: {
    id: string;
    issuer: string | null;
    createdAt: Date;
    movedTo: string | null;
    isLeaving: boolean;
  } | null;
  hasGuest: boolean;
  hasKey: boolean;
}

/** A move of the user that is not done. */
export interface PendingMove {
  from: string;
  to: string;
}

export interface UserLocation {
  userId: string | null;
  /** The name of the user's home; null: nobody knows the user. */
  home: string | null;
  /** Moves that were begun and cut off. They have to end before the user is at home. */
  begunMoves: PendingMove[];
  /** Moves that nobody has begun yet: those of the user's other rows to `home`. */
  dueMoves: PendingMove[];
  guestHome: string | null;
  keyHome: string | null;
  unavailable: string[];
}

/** Asks all homes side by side: one round trip each. */
export async function locateUser(
  homes: readonly Home[],
  keys: Partial<LookupKeys>,
  now: number,
): Promise<UserLocation> {
  return toUserLocation(await queryAll(homes, (home) => readRecord(home, keys, now)));
}

async function readRecord(
  home: Home,
  { user = null, guest = null, keyHash = null }: Partial<LookupKeys>,
  now: number,
): Promise<HomeRecord> {
  const { db } = home;
  const isLeaving = sql<number>`exists (select 1 from ${unfinishedMoves} where ${unfinishedMoves.subject} = ${users.id})`;
  const isUser = await toCondition(user);
  const { id, issuer, createdAt, movedTo } = users;
  const { found, guests, keys } = await transact(home, () => ({
    found: db
      .select({ id, issuer, createdAt, movedTo, isLeaving })
      .from(users)
      .where(isUser)
      .orderBy(isNull(issuer)),
    guests: db
      .select({ id: userSessions.id })
      .from(userSessions)
      .where(
        and(
          eq(userSessions.id, guest?.sessionId ?? ''),
          guest === null ? undefined : isReached(userSessions.clientId, guest.grant),
          isNull(userSessions.userId),
          isNull(userSessions.movedTo),
        ),
      ),
    keys: db
      .select({ keyHash: idempotencyKeys.keyHash })
      .from(idempotencyKeys)
      .where(
        and(
          eq(idempotencyKeys.keyHash, keyHash ?? ''),
          gt(idempotencyKeys.createdAt, forgottenUpTo(now)),
        ),
      ),
  }));
  const [row] = found;
  return {
    user: row === undefined ? null : { ...row, isLeaving: row.isLeaving === 1 },
    hasGuest: guests.length > 0,
    hasKey: keys.length > 0,
  };
}

/** A user whose row has no name yet is found by the id that follows from the name. */
async function toCondition(user: LookupKeys['user']): Promise<SQL | undefined> {
  if (user === null) return sql`0`;
  if ('id' in user) return eq(users.id, user.id);
  const isNamed = and(eq(users.issuer, user.issuer), eq(users.subject, user.subject));
  return or(isNamed, and(eq(users.id, await toUserId(user)), isNull(users.issuer)));
}

/**
 * Where the records of all homes say that the user lives. Pure, so that everyone who has the same
 * records comes to the same home.
 */
export function toUserLocation({ results, unavailable }: HomeResults<HomeRecord>): UserLocation {
  const found = results.flatMap(({ home, value: { user } }) =>
    user === null ? [] : [{ at: home.name, ...user }],
  );
  // A row that has the issuer's name is the user's, before a row whose id would follow from the
  // name.
  const userId = (found.find(({ issuer }) => issuer !== null) ?? found[0])?.id ?? null;
  const records = found.filter(({ id }) => id === userId);
  const residents = records
    .filter(({ movedTo }) => movedTo === null)
    .sort((a, b) => a.createdAt.getTime() - b.createdAt.getTime() || (a.at < b.at ? -1 : 1));
  const leaving = records.filter(({ isLeaving }) => isLeaving);
  // A user who has left a home, and is in no other yet, lives in the one that they are moving to.
  const home = residents[0]?.at ?? leaving[0]?.movedTo ?? records[0]?.movedTo ?? null;
  return {
    userId,
    home,
    begunMoves: leaving.map(({ at, movedTo }) => ({ from: at, to: movedTo as string })),
    dueMoves: residents.slice(1).map(({ at }) => ({ from: at, to: home as string })),
    guestHome: results.find(({ value }) => value.hasGuest)?.home.name ?? null,
    keyHome: results.find(({ value }) => value.hasKey)?.home.name ?? null,
    unavailable,
  };
}
