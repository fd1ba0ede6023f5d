/**
 * Moves a user, or a guest, from one home to another while they use it. No transaction spans two
 * databases, so there is one moment that decides: a transaction at the source marks the user and
 * all their sessions as moved. From then on nothing there is live, the rows stay as they were to
 * show the way, and any request that comes for them can finish the move: copy them, unless they
 * have arrived.
 *
 * 1. source   marks the rows, counts the move, and writes down that it is unfinished
 * 2. target   takes the rows as they are at the source, unless it has them of this move or of
 *               a later one
 * 3. source   strikes the note
 *
 * A run that is cut off before 1 changed nothing; after it, the next request or cron run does 2 and
 * 3. A run that was slow finds in 2 that the count is not higher, and changes nothing. So a session
 *   is live in one home at most, and lost in none.
 */

import { and, eq, inArray, isNull, notExists, sql } from 'drizzle-orm';
import { type Home, transact } from '../db/d1';
import {
  notBefores,
  sessionEvents,
  unfinishedMoves,
  userSessions,
  users,
  webhookDeliveries,
} from '../db/schema';
import { type Act, recordAct } from '../security-log/audit';
import { deleteEventsWhere } from '../security-log/delete-events';
import type { RecordedEvent } from '../security-log/record';
import { SEQUENCE } from '../security-log/sequence';
import { enforceLimit } from '../sessions/enforce-limit';
import { toTombstone } from '../sessions/erase';
import { countOpen, findExceeded } from '../sessions/limits';
import type { WriteContext } from '../sessions/rule-context';
import { belongsToSubject, isBeforeNotBefore } from '../sessions/session';
import { BLANKED } from '../sessions/session-columns';
import { insertRaw, selectRaw } from './raw-rows';

/** The subject of a move: a user's id, or a guest's session id. */
export type Subject = string;

interface Move {
  subject: Subject;
  /** The act that the source records; absent where the service itself brings the subject home. */
  act?: Act<'operate'>;
}

/**
 * Moves a subject, or finishes a move. Safe to repeat. Returns the events of sessions that were
 * ended, because with them the user arrived above the limit.
 */
export async function moveSubject(
  source: Home,
  target: Home,
  move: Move,
  context: WriteContext,
): Promise<RecordedEvent[]> {
  await leave(source, target.name, move, context.now);
  return finishMove(source, target, move.subject, context);
}

/** Step 1. Does nothing where the home does not have the subject, or not any more. */
async function leave(source: Home, to: string, { subject, act }: Move, now: number): Promise<void> {
  const { db } = source;
  const isHere = and(eq(users.id, subject), isNull(users.movedTo));
  const isGuest = and(
    eq(userSessions.id, subject),
    isNull(userSessions.userId),
    isNull(userSessions.movedTo),
  );
  const left = { movedTo: to, moves: sql`moves + 1` };
  const startedAt = Math.floor(now / 1000);
  await transact(source, () => ({
    unfinished: db
      .insert(unfinishedMoves)
      .select(
        sql`select id, ${to}, ${startedAt} from ${users} where ${isHere} union all select id, ${to}, ${startedAt} from ${userSessions} where ${isGuest}`,
      )
      .onConflictDoUpdate({
        target: unfinishedMoves.subject,
        set: { to, startedAt: new Date(now) },
      }),
    sessions: db
      .update(userSessions)
      .set(left)
      .where(
        and(
          isNull(userSessions.movedTo),
          sql`${userSessions.id} in (select id from ${userSessions} where ${isGuest} union all select s.id from ${userSessions} s join ${users} on s.user_id = ${users.id} where ${isHere})`,
        ),
      ),
    users: db.update(users).set(left).where(isHere),
    audit: act === undefined ? null : recordAct(source, act),
  }));
}

/** Steps 2 and 3. Does nothing when there is no unfinished move of the subject to the target. */
export async function finishMove(
  source: Home,
  target: Home,
  subject: Subject,
  context: WriteContext,
): Promise<RecordedEvent[]> {
  const leaving = await readLeaving(source, target.name, subject);
  if (leaving.unfinished.length === 0) return [];
  const evicted = await arrive(target, subject, leaving, context);
  await transact(source, () => ({
    unfinished: source.db.delete(unfinishedMoves).where(isUnfinished(subject, target.name)),
    ...deleteEventsWhere(source, eq(sessionEvents.subject, subject)),
    // The rows that stay to show the way need not tell where their person was.
    sessions: source.db
      .update(userSessions)
      .set(BLANKED)
      .where(and(belongsToSubject(subject), eq(userSessions.movedTo, target.name))),
  }));
  return evicted;
}

const isUnfinished = (subject: Subject, to: string) =>
  and(eq(unfinishedMoves.subject, subject), eq(unfinishedMoves.to, to));

/** All rows that move with the subject, as they are at the source. */
function readLeaving(source: Home, to: string, subject: Subject) {
  const { db } = source;
  const eventsOfSubject = eq(sessionEvents.subject, subject);
  return transact(source, () => ({
    unfinished: db.select().from(unfinishedMoves).where(isUnfinished(subject, to)),
    people: selectRaw(source, users, and(eq(users.id, subject), eq(users.movedTo, to))),
    // Sessions that a not-before of this home has ended stay behind, because the other home would
    // not know of it.
    sessions: selectRaw(
      source,
      userSessions,
      and(
        belongsToSubject(subject),
        eq(userSessions.movedTo, to),
        sql`(${userSessions.revokedAt} is not null or not ${isBeforeNotBefore.sql})`,
      ),
    ),
    events: selectRaw(source, sessionEvents, eventsOfSubject, { sequence: SEQUENCE }),
    deliveries: selectRaw(
      source,
      webhookDeliveries,
      inArray(
        webhookDeliveries.eventId,
        db.select({ id: sessionEvents.id }).from(sessionEvents).where(eventsOfSubject),
      ),
    ),
    notBefores: selectRaw(source, notBefores, eq(notBefores.subject, subject)),
  }));
}

/**
 * Step 2. Then the limit is enforced, because with the sessions that arrived there may be more than
 * it allows.
 */
async function arrive(
  target: Home,
  subject: Subject,
  leaving: Awaited<ReturnType<typeof readLeaving>>,
  { policy, reporting, now }: WriteContext,
): Promise<RecordedEvent[]> {
  // A person who was erased while this move was under way does not arrive.
  const tombstone = await toTombstone(subject);
  const isErased = target.db
    .select({ one: sql`1` })
    .from(notBefores)
    .where(
      and(
        eq(notBefores.subject, tombstone),
        sql`${notBefores.notBefore} > ${Math.floor(now / 1000)}`,
      ),
    );
  const condition = notExists(isErased);
  const here = { condition, movedTo: null };
  const { open } = await transact(target, () => ({
    notBefores: insertRaw(target, notBefores, leaving.notBefores, { condition: sql`true` }),
    people: insertRaw(target, users, leaving.people, here),
    sessions: insertRaw(target, userSessions, leaving.sessions, here),
    events: insertRaw(target, sessionEvents, leaving.events, { condition, seq: null }),
    // Endpoints get the events of a session in order, so deliveries that were not made move along.
    deliveries: insertRaw(target, webhookDeliveries, leaving.deliveries, { condition }),
    open: countOpen(target, policy, subject),
  }));
  const evicted: RecordedEvent[] = [];
  for (const limit of findExceeded(policy, open)) {
    const afterSeq = evicted.at(-1)?.seq ?? 0;
    evicted.push(...(await enforceLimit(target, subject, { limit, reporting, now, afterSeq })));
  }
  return evicted;
}
