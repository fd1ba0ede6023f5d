/**
 * Step-up: the person behind a live session has proved anew who they are (RFC 9470). The session's
 * former authentication is replaced, and its refresh token moves on, also within the grace period
 * of a rotation, so that only the token in the answer stands for the new authentication; every
 * earlier token still stands for the former one (before-step-up.ts). A backend shows the app's
 * current refresh token, because only with it can the ratchet make the next; where a refresh has
 * superseded it a moment ago, the ratchet takes two steps.
 */

import { and, eq, isNull, lte, or, type SQL, sql } from 'drizzle-orm';
import type { Grant } from '../config/authority';
import type { SessionPolicies } from '../config/session-policy';
import { type Keyring, sha256 } from '../crypto';
import { type Home, transact } from '../db/d1';
import { type Given, given, prepareOncePer } from '../db/prepared';
import { userSessions } from '../db/schema';
import { repeatableStatements, toDetails, toHoursIds } from '../security-log/hourly-limit';
import { type RecordedEvent, reportTo } from '../security-log/record';
import { type RefreshToken, type Successor, successorsOf } from '../tokens/refresh-token';
import { supersededByStepUp, wasSupersededByStepUp } from './before-step-up';
import type { EndReason } from './end-reason';
import { isReachedBy, toReach } from './reach';
import type { WriteContext } from './rule-context';
import {
  checkSession,
  isLive,
  isWithinGrace,
  MOVED,
  type Moved,
  PLACEHOLDERS_OF_NOW,
  type Session,
  selectSession,
  toValuesOfNow,
} from './session';

export interface Authentication {
  authTime: Date;
  /** null: the backend did not say, so that the session knows nothing of it any more. */
  amr: string[] | null;
  acr: string | null;
}

/** What a step-up is by: the backend's grant, the app's refresh token, and the new proof. */
export interface StepUp {
  grant: Grant<'create_sessions'>;
  token: RefreshToken;
  authentication: Authentication;
}

export type AuthenticateResult =
  | { ok: true; session: Session; secret: string; events: RecordedEvent[] }
  | { ok: false; reason: EndReason | 'unknown_session' }
  /** The token is not the session's current one, nor its predecessor within the grace period. */
  | { ok: false; reason: 'superseded' }
  /** The session belongs to support staff, who proved nothing for the user. */
  | { ok: false; reason: 'actor_not_allowed' }
  /** The session knows of a later authentication. */
  | { ok: false; reason: 'older_authentication' };

/**
 * Records an authentication and moves the token on. One round trip. Safe to repeat with the same
 * token within the grace period: the token moves once.
 */
