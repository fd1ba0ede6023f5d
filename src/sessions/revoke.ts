/** Ending one session: by its client, or by its person. */
import { and, eq } from 'drizzle-orm';
import { type Home, transact } from '../db/d1';
import { userSessions } from '../db/schema';
import type { RecordedEvent } from '../security-log/record';
import {
  type AuthenticatedCaller,
  belongsTo,
  type Caller,
  mayEndOthers,
  whyRefused,
} from './may-end';
import { BY_USER, endById, endOne, type Revocation, type RevokeResult } from './revocation';
import { selectSession } from './session';

/**
 * Ends a session of the client that presents its token (RFC 7009 §2.1). One that is not there, or
 * not the client's, is left alone.
 */
export async function revokeByClient(
  home: Home,
  { sessionId, clientId }: { sessionId: string; clientId: string },
  revocation: Revocation,
): Promise<RecordedEvent[]> {
  const by = { by: 'client', client_id: clientId, reason: 'signed_out' } as const;
  const end = endById(home, { sessionId, clientId }, by, revocation);
  const { events } = await transact(home, () => end);
  return events;
}

/** Ends the caller's own session. */
export async function revokeCurrent(
  home: Home,
  { sessionId }: Caller,
  revocation: Revocation,
): Promise<RecordedEvent[]> {
  const end = endById(home, { sessionId, clientId: null }, BY_USER, revocation);
  const { events } = await transact(home, () => end);
  return events;
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
  const end = endOne(home, condition, BY_USER, revocation);
  const { own, targets, events } = await transact(home, () => ({
    own: selectSession(home, caller.sessionId),
    targets: home.db.select({ id: userSessions.id }).from(userSessions).where(target),
    ...end,
  }));
  const refused = whyRefused(own[0], caller, revocation);
  if (refused !== null) return { ok: false, reason: refused };
  if (targets.length === 0) return { ok: false, reason: 'not_found' };
  return { ok: true, events };
}
