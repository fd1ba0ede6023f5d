/**
 * Step-up: the person behind a live session has proved anew who they are (RFC 9470). What the
 * session knows of that is replaced, and its refresh token moves on, also within the grace period
 * of a rotation, so that the new authentication is of the answer alone: every token that was there
 * before gives what it gave (before-step-up.ts). A backend shows the app's current refresh token,
 * because only with it can the ratchet make the next; where a refresh has superseded it a moment
 * ago, the ratchet takes two steps.
 */
import { and, eq, inArray, isNull, lte, or, type SQL, sql } from 'drizzle-orm';
import type { Grant } from '../config/authority';
import type { SessionPolicy } from '../config/config';
import { type Keyring, sha256 } from '../crypto';
import { type Home, transact } from '../db/d1';
import { userSessions } from '../db/schema';
import { type RepeatableDraft, toRecording } from '../security-log/hourly-limit';
import { type RecordedEvent, type Reporting, reportTo } from '../security-log/record';
import { type RefreshToken, type Successor, successorsOf } from '../tokens/refresh-token';
import { supersededByStepUp, wasSupersededByStepUp } from './before-step-up';
import { isReached } from './reach';
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
 * Records an authentication and moves the token on. One round trip. Safe to repeat with the same
 * token within the grace period: the token moves once.
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
  const [hash, steps] = await Promise.all([sha256(token.secret), stepsFrom(keyring, token)]);
  const rotatedAt = new Date(now);
  const own = eq(userSessions.id, token.sessionId);
  const { moves, isRepeat, isSuccessor, nextHash } = toMoves(policy, { hash, steps, now });
  const condition = (isRerun: boolean) =>
    and(
      own,
      isReached(userSessions.clientId, grant),
      or(
        moves,
        isRepeat,
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
  const recordings = await Promise.all(
    [false, true].map((isRerun) =>
      toRecording(home, draft, { sessionId, condition: condition(isRerun), requestId, now }),
    ),
  );
  const eventIds = recordings[0]?.eventIds ?? [];
  const report = reportTo(home, reporting, { written: eventIds, now });
  const { authenticated, written, rows } = await transact(home, (isRerun) => ({
    recorded: recordings[isRerun ? 1 : 0]?.statements ?? [],
    authenticated: db
      .update(userSessions)
      .set({
        refreshToken: sql`iif(${moves}, ${nextHash}, ${userSessions.refreshToken})`,
        rotatedAt: sql`iif(${moves}, ${now}, ${userSessions.rotatedAt})`,
        beforeStepUp: sql`iif(${moves}, ${supersededByStepUp(policy, now)}, ${userSessions.beforeStepUp})`,
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
    const secret = steps
      .flatMap(({ successor, following }) => [successor, ...following])
      .find((candidate) => candidate.hash === session.refreshToken)?.secret;
    if (secret === undefined) throw new Error('the session moved to a token that is not the next');
    return { ok: true, session, secret, events: written };
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

/** A token that may follow the presented one, and those that may follow it. */
interface Step {
  successor: Successor;
  following: readonly [Successor, ...Successor[]];
}

async function stepsFrom(keyring: Keyring, token: RefreshToken): Promise<[Step, ...Step[]]> {
  const toStep = async (successor: Successor): Promise<Step> => ({
    successor,
    following: await successorsOf(keyring, { ...token, secret: successor.secret }),
  });
  const [next, ...others] = await successorsOf(keyring, token);
  return [await toStep(next), ...(await Promise.all(others.map(toStep)))];
}

/** SQL: what the presented token is to the session, and so whether the session moves on. */
function toMoves(
  policy: SessionPolicy,
  { hash, steps, now }: { hash: string; steps: readonly [Step, ...Step[]]; now: number },
) {
  const { refreshToken } = userSessions;
  const hashes = (tokens: readonly Successor[]) => tokens.map((token) => token.hash);
  const successors = hashes(steps.map(({ successor }) => successor));
  const following = hashes(steps.flatMap((step) => step.following));
  const isSuccessor = inArray(refreshToken, successors);
  const wasShown = wasSupersededByStepUp([hash], now);
  const isWithin = isWithinGrace(policy, now);
  const byCurrent = [
    sql`when ${hash} then ${steps[0].successor.hash}`,
    ...steps.map((step) => sql`when ${step.successor.hash} then ${step.following[0].hash}`),
  ];
  return {
    isSuccessor,
    /** It is the current one, or a refresh superseded it a moment ago. */
    moves: sql`(${refreshToken} = ${hash} or (${isSuccessor} and ${isWithin} and not ${wasShown}))`,
    /** A step-up with it has moved the session on. */
    isRepeat: sql`((${isSuccessor} and ${isWithin} and ${wasShown}) or (${inArray(refreshToken, following)} and ${wasSupersededByStepUp(successors, now)}))`,
    nextHash: sql`case ${refreshToken} ${sql.join(byCurrent, sql` `)} end`,
  };
}
