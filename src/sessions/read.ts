/**
 * Reading sessions for the person of one: from the nearest copy, while the primary alone says
 * whether that one is live.
 */
import type { SessionPolicies } from '../config/session-policy';
import { type Home, type Replica, transact } from '../db/d1';
import type { Caller } from './may-end';
import { checkSession, type KnownSession, type Session, selectSession } from './session';

/** Where a person's sessions are. */
export interface Copies {
  home: Home;
  replica: Replica;
}

/** A session by its id, whatever its state. */
export async function findSession(home: Home, id: string): Promise<KnownSession | null> {
  const own = selectSession(home, id);
  const { rows } = await transact(home, () => ({ rows: own }));
  return rows[0] ?? null;
}

/** A session of the caller's person, and the caller's own; null: there is none, or not of them. */
export async function findForOwner(
  home: Home,
  caller: Caller,
  id: string,
): Promise<{ own: KnownSession | null; session: KnownSession | null }> {
  const { own, other } = await transact(home, () => ({
    own: selectSession(home, caller.sessionId),
    other: id === caller.sessionId ? null : selectSession(home, id),
  }));
  const [session] = other ?? own;
  const isTheirs =
    session?.id === caller.sessionId ||
    (caller.userId !== null && session?.userId === caller.userId);
  return { own: own[0] ?? null, session: isTheirs && session ? session : null };
}

/** What a read found, and the person's session as it was there. */
interface Found<T> {
  own: KnownSession | undefined;
  answer: T;
}

/** Reads for the person of a session that the primary has found to be live. */
export async function readForLive<T>(
  { home, replica }: Copies,
  session: Session,
  read: (copy: Home | Replica) => Promise<Found<T>>,
): Promise<T> {
  const found = await read(replica);
  return isBehind(replica, found, session) ? (await read(home)).answer : found.answer;
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
): Promise<T | null> {
  const find = () => findSession(home, sessionId);
  const asked = replica.isCopy() ? find() : null;
  // It is waited for below, unless the read fails.
  asked?.catch(() => {});
  const found = await read(replica);
  const session = replica.isCopy() ? await (asked ?? find()) : found.own;
  if (session == null || checkSession(session, policy, now) !== null) return null;
  return isBehind(replica, found, session) ? (await read(home)).answer : found.answer;
}
