/**
 * Step-up: the person behind a live session has proved anew who they are (RFC 9470). What the
 * session knows of that is replaced, and its refresh token moves on as a refresh would move it, so
 * that an invariant holds: at most one step a grace period. A backend shows the app's current
 * refresh token, because only with it can the ratchet make the next.
 */
import { and, eq, inArray, isNull, lte, or, type SQL, sql } from 'drizzle-orm';
import type { Grant } from '../config/authority';
import type { SessionPolicy } from '../config/config';
import { type Keyring, sha256 } from '../crypto';
import { type Home, transact } from '../db/d1';
import { userSessions } from '../db/schema';
import { type RepeatableDraft, toRecording } from '../security-log/hourly-limit';
import { FEW, type RecordedEvent, type Reporting, reportTo } from '../security-log/record';
import { type RefreshToken, successorsOf } from '../tokens/refresh-token';
import { isReached } from './reach';
import { subjectOf } from './revoke';
import {
  checkSession,
  type EndReason,
  isLive,
  isWithinGrace,
  type Session,
  selectSession,
} from './session';

export interface Authentication {
  authTime: Date;
  /** null: not said, so nothing is known of it any more. */
  amr: string[] | null;
  acr: string | null;
}

export type AuthenticateResult =
  | { ok: true; session: Session; secret: string; events: RecordedEvent[] }
  | { ok: false; reason: EndReason | 'unknown_session' }
  /** The token is not the session's current one, nor its predecessor within the grace period. */
  | { ok: false; reason: 'superseded' }
  /** The session knows of a later authentication. */
  | { ok: false; reason: 'older_authentication' };

/**
 * Records an authentication and moves the token on. One round trip. Safe to repeat within the grace
 * period.
 */
export async function authenticateSession(
  home: Home,
  keyring: Keyring,
  policy: SessionPolicy,
  token: RefreshToken,
  { authTime, amr, acr }: Authentication,
  { grant, reporting, now }: { grant: Grant<'create_sessions'>; reporting: Reporting; now: number },
): Promise<AuthenticateResult> {
  const { db } = home;
  const [hash, successors] = await Promise.all([
    sha256(token.secret),
    successorsOf(keyring, token),
  ]);
  const [next] = successors;
  const rotatedAt = new Date(now);
  const own = eq(userSessions.id, token.sessionId);
  const isCurrent = eq(userSessions.refreshToken, hash);
  const moves = sql`(${isCurrent} and not ${isWithinGrace(policy, now)})`;
  const isSuccessor = inArray(
    userSessions.refreshToken,
    successors.map((successor) => successor.hash),
  );
  const condition = (isRerun: boolean) =>
    and(
      own,
      isReached(userSessions.clientId, grant),
      or(
        isCurrent,
        and(isSuccessor, isWithinGrace(policy, now)),
        // What the run before did, whose outcome was unknown.
        isRerun ? and(isSuccessor, eq(userSessions.rotatedAt, rotatedAt)) : undefined,
      ),
      isLive(policy, now),
      or(isNull(userSessions.authTime), lte(userSessions.authTime, authTime)),
    ) as SQL;
  const { requestId } = reporting;
  const { sessionId } = token;
  const draft: RepeatableDraft = {
    type: 'authenticated',
    // Drawn here, so that a transaction that is run again reports it once.
    once: crypto.randomUUID(),
    details: { by: 'client', client_id: grant.clientId },
  };
  const subject = subjectOf(home, sessionId);
  const report = reportTo(home, reporting, { subject, atMost: FEW, now });
  const recordings = await Promise.all(
    [false, true].map((isRerun) =>
      toRecording(home, draft, { sessionId, condition: condition(isRerun), requestId, now }),
    ),
  );
  const { authenticated, written, rows } = await transact(home, (isRerun) => ({
    recorded: recordings[isRerun ? 1 : 0]?.statements ?? [],
    authenticated: db
      .update(userSessions)
      .set({
        refreshToken: sql`iif(${moves}, ${next.hash}, ${userSessions.refreshToken})`,
        rotatedAt: sql`iif(${moves}, ${now}, ${userSessions.rotatedAt})`,
        authTime,
        // Of an authentication before this one nothing stays: its class was another's.
        amr: amr && JSON.stringify(amr),
        acr,
      })
      .where(condition(isRerun))
      .returning(),
    deliveries: report.deliveries,
    written: report.readBack,
    rows: selectSession(home, sessionId),
  }));
  const [session] = authenticated;
  if (session !== undefined) {
    const successor = successors.find((candidate) => candidate.hash === session.refreshToken);
    return { ok: true, session, secret: successor?.secret ?? token.secret, events: written };
  }
  const [row] = rows;
  // A session of a client that the backend does not act for is none that it knows.
  if (row === undefined || !grant.includes(row.clientId))
    return { ok: false, reason: 'unknown_session' };
  const ended = checkSession(row, policy, now);
  if (ended !== null) return { ok: false, reason: ended };
  const isOlder = row.authTime !== null && row.authTime.getTime() > authTime.getTime();
  return { ok: false, reason: isOlder ? 'older_authentication' : 'superseded' };
}
