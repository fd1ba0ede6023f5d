/**
 * Erases a person: every row that says anything of them, in every home, a slice in each
 * transaction. The rows that stay name nobody. Until the person's last access token has expired:
 * the random ids of their sessions, and a hash of the person's own id. And hashes of the ID tokens
 * that they used, and of the tokens of imported sessions, because without those the tokens could be
 * used again.
 */

import {
  and,
  type Column,
  eq,
  exists,
  gt,
  inArray,
  isNotNull,
  isNull,
  notExists,
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
import { ERASED_PERSON, ERASED_SESSION, upsertNotBefore, upsertNotBefores } from './not-before';
import { SLICE } from './open';
import { type Revocation, tokensEnd } from './revocation';

/**
 * The guest sessions that became this user's, at most `limit`; no other session is read. Where a
 * guest session moved before it became the user's, its former home has a row that shows the way and
 * does not know the user. One round trip.
 */
export async function listFormerGuests(
  home: Home,
  _grant: Grant<'erase_users' | 'manage_all'>,
  userId: string,
  limit: number,
): Promise<string[]> {
  const isFormerGuest = and(
    eq(userSessions.userId, userId),
    // The condition is written out, because SQLite uses a partial index for no parameter.
    sql`${userSessions.revokedReason} = 'upgraded'`,
  );
  const some = home.db
    .select({ id: userSessions.id })
    .from(userSessions)
    .where(isFormerGuest)
    .orderBy(sql`rowid`)
    .limit(limit);
  const { rows } = await transact(home, () => ({ rows: some }));
  return rows.map(({ id }) => id);
}

/**
 * Erases a user, or a guest by their session's id, from one home. `formerGuests` are those that
 * `listFormerGuests` gave, of all homes. One round trip for a slice of sessions and events, of
 * which the last also deletes the rows that name the person; the first ends all of their sessions,
 * so that none lives on meanwhile. False: there was nothing.
 */
export async function erasePerson(
  home: Home,
  act: Act<'erase_users'>,
  { subject, formerGuests }: { subject: string; formerGuests: readonly string[] },
  revocation: Revocation,
): Promise<boolean> {
  const subjects = [subject, ...formerGuests];
  const people = home.db
    .delete(users)
    .where(and(eq(users.id, subject), notExists(anyOf(home, subject))))
    .returning({ id: users.id });
  const slice = await eraseSlice(home, { subject, formerGuests }, revocation);
  let wasThere = false;
  for (let isFirst = true, isLast = false; !isLast; isFirst = false) {
    const done = await transact(home, () => ({
      ...slice,
      people,
      audit: isFirst ? [forgetInAudit(home, subjects), ...recordAct(home, act)] : null,
    }));
    wasThere ||= done.sessions.length + done.people.length > 0;
    isLast = done.sessions.length < SLICE && done.events.length < SLICE;
  }
  return wasThere;
}

/**
 * Erases guests who became a user from one home. For a user who was so many guests that they do not
 * fit into one transaction with the user.
 */
export async function eraseFormerGuests(
  home: Home,
  _grant: Grant<'erase_users'>,
  formerGuests: readonly string[],
  revocation: Revocation,
): Promise<void> {
  const slice = await eraseSlice(home, { subject: null, formerGuests }, revocation);
  for (let isLast = false; !isLast; ) {
    const done = await transact(home, () => ({
      ...slice,
      audit: [forgetInAudit(home, formerGuests)],
    }));
    isLast = done.sessions.length < SLICE && done.events.length < SLICE;
  }
}

/** The statements that erase a slice of the sessions and the log of users and guests. */
async function eraseSlice(
  home: Home,
  person: { subject: string | null; formerGuests: readonly string[] },
  revocation: Revocation,
) {
  const { db } = home;
  const { subject, formerGuests } = person;
  const subjects = subject === null ? formerGuests : [subject, ...formerGuests];
  const isTheirs = sql`${userSessions.id} in ${sliceOf(person)}`;
  // No row of their sessions is left, so the not-before is that of the next second: it ends the
  // tokens of this very second too.
  const nextSecond = revocation.now + 1000;
  const until = tokensEnd(revocation);
  const ended = { notBefore: nextSecond, until };
  const tombstones = await Promise.all(subjects.map(toTombstone));
  const keys = db
    .select({ hash: userSessions.idempotencyKeyHash })
    .from(userSessions)
    .where(and(isTheirs, isNotNull(userSessions.idempotencyKeyHash)));
  const mayHaveTokens = or(
    isNull(userSessions.revokedAt),
    gt(userSessions.revokedAt, new Date(revocation.now - revocation.tokenLifeSeconds * 1000)),
  );
  const someEvents = sql`${sessionEvents.seq} in (select seq from ${sessionEvents} where ${isIn(sessionEvents.subject, subjects)} limit ${SLICE})`;
  return {
    tombstones: upsertNotBefores(home, tombstones, ended),
    endedSessions: db
      .insert(notBefores)
      .select(
        sql`select ${ERASED_SESSION} || ${userSessions.id}, ${toSecond(nextSecond)}, ${toSecond(until.getTime())} from ${userSessions} where ${and(isTheirs, mayHaveTokens)}`,
      )
      .onConflictDoNothing(),
    keys: db.delete(idempotencyKeys).where(inArray(idempotencyKeys.keyHash, keys)),
    sessions: db.delete(userSessions).where(isTheirs).returning({ id: userSessions.id }),
    moves: db.delete(unfinishedMoves).where(isIn(unfinishedMoves.subject, subjects)),
    ...deleteEventsWhere(home, someEvents),
    notBefores: db.delete(notBefores).where(isIn(notBefores.subject, subjects)),
    // A not-before keeps the sessions of the next slices from living on until then. It names the
    // person, and is deleted with the last slice.
    meanwhile:
      subject === null ? null : upsertNotBefore(home, subject, ended, exists(anyOf(home, subject))),
  };
}

/** SQL: the ids of a slice of the sessions of a user, or a guest, and of the guests they were. */
function sliceOf({
  subject,
  formerGuests,
}: {
  subject: string | null;
  formerGuests: readonly string[];
}): SQL {
  const ofGuests = sql`select id from ${userSessions} where ${isIn(userSessions.id, formerGuests)}`;
  const own = sql`select id from ${userSessions} where ${userSessions.id} = ${subject} and ${userSessions.userId} is null`;
  const ofUser = sql`select id from ${userSessions} where ${userSessions.userId} = ${subject} limit ${SLICE}`;
  // The union has no duplicates, so that a slice that is not full is the last one.
  return sql`(select id from (${ofGuests} union ${own} union select id from (${ofUser})) limit ${SLICE})`;
}

/** Any session of a user. */
function anyOf({ db }: Home, userId: string) {
  return db
    .select({ one: sql`1` })
    .from(userSessions)
    .where(eq(userSessions.userId, userId))
    .limit(1);
}

/** A key by which a move that is on its way learns that its person was erased. It holds no id. */
export async function toTombstone(subject: string): Promise<string> {
  return ERASED_PERSON + (await sha256(subject));
}

const toSecond = (ms: number) => Math.floor(ms / 1000);

/** SQL: `column` is one of `values`. They are one parameter, however many they are. */
export function isIn(column: Column, values: readonly string[]): SQL {
  return sql`${column} in (select value from json_each(${JSON.stringify(values)}))`;
}
