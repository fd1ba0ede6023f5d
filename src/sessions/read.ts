/**
 * Reads sessions for the person of one: from the nearest replica, while the primary alone says
 * whether the person's own session is live.
 */
import { type Home, type Replica, transact } from '../db/d1';
import type { EndReason } from './end-reason';
import type { SessionOwner } from './may-end';
import type { RuleContext } from './rule-context';
import {
  checkSession,
  MOVED,
  type Moved,
  type Session,
  type SessionWithNotBefore,
  selectSession,
} from './session';

/** The person's home, and its replica. */
export interface ReadSources {
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
  id: string,
  { policy, now }: RuleContext,
): Promise<{ session: Session; ended: EndReason | null } | Moved | null> {
  const session = await findSession(home, id);
  if (session === null || session === MOVED) return session;
  const ended = checkSession(session, policy, now);
  return ended === MOVED ? MOVED : { session, ended };
}

/** The session, where it is in that home; null: there is none, or it has moved. */
export const ifHere = (found: SessionWithNotBefore | Moved | null): Session | null =>
  found === MOVED ? null : found;

/** A live session by its id. */
export async function findLiveSession(
  home: Home,
  id: string,
  context: RuleContext,
): Promise<Session | Moved | null> {
  return whileLive(await findSession(home, id), context);
}

/** The session while it is live; null: there is none, or it is over. */
function whileLive(
  session: SessionWithNotBefore | Moved | null,
  { policy, now }: RuleContext,
): SessionWithNotBefore | Moved | null {
  if (session === null || session === MOVED) return session;
  const ended = checkSession(session, policy, now);
  if (ended === MOVED) return MOVED;
  return ended === null ? session : null;
}

/**
 * Finds a live session of the owner's user, and the owner's own session. `own` null: it is over.
 * `session` null: it is over, or not theirs.
 */
export async function findForOwner(
  home: Home,
  owner: SessionOwner,
  id: string,
  context: RuleContext,
): Promise<{ own: Session | null; session: Session | null } | Moved> {
  const found = await transact(home, () => ({
    own: selectSession(owner.sessionId),
    other: id === owner.sessionId ? null : selectSession(id),
  }));
  const own = whileLive(found.own[0] ?? null, context);
  if (own === MOVED) return MOVED;
  if (found.other === null) return { own, session: own };
  const other = whileLive(found.other[0] ?? null, context);
  const isTheirs = owner.userId !== null && other !== MOVED && other?.userId === owner.userId;
  return { own, session: isTheirs ? other : null };
}

/** The answer of a read, and the person's own session as that database has it. */
interface Found<T> {
  own: SessionWithNotBefore | undefined;
  answer: T;
}

/**
 * Reads for the person of a session that the primary has found to be live: from the replica, and
 * from the primary where the replica has that session in another state.
 */
export async function readFromReplica<T>(
  { home, replica }: ReadSources,
  session: Session,
  read: (database: Home | Replica) => Promise<Found<T>>,
): Promise<T | Moved> {
  const first = await read(replica);
  const { own, answer } = isBehind(replica, first, session) ? await read(home) : first;
  // The session may have moved since the primary found it.
  return own !== undefined && own.movedTo !== null ? MOVED : answer;
}

/** Whether a replica answered with an older, or newer, state of the session than `session`. */
function isBehind(replica: Replica, { own }: Found<unknown>, session: Session): boolean {
  return replica.servedByReplica() && own?.refreshToken !== session.refreshToken;
}

/**
 * Reads for the person of a session; null when it turns out to be over. One round trip where the
 * primary gave the answer, because that says whether the session is live, too. Where a replica did,
 * the primary is asked for the session: at the same time, once this isolate has seen that replicas
 * answer.
 */
export async function readFromReplicaIfLive<T>(
  { home, replica }: ReadSources,
  sessionId: string,
  read: (database: Home | Replica) => Promise<Found<T>>,
  context: RuleContext,
): Promise<T | Moved | null> {
  const find = () => findSession(home, sessionId);
  const early = replica.servedByReplica() ? find() : null;
  // It is awaited below, unless the read fails: then its own failure must not count as unhandled.
  early?.catch(() => {});
  const found = await read(replica);
  const known = replica.servedByReplica() ? await (early ?? find()) : found.own;
  const session = whileLive(known ?? null, context);
  if (session === null || session === MOVED) return session;
  return isBehind(replica, found, session) ? (await read(home)).answer : found.answer;
}
