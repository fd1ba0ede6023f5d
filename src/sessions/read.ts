import type { SessionPolicy } from '../config/config';
import { type Home, type Replica, transact } from '../db/d1';
import { checkSession, type KnownSession, type Session, selectSession } from './session';

/** Where a person's sessions are. */
export interface Copies {
  home: Home;
  replica: Replica;
}

/** A session by its id, whatever its state. */
export async function findSession(home: Home, id: string): Promise<KnownSession | null> {
  const [rows] = await transact(home, () => [selectSession(home, id)] as const);
  return rows[0] ?? null;
}

/** The same, while it is live. */
export async function findLive(
  home: Home,
  policy: SessionPolicy,
  id: string,
  now: number,
): Promise<KnownSession | null> {
  const session = await findSession(home, id);
  return session !== null && checkSession(session, policy, now) === null ? session : null;
}

/** What a read found, and the person's session as it was there. */
interface Found<T> {
  own: Session | undefined;
  answer: T;
}

/**
 * Reads for the person of a live session, while the primary is asked for it; null when it turns out
 * to be over.
 */
export async function readFor<T, Live extends Session | null>(
  { home, replica }: Copies,
  live: Live | Promise<Live>,
  read: (copy: Home | Replica) => Promise<Found<T>>,
): Promise<T | Extract<Live, null>> {
  const [session, found] = await Promise.all([live, read(replica)]);
  if (session === null) return session as Extract<Live, null>;
  const isBehind = found.own?.refreshToken !== session.refreshToken;
  return isBehind ? (await read(home)).answer : found.answer;
}
