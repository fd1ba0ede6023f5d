/**
 * What a refresh or a step-up with some token comes to, by the rules, as plainly as they can be
 * said.
 */
import { expect } from 'vitest';
import {
  type CallerName,
  DAY,
  endOf,
  kidOf,
  LOST_ANSWER,
  type Model,
  type ModelSession,
  POLICIES,
  type Superseded,
  secretOf,
} from './world';

export interface Foretold {
  /** Why it is refused; undefined: for a reason that is not told; null: it is not. */
  reason: string | undefined | null;
  /** The index of the token that is given. */
  gives: number;
  /** What the access token says of the person's authentication. */
  proof: number;
  rotates: boolean;
  revokes: boolean;
  /** It is one more recovery of a lost answer. */
  recovers: boolean;
  /** One statement does it, with nothing to report. */
  isOrdinary: boolean;
  asksDatabase: boolean;
}

const nothing: Omit<Foretold, 'reason'> = {
  gives: -1,
  proof: -1,
  rotates: false,
  revokes: false,
  recovers: false,
  isOrdinary: false,
  asksDatabase: true,
};

/** How far a token is trusted, by the SESSION_SECRET that signed it. */
type Standing = 'own' | 'leaked' | 'gone';

export function standingOf(model: Model, token: string): Standing {
  const generation = model.generations.get(kidOf(token));
  if (generation === model.generation) return 'own';
  return generation === model.generation - 1 && model.now < model.previousEndsAt
    ? 'leaked'
    : 'gone';
}

/** Whether the service can still tell that this token follows the one before. */
function isKnownStep(model: Model, session: ModelSession, index: number): boolean {
  const generation = session.ratchets[index];
  return (
    generation === model.generation ||
    (generation === model.generation - 1 && model.now < model.previousEndsAt)
  );
}

/** Why nothing more is asked of this token; null: it is of a live session. */
export function foretellEnd(
  model: Model,
  session: ModelSession,
  token: string,
): { standing: Standing; refused: Foretold | null } {
  const standing = standingOf(model, token);
  const atTheEdge = { ...nothing, asksDatabase: false };
  if (standing === 'gone') return { standing, refused: { ...atTheEdge, reason: undefined } };
  // The absolute end is in the token itself.
  if (model.now >= session.expiresAt)
    return { standing, refused: { ...atTheEdge, reason: 'expired_absolute' } };
  const ended = endOf(session, model.now);
  return { standing, refused: ended === null ? null : { ...nothing, reason: ended } };
}

export function foretellRefresh(
  model: Model,
  session: ModelSession,
  { index, token }: { index: number; token: string },
  caller: CallerName,
): Foretold {
  const { standing, refused } = foretellEnd(model, session, token);
  if (refused !== null) return refused;
  const { now } = model;
  const { current, rotatedAt, lastCaller, proof } = session;
  const given = { ...nothing, reason: null };

  const before = session.superseded.filter(({ until }) => now < until);
  const own = before.find((one) => one.index === index);
  if (own) return { ...given, gives: index, proof: own.proof };
  const next = before.find(
    (one) =>
      one.index === index + 1 &&
      isWithin(one, session, now) &&
      isKnownStep(model, session, one.index),
  );
  if (next) return { ...given, gives: next.index, proof: next.proof };

  const isInGrace = isWithin(session, session, now);
  const isSame = lastCaller === null || lastCaller === caller;
  if (index === current && !isInGrace)
    return { ...given, gives: current + 1, proof, rotates: true, isOrdinary: isSame };
  if (index === current) return { ...given, gives: current, proof };
  const isPredecessor = index === current - 1 && isKnownStep(model, session, current);
  if (isPredecessor && isInGrace) return { ...given, gives: current, proof };
  // Whoever has the secret may have made it.
  if (standing === 'leaked') return { ...nothing, reason: undefined };
  if (
    isPredecessor &&
    lastCaller === caller &&
    rotatedAt !== null &&
    now - rotatedAt < LOST_ANSWER
  ) {
    const { given: marked, at } = session.recoveries;
    const isRetry =
      marked === current && now - (at.at(-1) as number) < POLICIES[session.client].grace;
    const isAllowed = marked !== index && at.filter((time) => time > now - DAY).length < 3;
    const taken = session.superseded.find((one) => one.index === index);
    if (isRetry || isAllowed)
      return { ...given, gives: current, proof: taken?.proof ?? proof, recovers: !isRetry };
  }
  return { ...nothing, reason: 'reuse_detected', revokes: true };
}

