/**
 * Ends many sessions of a user: a slice in each transaction, so that none reads or writes more rows
 * than a slice has, however many sessions there are and were. A user of fewer than a slice has them
 * ended in one round trip. A run that is cut off between two slices has ended some sessions; the
 * next run ends the others.
 */
import { and, eq, isNull, ne, notExists, type SQL, sql } from 'drizzle-orm';
import { type Home, transact } from '../db/d1';
import { userSessions } from '../db/schema';
import { type Act, recordAct } from '../security-log/audit';
import { type RecordedEvent, reportTo } from '../security-log/record';
import { type AuthenticatedOwner, mayEndOthers, whyRefused } from './may-end';
import { upsertNotBefore } from './not-before';
import { endOfSlice, isOpenOf, type Position, SLICE, sliceOfOpen, toPosition } from './open';
import { isReached } from './reach';
import {
  BY_USER,
  byAct,
  endOne,
  endWhere,
  type Revocation,
  type RevokedBy,
  type RevokeResult,
  tokensEnd,
} from './revocation';
import { MOVED, type Moved, selectSession } from './session';

/** Ends all sessions of the owner's user but the owner's own. */
export async function revokeOthers(
  home: Home,
  owner: AuthenticatedOwner,
  revocation: Revocation,
): Promise<RevokeResult | Moved> {
  const { sessionId, userId } = owner;
  const others = and(ne(userSessions.id, sessionId), mayEndOthers(home, owner, revocation));
  const events: RecordedEvent[] = [];
  let after: Position | null = null;
  do {
    const slice = endSlice(home, { userId, after, events, condition: others }, BY_USER, revocation);
    const done = await transact(home, () => ({
      own: selectSession(sessionId),
      ...slice,
    }));
    events.push(...done.events);
    const refused = whyRefused(done.own[0], owner, revocation);
    if (refused === MOVED) return MOVED;
    if (refused !== null) return { ok: false, reason: refused };
    after = toPosition(done.last);
  } while (after !== null);
  return { ok: true, events };
}

/**
 * Ends all sessions of the owner's user, the owner's own too, as long as that one is live. It ends
 * last, because it is the session by which the others are ended.
 */
export async function revokeEverywhere(
  home: Home,
  owner: AuthenticatedOwner,
  revocation: Revocation,
): Promise<RevokeResult | Moved> {
  const { sessionId, userId } = owner;
  const mayEnd = mayEndOthers(home, owner, revocation);
  const others = and(ne(userSessions.id, sessionId), mayEnd);
  const isOwn = eq(userSessions.id, sessionId);
  const isLast = userId === null ? undefined : notExists(anyOpen(home, userId, sessionId));
  const events: RecordedEvent[] = [];
  let after: Position | null = null;
  do {
    const slice = endSlice(home, { userId, after, events, condition: others }, BY_USER, revocation);
    const ownEnd = endOne(home, and(isOwn, mayEnd, isLast), BY_USER, revocation);
    const done = await transact(home, () => ({
      own: selectSession(sessionId),
      ...slice,
      ownLogged: ownEnd.logged,
      ownEnded: ownEnd.ended,
      notBefore:
        userId === null
          ? null
          : upsertNotBefore(home, userId, toNotBefore(revocation), ANY_WERE_CHANGED),
      ownDeliveries: ownEnd.deliveries,
      ownEvents: ownEnd.events,
    }));
    events.push(...done.events, ...done.ownEvents);
    // In a transaction that is run again, the first run may have ended the owner's session.
    if (done.ownEvents.length > 0) return { ok: true, events };
    const refused = whyRefused(done.own[0], owner, revocation);
    if (refused === MOVED) return MOVED;
    if (refused !== null) return { ok: false, reason: refused };
    after = toPosition(done.last);
  } while (after !== null);
  return { ok: false, reason: 'caller_session_ended' };
}

/**
 * Ends a user's sessions, or the one of a guest, that are of the clients a backend acts for; but
 * not the `spared` one.
 */
export async function revokeUser(
  home: Home,
  act: Act<'manage_users'>,
  { userId, spared }: { userId: string; spared: string | null },
  revocation: Revocation,
): Promise<RecordedEvent[]> {
  const { grant } = act;
  const by = byAct(act);
  const reached = and(
    isReached(userSessions.clientId, grant),
    spared === null ? undefined : ne(userSessions.id, spared),
  );
  const guest = and(eq(userSessions.id, userId), isNull(userSessions.userId), reached);
  const events: RecordedEvent[] = [];
  let after: Position | null = null;
  do {
    const slice = endSlice(home, { userId, after, events, condition: reached }, by, revocation);
    const guestEnd = endOne(home, guest, by, revocation);
    const done = await transact(home, () => ({
      ...slice,
      guestLogged: guestEnd.logged,
      guestEnded: guestEnd.ended,
      guestDeliveries: guestEnd.deliveries,
      guestEvents: guestEnd.events,
      act: after === null ? recordAct(home, act) : null,
      // The not-before is of the user as a whole, so only a grant for all clients sets it, and only
      // where no session is spared: it would cover the spared session's access tokens too. It comes
      // last, when no session that it covers is live any more, because each of them was reported.
      notBefore:
        grant.forClients === null && spared === null
          ? upsertNotBefore(
              home,
              userId,
              toNotBefore(revocation),
              notExists(anyOpen(home, userId, null)),
            )
          : null,
    }));
    events.push(...done.events, ...done.guestEvents);
    after = toPosition(done.last);
  } while (after !== null);
  return events;
}

const toNotBefore = (revocation: Revocation) => ({
  notBefore: revocation.now,
  until: tokensEnd(revocation),
});

/** SQL: the statement before this one changed a row. */
const ANY_WERE_CHANGED = sql`changes() > 0`;

interface Slice {
  /** null: a guest's. */
  userId: string | null;
  /** null: from the newest session on. */
  after: Position | null;
  /** The events of the slices before. */
  events: readonly RecordedEvent[];
  condition: SQL | undefined;
}

/** Ends the sessions of a user's next slice that meet the condition, and reads where it ends. */
function endSlice(
  home: Home,
  { userId, after, events, condition }: Slice,
  by: RevokedBy,
  revocation: Revocation,
) {
  // A guest has the one session.
  const slice = sliceOfOpen(home, userId ?? '', after);
  const { reporting, now } = revocation;
  const report = reportTo(reporting, {
    written: { subject: userId ?? '', atMost: SLICE + 1, after: events.at(-1)?.seq ?? 0 },
    now,
  });
  return {
    last: endOfSlice(home, slice),
    ...endWhere(home, and(sql`${userSessions.id} in ${slice}`, condition), by, {
      ...revocation,
      eventId: null,
    }),
    deliveries: report.deliveries,
    events: report.readBack,
  };
}

/** Open sessions of a user, but one. */
function anyOpen({ db }: Home, userId: string, but: string | null) {
  return db
    .select({ one: sql`1` })
    .from(userSessions)
    .where(and(isOpenOf(userId), but === null ? undefined : ne(userSessions.id, but)));
}
