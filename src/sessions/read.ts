/**
 * Reading sessions for the person of one: from the nearest copy, while the primary alone says
 * whether that one is live.
 */
import type { SessionPolicies } from '../config/session-policy';
import { type Home, type Replica, transact } from '../db/d1';
import type { EndReason } from './end-reason';
import type { SessionOwner } from './may-end';
import {
  checkSession,
  MOVED,
  type Moved,
  type Session,
  type SessionWithNotBefore,
  selectSession,
} from './session';

/** Where a person's sessions are. */
export interface Copies {
  home: Home;
  replica: Replica;
}

/** A session by its id, live or over. */
export async function findSession(
  home: Home,
  id: string,
): Promise<SessionWithNotBefore | Moved | null> {
  const own = selectSession(id);
  const {
    rows: [row],
  } = await transact(home, () => ({ rows: own }));
  if (row === undefined) return null;
  return row.movedTo === null ? row : MOVED;
}

/** Sessions by their ids, live or over, in their order. One round trip. */
export async function findSessions(
  home: Home,
  ids: readonly string[],
): Promise<(SessionWithNotBefore | Moved | null)[]> {
  const found = await transact(home, () =>
    Object.fromEntries(ids.map((id, index) => [`${index}`, selectSession(id)])),
  );
  return ids.map((_, index) => {
    const [row] = found[`${index}`] ?? [];
    if (row === undefined) return null;
    return row.movedTo === null ? row : MOVED;
  });
}

/** A session by its id, and why it is over; `ended` null: it is live. */
export async function findWithEnd(
  home: Home,
  policy: SessionPolicies,
  id: string,
  now: number,
): Promise<{ session: Session; ended: EndReason | null } | Moved | null> {
  const session = await findSession(home, id);
  if (session === null || session === MOVED) return session;
  const ended = checkSession(session, policy, now);
  return ended === MOVED ? MOVED : { session, ended };
}

/** What was found, where the session is in that home; null: there is none, or it has moved. */
export const ifHere = (found: SessionWithNotBefore | Moved | null): Session | null =>
  found === MOVED ? null : found;

/** A live session by its id. */
export async function findLiveSession(
  home: Home,
  policy: SessionPolicies,
  id: string,
  now: number,
): Promise<Session | Moved | null> {
  return whileLive(await findSession(home, id), policy, now);
}

/** null: there is none, or it is over. */
function whileLive(
  session: SessionWithNotBefore | Moved | null,
  policy: SessionPolicies,
  now: number,
): SessionWithNotBefore | Moved | null {
  if (session === null || session === MOVED) return session;
  const ended = checkSession(session, policy, now);
  if (ended === MOVED) return MOVED;
  return ended === null ? session : null;
}

/**
 * A live session of the owner's, and the owner's own; null: it is over, or there is none that is
 * theirs.
 */
export async function findForOwner(
  home: Home,
  policy: SessionPolicies,
  owner: SessionOwner,
  id: string,
  now: number,
): Promise<{ own: Session | null; session: Session | null } | Moved> {
  const found = await transact(home, () => ({
    own: selectSession(owner.sessionId),
    other: id === owner.sessionId ? null : selectSession(id),
  }));
  const own = whileLive(found.own[0] ?? null, policy, now);
  if (own === MOVED) return MOVED;
  if (found.other === null) return { own, session: own };
  const other = whileLive(found.other[0] ?? null, policy, now);
  const isTheirs = owner.userId !== null && other !== MOVED && other?.userId === owner.userId;
  return { own, session: isTheirs ? other : null };
}

/** What a read found, and the person's session as it was there. */
interface Found<T> {
  own: SessionWithNotBefore | undefined;
  answer: T;
}

/** Reads for the person of a session that the primary has found to be live. */
export async function readForLive<T>(
  { home, replica }: Copies,
  session: Session,
  read: (copy: Home | Replica) => Promise<Found<T>>,
): Promise<T | Moved> {
  const first = await read(replica);
  const { own, answer } = isBehind(replica, first, session) ? await read(home) : first;
  // It may have left since.
  return own !== undefined && own.movedTo !== null ? MOVED : answer;
}

/** Whether what a copy answered is from before, or after, the session was as the primary has it. */
function isBehind(replica: Replica, { own }: Found<unknown>, session: Session): boolean {
  return replica.isCopy() && own?.refreshToken !== session.refreshToken;
}

/**
 * Reads for the person of a session; null when it turns out to be over. One round trip where the
 * primary gave the answer, since then it has said all. Where a copy did, the primary is asked for
 * the session too: side by side, once this isolate knows that copies answer.
 */
export async function readFor<T>(
  { home, replica }: Copies,
  policy: SessionPolicies,
  sessionId: string,
  now: number,
  read: (copy: Home | Replica) => Promise<Found<T>>,
): Promise<T | Moved | null> {
  const find = () => findSession(home, sessionId);
  const asked = replica.isCopy() ? find() : null;
  // It is waited for below, unless the read fails.
  asked?.catch(() => {});
  const found = await read(replica);
  const known = replica.isCopy() ? await (asked ?? find()) : found.own;
  const session = whileLive(known ?? null, policy, now);
  if (session === null || session === MOVED) return session;
  return isBehind(replica, found, session) ? (await read(home)).answer : found.answer;
}