export function applyRefresh(
  model: Model,
  session: ModelSession,
  expected: Foretold,
  token: string | null,
  caller: CallerName,
): void {
  const { now } = model;
  if (expected.revokes) session.ended = 'reuse_detected';
  if (expected.rotates) {
    moveOn(model, session);
    session.lastCaller = caller;
  }
  if (expected.recovers) {
    // What did not arrive did not happen, a step-up neither.
    session.proof = expected.proof;
    session.recoveries = { given: session.current, at: [...session.recoveries.at, now] };
  }
  learn(model, session, expected.gives, token);
}

export interface ForetoldStepUp {
  status: number;
  /** Of a session that is over. */
  reason: string | undefined;
  /** How many tokens the session moves on by. */
  moves: 0 | 1;
  gives: number;
  asksDatabase: boolean;
}

export function foretellStepUp(
  model: Model,
  session: ModelSession,
  { index, token }: { index: number; token: string },
): ForetoldStepUp {
  const refusal = { reason: undefined, moves: 0, gives: -1, asksDatabase: true } as const;
  const { refused } = foretellEnd(model, session, token);
  if (refused !== null && !refused.asksDatabase)
    return { ...refusal, status: 404, asksDatabase: false };
  if (refused !== null) return { ...refusal, status: 409, reason: refused.reason ?? undefined };
  const { now } = model;
  const { current } = session;
  const wasShown = (which: number) =>
    session.superseded.some((one) => one.index === which && now < one.until);
  const isKnown = (which: number) => isKnownStep(model, session, which);
  const isFresh = index === current - 1 && isKnown(current) && isWithin(session, session, now);
  const done = { ...refusal, status: 200 };
  if (index === current || (isFresh && !wasShown(index)))
    return { ...done, moves: 1, gives: current + 1 };
  const isFurtherBack =
    index === current - 2 && isKnown(current - 1) && isKnown(current) && wasShown(current - 1);
  if (isFresh || isFurtherBack) return { ...done, gives: current };
  return { ...refusal, status: 409 };
}

export function applyStepUp(
  model: Model,
  session: ModelSession,
  expected: ForetoldStepUp,
  token: string | null,
  proof: number,
): void {
  if (expected.moves === 1) {
    const { current: index, rotatedAt, proof: former } = session;
    const until = model.now + POLICIES[session.client].grace;
    session.superseded.push({ index, rotatedAt, until, proof: former });
    moveOn(model, session);
  }
  session.proof = proof;
  learn(model, session, expected.gives, token);
}

function isWithin(
  { rotatedAt }: Pick<Superseded, 'rotatedAt'>,
  { client }: Pick<ModelSession, 'client'>,
  now: number,
): boolean {
  const { grace } = POLICIES[client];
  return rotatedAt !== null && now - rotatedAt < grace;
}

function moveOn({ now, generation }: Model, session: ModelSession): void {
  session.current += 1;
  session.rotatedAt = now;
  session.ratchets[session.current] = generation;
  if (session.tokens.length === session.current) session.tokens.push(null);
}

/** One successor, whoever asks and however often, wherever the session lives: no chain forks. */
export function learn(
  model: Model,
  session: ModelSession,
  index: number,
  token: string | null,
): void {
  if (token === null) return;
  const known = session.tokens[index];
  if (known != null) expect(secretOf(token)).toBe(secretOf(known));
  session.tokens[index] = token;
  const kid = kidOf(token);
  // What leaked signs nothing any more.
  expect(model.generations.get(kid) ?? model.generation).toBe(model.generation);
  model.generations.set(kid, model.generation);
}
