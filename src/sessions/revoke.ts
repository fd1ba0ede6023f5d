/**
 * Ending sessions. A revoked session keeps its row, marked, until the clean-up's retention has
 * passed, so that its user can be told why. Revoking twice changes nothing.
 */
import { and, eq, exists, isNull, ne, type SQL, sql } from 'drizzle-orm';
import type { BatchItem } from 'drizzle-orm/batch';
import type { SessionPolicy } from '../config/config';
import { type Home, transact } from '../db/d1';
import { userSessions } from '../db/schema';
import { type Act, recordAct } from '../security-log/audit';
import {
  type EventDetails,
  MANY,
  type RecordedEvent,
  type Reporting,
  recordWhere,
  reportTo,
} from '../security-log/record';
import { upsertNotBefore } from './not-before';
import { isReached } from './reach';
import {
  belongsToSubject,
  checkSession,
  isLive,
  type KnownSession,
  type RevokedReason,
  selectSession,
} from './session';

/** Who asks: the session behind a verified access token. */
export interface Caller {
  sessionId: string;
  /** null: a guest, who has this one session. */
  userId: string | null;
}

/** Who asks for the end of other sessions than their own. */
export interface AuthenticatedCaller extends Caller {
  /**
   * When the person proved who they are, as far as the presented token knows: a step-up after it
   * was not of whoever holds it. null: not known.
   */
  authTime: Date | null;
}

export type RevokeResult =
  | { ok: true; events: RecordedEvent[] }
  | { ok: false; reason: 'caller_session_ended' | 'not_found' }
  /** The person behind the caller's session proved too long ago who they are. */
  | { ok: false; reason: 'authentication_too_old' };

/** When, on whose behalf, and how it is reported. */
export interface Revocation {
  policy: SessionPolicy;
  reporting: Reporting;
  /**
   * Ending sessions other than the caller's own needs an authentication at most this old (ASVS
   * 7.5.2), so that a thief of one device cannot lock its owner out; null: any.
   */
  maxAuthAgeSeconds: number | null;
  /** How long access tokens live, clocks that differ included: for so long verifiers are told. */
  tokenLifeSeconds: number;
  now: number;
}

/**
 * Ends a session of the client that presents its token (RFC 7009 §2.1). One that is not there, or
 * not the client's, is left alone.
 */
export async function revokeByClient(
  home: Home,
  { sessionId, clientId }: { sessionId: string; clientId: string },
  revocation: Revocation,
): Promise<RecordedEvent[]> {
  const target = and(eq(userSessions.id, sessionId), eq(userSessions.clientId, clientId));
  const details = { by: 'client', client_id: clientId, reason: 'signed_out' } as const;
  const { statements, events } = revokeWhere(
    home,
    target,
    details,
    subjectOf(home, sessionId),
    revocation,
  );
  return events(await transact(home, () => statements));
}

/** Ends the caller's own session. */
export async function revokeCurrent(
  home: Home,
  caller: Caller,
  revocation: Revocation,
): Promise<RecordedEvent[]> {
  const own = eq(userSessions.id, caller.sessionId);
  const { statements, events } = revokeWhere(
    home,
    own,
    BY_USER,
    caller.userId ?? caller.sessionId,
    revocation,
  );
  return events(await transact(home, () => statements));
}

/** Ends one session of the caller's user. Someone else's is not found. */
export async function revokeOne(
  home: Home,
  caller: AuthenticatedCaller,
  sessionId: string,
  revocation: Revocation,
): Promise<RevokeResult> {
  const target = and(eq(userSessions.id, sessionId), belongsTo(caller));
  const condition = and(target, mayEndOthers(home, caller, revocation));
  const subject = caller.userId ?? caller.sessionId;
  const { statements, events } = revokeWhere(home, condition, BY_USER, subject, revocation);
  const [callers, targets, ...results] = await transact(
    home,
    () =>
      [
        selectSession(home, caller.sessionId),
        home.db.select({ id: userSessions.id }).from(userSessions).where(target),
        ...statements,
      ] as const,
  );
  const refused = whyRefused(callers[0], caller, revocation);
  if (refused !== null) return { ok: false, reason: refused };
  if (targets.length === 0) return { ok: false, reason: 'not_found' };
  return { ok: true, events: events(results) };
}

/** Ends all sessions of the caller's user but the caller's own. */
export async function revokeOthers(
  home: Home,
  caller: AuthenticatedCaller,
  revocation: Revocation,
): Promise<RevokeResult> {
  const others = and(belongsTo(caller), ne(userSessions.id, caller.sessionId));
  const condition = and(others, mayEndOthers(home, caller, revocation));
  const subject = caller.userId ?? caller.sessionId;
  const { statements, events } = revokeWhere(home, condition, BY_USER, subject, revocation);
  const [callers, ...results] = await transact(
    home,
    () => [selectSession(home, caller.sessionId), ...statements] as const,
  );
  const refused = whyRefused(callers[0], caller, revocation);
  if (refused !== null) return { ok: false, reason: refused };
  return { ok: true, events: events(results) };
}

