/**
 * Step-up: the person behind a live session has proved anew who they are (RFC 9470). What the
 * session knows of that is replaced, and its refresh token moves on as a refresh would move it, so
 * that an invariant holds: at most one step a grace period. A backend shows the app's current
 * refresh token, because only with it can the ratchet make the next.
 */
import { and, eq, inArray, isNull, lte, or, type SQL, sql } from 'drizzle-orm';
import type { BatchItem } from 'drizzle-orm/batch';
import type { Grant } from '../config/authority';
import type { SessionPolicy } from '../config/config';
import { type Keyring, sha256 } from '../crypto';
import { type Home, transact } from '../db/d1';
import { userSessions } from '../db/schema';
import {
  FEW,
  type RecordedEvent,
  type Reporting,
  recordWhere,
  reportTo,
} from '../security-log/record';
import { type RefreshToken, successorsOf } from '../tokens/refresh-token';
import { isReached } from './reach';
import { subjectOf } from './revoke';
import {
  checkSession,
  type EndReason,
  isLive,
  isWithinGrace,
  type KnownSession,
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
  const condition = (isRerun: boolean): SQL | undefined =>
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
    );
  const event = {
    id: crypto.randomUUID(),
    type: 'authenticated',
    details: { by: 'client', client_id: grant.clientId },
  } as const;
  const report = reportTo(home, reporting, {
    subject: subjectOf(home, token.sessionId),
    atMost: FEW,
    now,
  });
  const results: unknown[] = await transact(
    home,
    (isRerun) =>
      [
        recordWhere(home, event, {
          condition: condition(isRerun),
          requestId: reporting.requestId,
          now,
        }),
        db
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
        ...report.deliveries,
        report.readBack,
        selectSession(home, token.sessionId),
      ] as unknown as [BatchItem<'sqlite'>],
  );
  const [session] = results[1] as Session[];
  if (session !== undefined) {
    const successor = successors.find((candidate) => candidate.hash === session.refreshToken);
    const secret = successor?.secret ?? token.secret;
    return { ok: true, session, secret, events: results.at(-2) as RecordedEvent[] };
  }
  const [row] = results.at(-1) as (KnownSession | undefined)[];
  // A session of a client that the backend does not act for is none that it knows.
  if (row === undefined || !grant.includes(row.clientId))
    return { ok: false, reason: 'unknown_session' };
  const ended = checkSession(row, policy, now);
  if (ended !== null) return { ok: false, reason: ended };
  const isOlder = row.authTime !== null && row.authTime.getTime() > authTime.getTime();
  return { ok: false, reason: isOlder ? 'older_authentication' : 'superseded' };
}
