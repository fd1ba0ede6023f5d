/**
 * Erasing a person: every row that says anything of them, in every home, at once. What is left says
 * nothing of whom it was about: the random ids of their sessions and a hash of their own, until
 * their last access token has expired, and hashes of the ID tokens that they used, without which
 * those could be used again.
 */

import {
  and,
  type Column,
  eq,
  gt,
  inArray,
  isNotNull,
  isNull,
  or,
  type SQL,
  sql,
} from 'drizzle-orm';
import type { Grant } from '../config/authority';
import { sha256 } from '../crypto';
import { type Home, transact } from '../db/d1';
import {
  idempotencyKeys,
  notBefores,
  sessionEvents,
  unfinishedMoves,
  userSessions,
  users,
} from '../db/schema';
import { type Act, forgetInAudit, recordAct } from '../security-log/audit';
import { deleteEventsWhere } from '../security-log/delete-events';
import { ERASED_PERSON, ERASED_SESSION, upsertNotBefore } from './not-before';
import { type Revocation, tokensEnd } from './revocation';
import { belongsToSubject, type RevokedReason } from './session';

/**
 * The guest sessions that became this user's. Where one moved before that, its former home has a
 * row that shows the way and does not know the user. One round trip.
 */
export async function listFormerGuests(
  home: Home,
  _grant: Grant<'erase_users' | 'manage_all'>,
  userId: string,
): Promise<string[]> {
  const isFormerGuest = and(
    eq(userSessions.userId, userId),
    eq(userSessions.revokedReason, 'upgraded' satisfies RevokedReason),
  );
  const [rows] = await transact(
    home,
    () =>
      [home.db.select({ id: userSessions.id }).from(userSessions).where(isFormerGuest)] as const,
  );
  return rows.map(({ id }) => id);
}

/**
 * Erases a user, or a guest by their session's id, from one home. `formerGuests` are what all homes
 * list. One round trip. False: there was nothing.
 */
export async function erasePerson(
  home: Home,
  act: Act<'erase_users'>,
  { subject, formerGuests }: { subject: string; formerGuests: readonly string[] },
  revocation: Revocation,
): Promise<boolean> {
  const { db } = home;
  const subjects = [subject, ...formerGuests];
  const isTheirs = isOfPerson(subject, formerGuests);
  // No row is left to tell of their sessions, so the tokens of this very second are outdated too.
  const nextSecond = revocation.now + 1000;
  const keys = db
    .select({ hash: userSessions.idempotencyKeyHash })
    .from(userSessions)
    .where(and(isTheirs, isNotNull(userSessions.idempotencyKeyHash)));
  const until = tokensEnd(revocation);
  const tombstones = await Promise.all(subjects.map(toTombstone));
  const mayHaveTokens = or(
    isNull(userSessions.revokedAt),
    gt(userSessions.revokedAt, new Date(revocation.now - revocation.tokenLifeSeconds * 1000)),
  );
  const { sessions, people } = await transact(home, () => ({
    tombstones: tombstones.map((one) => upsertNotBefore(home, one, nextSecond, until)),
    outdated: db
      .insert(notBefores)
      .select(
        sql`select ${ERASED_SESSION} || ${userSessions.id}, ${toSecond(nextSecond)}, ${toSecond(until.getTime())} from ${userSessions} where ${and(isTheirs, mayHaveTokens)}`,
      )
      .onConflictDoNothing(),
    keys: db.delete(idempotencyKeys).where(inArray(idempotencyKeys.keyHash, keys)),
    sessions: db.delete(userSessions).where(isTheirs).returning({ id: userSessions.id }),
    people: db.delete(users).where(eq(users.id, subject)).returning({ id: users.id }),
    moves: db.delete(unfinishedMoves).where(isIn(unfinishedMoves.subject, subjects)),
    events: deleteEventsWhere(home, isIn(sessionEvents.subject, subjects)),
    notBefores: db.delete(notBefores).where(isIn(notBefores.subject, subjects)),
    audit: [forgetInAudit(home, subjects), ...recordAct(home, act)],
  }));
  return sessions.length + people.length > 0;
}

/** What tells a move that is on its way that its person was erased, without their id. */
export async function toTombstone(subject: string): Promise<string> {
  return ERASED_PERSON + (await sha256(subject));
}

const toSecond = (ms: number) => Math.floor(ms / 1000);

/** SQL: the session is the person's, or of one of the guests that they were. */
export function isOfPerson(subject: string, formerGuests: readonly string[]): SQL {
  return sql`(${belongsToSubject(subject)} or ${isIn(userSessions.id, formerGuests)})`;
}

/** One parameter, however many values. */
export function isIn(column: Column, values: readonly string[]): SQL {
  return sql`${column} in (select value from json_each(${JSON.stringify(values)}))`;
}