export async function authenticateSession(
  home: Home,
  keyring: Keyring,
  { grant, token, authentication }: StepUp,
  { policy, reporting, now }: WriteContext,
): Promise<AuthenticateResult | Moved> {
  const { sessionId } = token;
  const { authTime, amr, acr } = authentication;
  const details = { by: 'client', client_id: grant.clientId } as const;
  const [hash, steps, eventIds] = await Promise.all([
    sha256(token.secret),
    stepsFrom(keyring, token),
    toHoursIds({ type: 'authenticated', details }, sessionId, now),
  ]);
  // The id is drawn here, so that a transaction that is run again reports the step-up once.
  const once = crypto.randomUUID();
  const values = {
    ...toValuesOfNow(now),
    ...toValuesOfMoves(hash, steps),
    sessionId,
    acr,
    once,
    requestId: reporting.requestId,
    reach: toReach(grant),
    authTime: Math.floor(authTime.getTime() / 1000),
    amr: amr && JSON.stringify(amr),
    ids: JSON.stringify(eventIds),
    lastId: eventIds.at(-1) ?? null,
    details: toDetails({ details, once }),
  };
  const report = reportTo(reporting, { written: eventIds, now });
  const { authenticated, written, rows } = await transact(home, (isRerun) => {
    const of = isRerun ? OF_RERUN : OF_FIRST_RUN;
    return {
      leftOut: of.leftOut(policy, values),
      logged: of.log(policy, values),
      authenticated: of.authenticate(policy, values),
      deliveries: report.deliveries,
      written: report.readBack,
      rows: selectSession(sessionId),
    };
  });
  const [session] = authenticated;
  if (session !== undefined) {
    const secret = steps
      .flatMap(({ successor, following }) => [successor, ...following])
      .find((candidate) => candidate.hash === session.refreshToken)?.secret;
    if (secret === undefined) throw new Error('the session moved to a token that is not the next');
    return { ok: true, session, secret, events: written };
  }
  const [row] = rows;
  // A session of a client that the backend does not act for is unknown to the backend.
  if (row === undefined || !grant.includes(row.clientId))
    return { ok: false, reason: 'unknown_session' };
  const ended = checkSession(row, policy, now);
  if (ended === MOVED) return MOVED;
  if (ended !== null) return { ok: false, reason: ended };
  if (row.act !== null) return { ok: false, reason: 'actor_not_allowed' };
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

/** SQL: the session's token is one of a JSON array of hashes. */
const isOneOf = (hashes: Given) =>
  sql`${userSessions.refreshToken} in (select value from json_each(${hashes}))`;

/** SQL: how the presented token relates to the session, and so whether the session moves on. */
function toMoves(policy: SessionPolicies) {
  const { refreshToken } = userSessions;
  const isSuccessor = isOneOf(given('successors'));
  const wasShown = wasSupersededByStepUp(given('shown'), given('now'));
  const isWithin = isWithinGrace(policy, PLACEHOLDERS_OF_NOW);
  const wasNextShown = wasSupersededByStepUp(given('successors'), given('now'));
  return {
    isSuccessor,
    /** The token is the current one, or a refresh superseded it a moment ago. */
    moves: sql`(${refreshToken} = ${given('hash')} or (${isSuccessor} and ${isWithin} and not ${wasShown}))`,
    /** A step-up with this token has moved the session on already. */
    isRepeat: sql`((${isSuccessor} and ${isWithin} and ${wasShown}) or (${isOneOf(given('following'))} and ${wasNextShown}))`,
    nextHash: sql`(select value from json_each(${given('nextOf')}) where key = ${refreshToken})`,
  };
}

function toValuesOfMoves(hash: string, steps: readonly [Step, ...Step[]]) {
  const hashes = (tokens: readonly Successor[]) => JSON.stringify(tokens.map((one) => one.hash));
  const next = steps.map(({ successor, following }) => [successor.hash, following[0].hash]);
  return {
    hash,
    shown: JSON.stringify([hash]),
    successors: hashes(steps.map(({ successor }) => successor)),
    following: hashes(steps.flatMap((step) => step.following)),
    nextOf: JSON.stringify({ [hash]: steps[0].successor.hash, ...Object.fromEntries(next) }),
  };
}

const OF_FIRST_RUN = toStatements(false);
const OF_RERUN = toStatements(true);

/**
 * The statements of a step-up, prepared once. A rerun also knows what the run before may have done.
 */
function toStatements(isRerun: boolean) {
  const condition = (policy: SessionPolicies) => {
    const { moves, isRepeat, isSuccessor } = toMoves(policy);
    const isOwnMove = and(isSuccessor, eq(userSessions.rotatedAt, given('now')));
    const { authTime, clientId, act } = userSessions;
    return and(
      eq(userSessions.id, given('sessionId')),
      isReachedBy(clientId, given('reach')),
      isNull(act),
      or(moves, isRepeat, isRerun ? isOwnMove : undefined),
      isLive(policy, PLACEHOLDERS_OF_NOW),
      or(isNull(authTime), lte(authTime, given('authTime'))),
    ) as SQL;
  };
  const event = (db: Home['db'], policy: SessionPolicies) =>
    repeatableStatements(db, 'authenticated', condition(policy), {
      ids: given('ids'),
      lastId: given('lastId'),
      once: given('once'),
      details: given('details'),
      requestId: given('requestId'),
      second: given('second'),
    });
  return {
    leftOut: prepareOncePer((db, policy: SessionPolicies) => event(db, policy).leftOut),
    log: prepareOncePer((db, policy: SessionPolicies) => event(db, policy).event),
    authenticate: prepareOncePer((db, policy: SessionPolicies) => {
      const { moves, nextHash } = toMoves(policy);
      const { refreshToken, rotatedAt, beforeStepUp } = userSessions;
      const superseded = supersededByStepUp(policy, given('now'));
      return db
        .update(userSessions)
        .set({
          refreshToken: sql`iif(${moves}, ${nextHash}, ${refreshToken})`,
          rotatedAt: sql`iif(${moves}, ${given('now')}, ${rotatedAt})`,
          beforeStepUp: sql`iif(${moves}, ${superseded}, ${beforeStepUp})`,
          authTime: sql`${given('authTime')}`,
          // The former `amr` and `acr` do not stay: they were of another authentication.
          amr: sql`${given('amr')}`,
          acr: sql`${given('acr')}`,
        })
        .where(condition(policy))
        .returning();
    }),
  };
}
