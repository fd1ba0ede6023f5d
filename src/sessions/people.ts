/**
 * People by their names at an identity provider: an issuer and a subject are one user, whichever
 * request comes first, and however many come at once.
 */
import { and, eq, exists, isNull, notExists, sql } from 'drizzle-orm';
import type { Grant } from '../config/authority';
import { toUuid } from '../crypto';
import { type Home, transact } from '../db/d1';
import { usedAssertions, userSessions, users } from '../db/schema';
import { isIn } from './erase';
import { isReached } from './reach';

/** The name of a user at an issuer (`iss` and `sub`). */
export interface IssuedName {
  issuer: string;
  subject: string;
}

/**
 * The id of a user who is seen for the first time: it follows from the name, so that first sign-ins
 * at once in several homes are of one user.
 */
export function toUserId({ issuer, subject }: IssuedName): Promise<string> {
  return toUuid([issuer, subject]);
}

/** The user's id, made on first sight. One round trip. */
export async function findOrCreateUser(
  home: Home,
  { issuer, subject }: IssuedName,
  now: number,
): Promise<string> {
  const { db } = home;
  const id = await toUserId({ issuer, subject });
  const { found } = await transact(home, () => ({
    made: db
      .insert(users)
      .values({ id, issuer, subject, createdAt: new Date(now) })
      // A backend named this id before its person ever brought an ID token: it is the same
      // person, whose name at the issuer was not known yet.
      .onConflictDoUpdate({
        target: users.id,
        set: { issuer, subject },
        setWhere: and(isNull(users.issuer), notExists(named(home, { issuer, subject }))),
      })
      // Another request made the person first.
      .onConflictDoNothing(),
    found: named(home, { issuer, subject }),
  }));
  const [user] = found;
  if (user === undefined) throw new Error('the user was erased at this very moment');
  return user.id;
}

/** Finds the name of a user at their issuer; null: none was said, or this home has no such user. */
export async function findIssuedName(home: Home, userId: string): Promise<IssuedName | null> {
  const { found } = await transact(home, () => ({
    found: home.db
      .select({ issuer: users.issuer, subject: users.subject })
      .from(users)
      .where(eq(users.id, userId)),
  }));
  const { issuer = null, subject = null } = found[0] ?? {};
  return issuer === null || subject === null ? null : { issuer, subject };
}

export interface NamedUser extends IssuedName {
  id: string;
  createdAt: Date;
}

/**
 * The user whom the issuer calls so; null where this home has none, or no session of theirs that
 * the grant reaches. One round trip.
 */
export async function findNamedUser(
  home: Home,
  grant: Grant<'manage_users'>,
  { issuer, subject }: IssuedName,
): Promise<NamedUser | null> {
  const { db } = home;
  const reached = db
    .select({ one: sql`1` })
    .from(userSessions)
    .where(and(eq(userSessions.userId, users.id), isReached(userSessions.clientId, grant)));
  const { found } = await transact(home, () => ({
    found: db
      .select({ id: users.id, createdAt: users.createdAt })
      .from(users)
      .where(
        and(
          eq(users.issuer, issuer),
          eq(users.subject, subject),
          grant.forClients === null ? undefined : exists(reached),
        ),
      ),
  }));
  const [user] = found;
  return user === undefined ? null : { ...user, issuer, subject };
}

/** The user whom the issuer calls so. */
function named({ db }: Home, { issuer, subject }: IssuedName) {
  return db
    .select({ id: users.id })
    .from(users)
    .where(and(eq(users.issuer, issuer), eq(users.subject, subject)));
}

/**
 * Uses an ID token up (RFC 7523 §3) in a home that is not its user's. False: it was used before.
 * One round trip.
 */
export async function claimAssertion(
  home: Home,
  { hash, expiresAt }: { hash: string; expiresAt: Date },
): Promise<boolean> {
  const { claimed } = await transact(home, () => ({
    claimed: home.db
      .insert(usedAssertions)
      .values({ hash, expiresAt })
      .onConflictDoNothing()
      .returning(),
  }));
  return claimed.length > 0;
}

/** Finds which of these ID tokens have been used up in this home. One round trip. */
export async function findUsed(home: Home, hashes: readonly string[]): Promise<string[]> {
  const { hash } = usedAssertions;
  const used = home.db.select({ hash }).from(usedAssertions).where(isIn(hash, hashes));
  const { found } = await transact(home, () => ({ found: used }));
  return found.map((one) => one.hash);
}
