/** Ends one session: for its client, or for its person. */
import { and, eq } from 'drizzle-orm';
import { type Home, transact } from '../db/d1';
import { userSessions } from '../db/schema';
import type { RecordedEvent } from '../security-log/record';
import {
  type AuthenticatedOwner,
  belongsTo,
  mayEndOthers,
  type SessionOwner,
  whyRefused,
} from './may-end';
import { findSession } from './read';
import {
  BY_USER,
  endById,
  endOne,
  type Revocation,
  type RevokedBy,
  type RevokeResult,
} from './revocation';
import { MOVED, type Moved, selectSession } from './session';

/**
 * Ends a session of the client that presents its token (RFC 7009 §2.1). A session that is not
 * there, or not the client's, is left alone.
 */
export async function revokeByClient(
  home: Home,
  { sessionId, clientId }: { sessionId: string; clientId: string },
  revocation: Revocation,
): Promise<RecordedEvent[] | Moved> {
  const by = { by: 'client', client_id: clientId, reason: 'signed_out' } as const;
  return revokeNamed(home, { sessionId, clientId }, by, revocation);
}

/** Ends the owner's own session. */
export async function revokeCurrent(
  home: Home,
  { sessionId }: SessionOwner,
  revocation: Revocation,
): Promise<RecordedEvent[] | Moved> {
  return revokeNamed(home, { sessionId, clientId: null }, BY_USER, revocation);
}

async function revokeNamed(
  home: Home,
  target: { sessionId: string; clientId: string | null },
  by: RevokedBy,
  revocation: Revocation,
): Promise<RecordedEvent[] | Moved> {
  const end = endById(target, by, revocation);
  const { events } = await transact(home, () => end);
  // Where no live session was found, it may have moved. Only then that is asked, because asking in
  // the same transaction would cost every call a read.
  const isElsewhere = events.length === 0 && (await findSession(home, target.sessionId)) === MOVED;
  return isElsewhere ? MOVED : events;
}

/** Ends one session of the owner's user. Someone else's is not found. */
export async function revokeOne(
  home: Home,
  owner: AuthenticatedOwner,
  sessionId: string,
  revocation: Revocation,
): Promise<RevokeResult | Moved> {
  const target = and(eq(userSessions.id, sessionId), belongsTo(owner));
  const condition = and(target, mayEndOthers(home, owner, revocation));
  const end = endOne(home, condition, BY_USER, revocation);
  const { own, targets, events } = await transact(home, () => ({
    own: selectSession(owner.sessionId),
    targets: home.db.select({ id: userSessions.id }).from(userSessions).where(target),
    ...end,
  }));
  const refused = whyRefused(own[0], owner, revocation);
  if (refused === MOVED) return MOVED;
  if (refused !== null) return { ok: false, reason: refused };
  if (targets.length === 0) return { ok: false, reason: 'not_found' };
  return { ok: true, events };
}
