/**
 * Changes live sessions: their claims, which access tokens have from the next refresh on, their
 * metadata, the names of their devices, and an earlier end. The statement that makes a change also
 * decides whether it may be made, so that no session is changed that is over.
 */

import { and, eq, exists, isNull, type SQL, sql } from 'drizzle-orm';
import { type Home, transact } from '../db/d1';
import { userSessions } from '../db/schema';
import { type Act, recordAct } from '../security-log/audit';
import type { EndReason } from './end-reason';
import { belongsTo, type SessionOwner } from './may-end';
import { isOpenOf } from './open';
import { isReached } from './reach';
import type { RuleContext } from './rule-context';
import { checkSession, isLive, MOVED, type Moved, type Session, selectSession } from './session';

/**
 * The members that a session has from now on. One that is left out stays as it is; null removes it.
 */
export interface SessionChange {
  claims?: Record<string, unknown> | null | undefined;
  metadata?: Record<string, unknown> | null | undefined;
  label?: string | null | undefined;
  /** The session ends then, unless it ends before. */
  endsBy?: Date;
  /** Access tokens that were issued before are no longer good. Nobody is signed out by it. */
  makesTokensStale?: boolean;
}

function toColumns(change: SessionChange, now: number) {
  const { claims, metadata, label, endsBy, makesTokensStale } = change;
  const { expiresAt, tokensNotBefore } = userSessions;
  const toText = (value: object | null) => value && JSON.stringify(value);
  const end = endsBy && Math.floor(endsBy.getTime() / 1000);
  // A token of this very second may have been issued before the change, so tokens that are issued
  // after it bear the next second.
  const nextSecond = Math.floor(now / 1000) + 1;
  return {
    ...(claims !== undefined && { claims: toText(claims) }),
    ...(metadata !== undefined && { metadata: toText(metadata) }),
    ...(label !== undefined && { label }),
    ...(end !== undefined && { expiresAt: sql`min(coalesce(${expiresAt}, ${end}), ${end})` }),
    ...(makesTokensStale && {
      tokensNotBefore: sql`max(coalesce(${tokensNotBefore}, 0) + 1, ${nextSecond})`,
    }),
  };
}

const updateWhere = (
  { db }: Home,
  change: SessionChange,
  condition: SQL | undefined,
  now: number,
) =>
  db
    .update(userSessions)
    .set(toColumns(change, now))
    .where(condition)
    .returning({ id: userSessions.id });

/** The outcome of the act in one home. */
export interface Updated {
  /** The session as it is now. */
  session: Session;
  /** The session was live, and the grant reaches it. */
  isUpdated: boolean;
  /** Why the session is over; null: it is not. */
  ended: EndReason | null;
}

/**
 * Changes a session of a client that the act's grant reaches, of any user. The act is recorded
 * where it changes the session. null: this home has no such session. One round trip.
 */
export async function updateByAct(
  home: Home,
  act: Act<'manage_users'>,
  { sessionId, change }: { sessionId: string; change: SessionChange },
  { policy, now }: RuleContext,
): Promise<Updated | Moved | null> {
  const target = and(
    eq(userSessions.id, sessionId),
    isReached(userSessions.clientId, act.grant),
    isLive(policy, now),
  );
  const live = home.db.select({ one: sql`1` }).from(userSessions).where(target);
  const {
    updated,
    own: [session],
  } = await transact(home, () => ({
    act: recordAct(home, { ...act, outboxHome: home.name }, exists(live)),
    updated: updateWhere(home, change, target, now),
    own: selectSession(sessionId),
  }));
  if (session === undefined) return null;
  const ended = checkSession(session, policy, now);
  return ended === MOVED ? MOVED : { session, isUpdated: updated.length > 0, ended };
}

/**
 * Changes all live sessions of a user, or the one of a guest, that are of the clients a backend
 * acts for. All of them in one transaction. Returns their ids.
 */
export async function updateUser(
  home: Home,
  act: Act<'manage_users'>,
  { userId, change }: { userId: string; change: SessionChange },
  { policy, now }: RuleContext,
): Promise<string[]> {
  const reached = and(isReached(userSessions.clientId, act.grant), isLive(policy, now));
  const isGuest = and(eq(userSessions.id, userId), isNull(userSessions.userId));
  const { ofUser, ofGuest } = await transact(home, () => ({
    act: recordAct(home, act),
    ofUser: updateWhere(home, change, and(isOpenOf(userId), reached), now),
    ofGuest: updateWhere(home, change, and(isGuest, reached), now),
  }));
  return [...ofUser, ...ofGuest].map(({ id }) => id);
}

export type LabelResult =
  | { ok: true; session: Session }
  | { ok: false; reason: 'caller_session_ended' | 'actor_not_allowed' | 'not_found' };

/** Sets the name of one of the owner's devices; null: none. One round trip. */
export async function labelSession(
  home: Home,
  owner: SessionOwner,
  { sessionId, label }: { sessionId: string; label: string | null },
  { policy, now }: RuleContext,
): Promise<LabelResult | Moved> {
  const ownersOwn = home.db
    .select({ one: sql`1` })
    .from(userSessions)
    .where(
      and(eq(userSessions.id, owner.sessionId), isLive(policy, now), isNull(userSessions.act)),
    );
  const target = and(
    eq(userSessions.id, sessionId),
    belongsTo(owner),
    isLive(policy, now),
    exists(ownersOwn),
  );
  const { updated, own, after } = await transact(home, () => ({
    updated: updateWhere(home, { label }, target, now),
    own: selectSession(owner.sessionId),
    after: selectSession(sessionId),
  }));
  const ended = own[0] && checkSession(own[0], policy, now);
  if (ended === MOVED) return MOVED;
  if (ended !== null) return { ok: false, reason: 'caller_session_ended' };
  if (own[0]?.act != null) return { ok: false, reason: 'actor_not_allowed' };
  const [session] = after;
  return updated.length > 0 && session !== undefined
    ? { ok: true, session }
    : { ok: false, reason: 'not_found' };
}