/** Ends all sessions of the caller's user, the caller's own too, as long as that one is live. */
export async function revokeEverywhere(
  home: Home,
  caller: AuthenticatedCaller,
  revocation: Revocation,
): Promise<RevokeResult> {
  const { now } = revocation;
  const condition = and(belongsTo(caller), mayEndOthers(home, caller, revocation));
  const subject = caller.userId ?? caller.sessionId;
  const afterwards =
    caller.userId === null
      ? []
      : [upsertNotBefore(home, caller.userId, now, tokensEnd(revocation), ANY_WERE_CHANGED)];
  const { statements, events } = revokeWhere(
    home,
    condition,
    BY_USER,
    subject,
    revocation,
    afterwards,
  );
  const [callers, ...results] = await transact(
    home,
    () => [selectSession(home, caller.sessionId), ...statements] as const,
  );
  const written = events(results);
  // In a transaction that is run again, the first run may have ended the caller's session.
  if (written.some(({ sessionId }) => sessionId === caller.sessionId))
    return { ok: true, events: written };
  return {
    ok: false,
    reason: whyRefused(callers[0], caller, revocation) ?? 'caller_session_ended',
  };
}

/** Ends a user's sessions, or the one of a guest, that are of the clients a backend acts for. */
export async function revokeUser(
  home: Home,
  act: Act<'manage_users'>,
  userId: string,
  revocation: Revocation,
): Promise<RecordedEvent[]> {
  const { grant } = act;
  const details = { by: 'client', client_id: grant.clientId, reason: 'revoked' } as const;
  // A not-before is the user's as a whole, so it is for those who end the whole of their sessions.
  const notBefore =
    grant.forClients === null
      ? [upsertNotBefore(home, userId, revocation.now, tokensEnd(revocation))]
      : [];
  const afterwards = [...notBefore, ...recordAct(home, act)];
  const own = and(belongsToSubject(userId), isReached(userSessions.clientId, grant));
  const { statements, events } = revokeWhere(home, own, details, userId, revocation, afterwards);
  return events(await transact(home, () => statements));
}

/** SQL: the statement before this one changed a row. */
const ANY_WERE_CHANGED = sql`changes() > 0`;

export const BY_USER = { by: 'user', reason: 'signed_out' } as const;

/**
 * Marks the sessions of a condition, and reports those that were live: the statements, and how to
 * read the report from their results.
 */
export function revokeWhere(
  home: Home,
  condition: SQL | undefined,
  details: EventDetails & { reason: RevokedReason },
  subject: string | SQL,
  { policy, reporting, now }: Revocation,
  /** Done after the sessions have ended. */
  afterwards: BatchItem<'sqlite'>[] = [],
) {
  const { requestId } = reporting;
  const event = { id: null, type: 'session_revoked', details } as const;
  const report = reportTo(home, reporting, { subject, atMost: MANY, now });
  const statements = [
    recordWhere(home, event, { condition: and(condition, isLive(policy, now)), requestId, now }),
    home.db
      .update(userSessions)
      .set({ revokedAt: new Date(now), revokedReason: details.reason })
      .where(and(condition, isNull(userSessions.revokedAt))),
    ...afterwards,
    ...report.deliveries,
    report.readBack,
  ] as [BatchItem<'sqlite'>, ...BatchItem<'sqlite'>[]];
  return { statements, events: (results: readonly unknown[]) => results.at(-1) as RecordedEvent[] };
}

/** SQL: whose log the session's events are in. */
export function subjectOf({ db }: Home, sessionId: string): SQL {
  const subject = sql`coalesce(${userSessions.userId}, ${userSessions.id})`;
  return sql`${db.select({ subject }).from(userSessions).where(eq(userSessions.id, sessionId))}`;
}

/** When the last access token that was issued by now has expired. */
export function tokensEnd({ tokenLifeSeconds, now }: Revocation): Date {
  return new Date(now + tokenLifeSeconds * 1000);
}

/** Why the session of this row may end no others; null: it may. */
function whyRefused(
  row: KnownSession | undefined,
  caller: AuthenticatedCaller,
  { policy, maxAuthAgeSeconds: maxAge, now }: Revocation,
): 'caller_session_ended' | 'authentication_too_old' | null {
  if (row === undefined || checkSession(row, policy, now) !== null) return 'caller_session_ended';
  if (maxAge === null) return null;
  const isRecent = [row.authTime, caller.authTime].every(
    (authTime) => authTime !== null && now - authTime.getTime() <= maxAge * 1000,
  );
  return isRecent ? null : 'authentication_too_old';
}

const toSeconds = (time: Date | null) => time && Math.floor(time.getTime() / 1000);

/** SQL: the session is one that the caller may see and end. */
export function belongsTo({ userId, sessionId }: Caller): SQL {
  return userId === null ? eq(userSessions.id, sessionId) : eq(userSessions.userId, userId);
}

/** SQL twin of `whyRefused(…) === null`, checked in the very statement that acts for the caller. */
function mayEndOthers(
  home: Home,
  { sessionId, authTime }: AuthenticatedCaller,
  { policy, maxAuthAgeSeconds: maxAge, now }: Revocation,
): SQL {
  const isRecent =
    maxAge === null
      ? undefined
      : sql`min(${userSessions.authTime}, ${toSeconds(authTime)}) * 1000 >= ${now - maxAge * 1000}`;
  return exists(
    home.db
      .select({ one: sql`1` })
      .from(userSessions)
      .where(and(eq(userSessions.id, sessionId), isLive(policy, now), isRecent)),
  );
}
