/**
 * Lists the residents of a home, for a drain, and those who are on the way out of it, for the cron.
 */

import { and, isNull, sql } from 'drizzle-orm';
import type { Grant } from '../config/authority';
import { type Home, transact } from '../db/d1';
import { unfinishedMoves, userSessions, users } from '../db/schema';
import type { RuleContext } from '../sessions/rule-context';
import { isLive } from '../sessions/session';
import type { Subject } from './move';

export interface Cursor {
  /** The rows of `users` and of `user_sessions` up to which nobody is left to move. */
  users: number;
  guests: number;
}

/**
 * Lists users, and live guests, who still live in a home, after a position. `next` is null when
 * these are the last. One round trip.
 */
export async function listResidents(
  home: Home,
  _grant: Grant<'operate'>,
  { after, limit }: { after: Cursor; limit: number },
  { policy, now }: RuleContext,
): Promise<{ subjects: Subject[]; next: Cursor | null }> {
  const { db } = home;
  const row = sql<number>`rowid`;
  const { people, guests } = await transact(home, () => ({
    people: db
      .select({ row, subject: users.id })
      .from(users)
      .where(and(isNull(users.movedTo), sql`rowid > ${after.users}`))
      .orderBy(row)
      .limit(limit),
    guests: db
      .select({ row, subject: userSessions.id })
      .from(userSessions)
      .where(and(isNull(userSessions.userId), isLive(policy, now), sql`rowid > ${after.guests}`))
      .orderBy(row)
      .limit(limit),
  }));
  const next = {
    users: people.at(-1)?.row ?? after.users,
    guests: guests.at(-1)?.row ?? after.guests,
  };
  const isLast = people.length < limit && guests.length < limit;
  return {
    subjects: [...people, ...guests].map(({ subject }) => subject),
    next: isLast ? null : next,
  };
}

/**
 * Far more moves than are ever cut off, so that those to a home that is away hide none that can be
 * finished.
 */
const MAX_LISTED = 1_000;

/** The moves away from a home that may be unfinished, oldest first. One round trip. */
export async function listUnfinished(source: Home): Promise<{ subject: Subject; to: string }[]> {
  const { subject, to, startedAt } = unfinishedMoves;
  const oldest = source.db
    .select({ subject, to })
    .from(unfinishedMoves)
    .orderBy(startedAt)
    .limit(MAX_LISTED);
  const { rows } = await transact(source, () => ({ rows: oldest }));
  return rows;
}
