import type { SessionPolicy } from '../config/config';
import { type Keyring, sha256 } from '../crypto';
import { type Home, transact } from '../db/d1';
import { type RefreshToken, successorsOf } from '../tokens/refresh-token';
import {
  checkSession,
  type EndReason,
  type Session,
  selectSession,
  wasRotatedWithinGrace,
} from './session';

export type PresentedResult =
  | { ok: true; session: Session }
  | { ok: false; reason: EndReason }
  /**
   * `superseded`: authentic, but neither current nor within the grace period. A refresh with it
   * would be reuse.
   */
  | { ok: false; reason: 'unknown_session' | 'wrong_client' | 'superseded' | 'moved' };

/**
 * The live session of an authentic token that is current, or superseded within the grace period.
 * One round trip, no write.
 */
export async function findPresented(
  home: Home,
  keyring: Keyring,
  policy: SessionPolicy,
  { token, clientId, now }: { token: RefreshToken; clientId: string; now: number },
): Promise<PresentedResult> {
  const [rows] = await transact(home, () => [selectSession(home, token.sessionId)] as const);
  const session = rows[0];
  if (session === undefined) return { ok: false, reason: 'unknown_session' };
  if (session.movedTo !== null) return { ok: false, reason: 'moved' };
  if (session.clientId !== clientId) return { ok: false, reason: 'wrong_client' };
  const ended = checkSession(session, policy, now);
  if (ended !== null) return { ok: false, reason: ended };
  if (session.refreshToken === (await sha256(token.secret))) return { ok: true, session };
  const successors = await successorsOf(keyring, token);
  const isPredecessor = successors.some(({ hash }) => hash === session.refreshToken);
  return isPredecessor && wasRotatedWithinGrace(session, policy, now)
    ? { ok: true, session }
    : { ok: false, reason: 'superseded' };
}
