/**
 * The service, over three homes, against a small model of it: random histories of creates,
 * refreshes, replays, thefts, lost answers, sign-outs, moves that are cut anywhere, crashes, faults
 * and time, each answer foretold. `MODEL_RUNS` says how many histories (`MODEL_RUNS=5000 npx vitest
 * run test/sessions/model.test.ts`).
 */
import { env } from 'cloudflare:test';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { runScheduled } from '../../src/scheduled';
import { APP, type Caller, type Fault } from '../fixtures';
import {
  beginEmpty,
  emptyHomes,
  HOMES,
  type HomeName,
  startThreeHomes,
  type ThreeHomes,
} from '../homes/three-homes';
import { AT, UA } from '../risk/callers';

const USERS = [
  '7b0e4f50-0f4c-4d0b-8f43-0f7d1d2f7c11',
  '7b0e4f50-0f4c-4d0b-8f43-0f7d1d2f7c12',
] as const;
const GRACE = 30;
const IDLE = 3_600;
const LIFETIME = 3 * 3_600;
const LOST_ANSWER = 900;
const LIMIT = 3;

const CALLERS = {
  owner: { userAgent: UA.chrome(), ...AT.home },
  thief: { userAgent: UA.firefox(), ...AT.lima },
} satisfies Record<string, Caller>;
type CallerName = keyof typeof CALLERS;

interface ModelSession {
  userId: string;
  /** The tokens of its life, as far as anyone has seen them; a lost one is not known. */
  tokens: (string | null)[];
  accessToken: string;
  /** Which token is the current one. */
  current: number;
  createdAt: number;
  rotatedAt: number | null;
  /** Who made the last rotation; null: none yet. */
  lastCaller: CallerName | null;
  ended: string | null;
}

interface Model {
  /** Seconds. */
  now: number;
  sessions: ModelSession[];
  /** Where each user lives; absent: nobody knows them. */
  homes: Map<string, HomeName>;
  /** Whose last move was cut: what they do next finishes it, or the cron. */
  unfinished: Set<string>;
}

interface Real {
  /** Replaced by a crash: the databases stay, all else is new. */
  homes: ThreeHomes;
}

type FaultName =
  | 'none'
  | 'retried before'
  | 'retried after'
  | 'overloaded before'
  | 'overloaded after';
const FAULTS: Record<Exclude<FaultName, 'none'>, Fault> = {
  'retried before': { before: 'Network connection lost.' },
  'retried after': { after: 'Network connection lost.' },
  'overloaded before': { before: 'D1 DB is overloaded. Too many requests queued.' },
  'overloaded after': { after: 'D1 DB is overloaded. Too many requests queued.' },
};

/** Why the session is over, by the model. */
function endOf(session: ModelSession, now: number): string | null {
  if (session.ended !== null) return session.ended;
  if (now >= session.createdAt + LIFETIME) return 'expired_absolute';
  return now >= (session.rotatedAt ?? session.createdAt) + IDLE ? 'expired_idle' : null;
}

const liveOf = (model: Model, userId: string) =>
  model.sessions.filter(
    (session) => session.userId === userId && endOf(session, model.now) === null,
  );

class Create implements fc.AsyncCommand<Model, Real> {
  constructor(readonly user: number) {}
  check = () => true;
  async run(model: Model, { homes: { service } }: Real) {
    const userId = USERS[this.user] as string;
    const created = await service.create({ user_id: userId });
    // A backend says nothing of where its users are.
    model.homes.set(userId, model.homes.get(userId) ?? 'DB');
    model.unfinished.delete(userId);
    const live = liveOf(model, userId);
    // To make room, the oldest sign-ins; the model's list is in their order.
    for (const evicted of live.slice(0, Math.max(0, live.length - LIMIT + 1)))
      evicted.ended = 'evicted';
    model.sessions.push({
      userId,
      tokens: [created.refresh_token],
      accessToken: created.access_token,
      current: 0,
      createdAt: model.now,
      rotatedAt: null,
      lastCaller: null,
      ended: null,
    });
  }
  toString = () => `create(user ${this.user})`;
}

class Refresh implements fc.AsyncCommand<Model, Real> {
  constructor(
    readonly session: number,
    /** How many tokens back from the newest. */
    readonly back: number,
    readonly caller: CallerName,
    readonly fault: FaultName,
  ) {}
  check = (model: Readonly<Model>) => model.sessions.length > 0;

  async run(model: Model, { homes: { service, databases } }: Real) {
    const session = model.sessions[this.session % model.sessions.length] as ModelSession;
    const index = Math.max(0, session.tokens.length - 1 - this.back);
    const token = session.tokens[index];
    if (token == null) return;
    // The fault is the session's own, not that of a move which it finishes, or of the signing keys.
    const fault = model.unfinished.has(session.userId) ? 'none' : this.fault;
    await service.request('/.well-known/jwks.json');
    const database = databases[model.homes.get(session.userId) as HomeName];
    if (fault !== 'none') database.faults = [FAULTS[fault]];
    const { status, body } = await service.refresh(token, APP, CALLERS[this.caller]);
    database.faults = [];

    const expected = foretell(session, index, this.caller, model.now);
    if (expected.asksDatabase) model.unfinished.delete(session.userId);
    if (fault.startsWith('overloaded') && expected.asksDatabase) {
      expect(status).toBe(503);
      // The first statement was committed: it had moved the session on if that was ordinary.
      if (fault === 'overloaded after' && expected.isOrdinary)
        apply(session, expected, null, this.caller, model.now);
      return;
    }
    expect({ status, reason: body.reason }).toEqual(
      expected.reason === null
        ? { status: 200, reason: undefined }
        : { status: 400, reason: expected.reason },
    );
    apply(session, expected, status === 200 ? body.refresh_token : null, this.caller, model.now);
    if (status === 200) session.accessToken = body.access_token;
  }
  toString = () =>
    `refresh(session ${this.session}, ${this.back} back, ${this.caller}, ${this.fault})`;
}

interface Foretold {
  /** Of a refusal. */
  reason: string | null;
  /** The index of the token that is given. */
  gives: number;
  rotates: boolean;
  revokes: boolean;
  /** One statement does it, with nothing to report. */
  isOrdinary: boolean;
  asksDatabase: boolean;
}

/** What a refresh with this token comes to. */
function foretell(session: ModelSession, index: number, caller: CallerName, now: number): Foretold {
  const nothing = {
    gives: -1,
    rotates: false,
    revokes: false,
    isOrdinary: false,
    asksDatabase: true,
  };
  // The absolute end is in the token itself.
  if (now >= session.createdAt + LIFETIME)
    return { ...nothing, reason: 'expired_absolute', asksDatabase: false };
  const ended = endOf(session, now);
  if (ended !== null) return { ...nothing, reason: ended };
  const { current, rotatedAt, lastCaller } = session;
  const isInGrace = rotatedAt !== null && now - rotatedAt < GRACE;
  const isSame = lastCaller === null || lastCaller === caller;
  if (index === current && !isInGrace)
    return { ...nothing, reason: null, gives: current + 1, rotates: true, isOrdinary: isSame };
  if (index === current) return { ...nothing, reason: null, gives: current };
  const isLost = lastCaller === caller && rotatedAt !== null && now - rotatedAt < LOST_ANSWER;
  if (index === current - 1 && (isInGrace || isLost))
    return { ...nothing, reason: null, gives: current };
  return { ...nothing, reason: 'reuse_detected', revokes: true };
}

function apply(
  session: ModelSession,
  expected: Foretold,
  token: string | null,
  caller: CallerName,
  now: number,
): void {
  if (expected.revokes) session.ended = 'reuse_detected';
  if (expected.rotates)
    Object.assign(session, { current: session.current + 1, rotatedAt: now, lastCaller: caller });
  if (expected.rotates && session.tokens.length === session.current) session.tokens.push(null);
  if (token === null) return;
  // One successor, whoever asks and however often, wherever the session lives: a chain never forks.
  const known = session.tokens[expected.gives];
  if (known != null) expect(secretOf(token)).toBe(secretOf(known));
  session.tokens[expected.gives] = token;
}

/** Tokens of one secret differ in the home that they name. */
function secretOf(token: string): string {
  const payload = token.split('.')[2] as string;
  return JSON.parse(atob(payload.replaceAll('-', '+').replaceAll('_', '/'))).secret;
}

class SignOut implements fc.AsyncCommand<Model, Real> {
  constructor(
    readonly session: number,
    readonly others: boolean,
  ) {}
  check = (model: Readonly<Model>) => model.sessions.length > 0;
  async run(model: Model, { homes: { service } }: Real) {
    const session = model.sessions[this.session % model.sessions.length] as ModelSession;
    const isLive = endOf(session, model.now) === null;
    const path = this.others ? '/v1/sessions/revoke-others' : '/v1/sessions/current';
    const { status } = await service.bearer(
      this.others ? 'POST' : 'DELETE',
      path,
      session.accessToken,
    );
    // An access token may have expired meanwhile; then nothing is asked.
    if (status === 401) return;
    model.unfinished.delete(session.userId);
    expect(status).toBe(this.others ? 200 : 204);
    if (this.others) expect(isLive).toBe(true);
    // Also those that had expired: a longer timeout brings back nobody who was signed out.
    const isOwn = (other: ModelSession) => other.userId === session.userId && other !== session;
    const ended = this.others ? model.sessions.filter(isOwn) : [session];
    for (const one of ended) one.ended ??= 'signed_out';
  }
  toString = () => `signOut(session ${this.session}${this.others ? ', others' : ''})`;
}

class RevokeUser implements fc.AsyncCommand<Model, Real> {
  constructor(readonly user: number) {}
  check = () => true;
  async run(model: Model, { homes: { service } }: Real) {
    const userId = USERS[this.user] as string;
    const live = liveOf(model, userId);
    model.unfinished.delete(userId);
    const response = await service.backend('DELETE', `/v1/users/${userId}/sessions`);
    expect(await response.json()).toEqual({ revoked: live.length });
    for (const session of model.sessions)
      if (session.userId === userId) session.ended ??= 'revoked';
  }
  toString = () => `revokeUser(${this.user})`;
}

/** The round trips of a move, and which home each is of. */
const STEPS = [
  { at: 'source', skip: 1 },
  { at: 'source', skip: 2 },
  { at: 'target', skip: 1 },
  { at: 'source', skip: 3 },
] as const;
type Cut = { step: 0 | 1 | 2 | 3; when: 'before' | 'after' } | null;

class Move implements fc.AsyncCommand<Model, Real> {
  constructor(
    readonly user: number,
    readonly to: HomeName,
    readonly cut: Cut,
  ) {}
  check = () => true;
  async run(model: Model, { homes: { databases, post } }: Real) {
    const userId = USERS[this.user] as string;
    const from = model.homes.get(userId);
    // A move that finishes another one first has more round trips.
    const cut = from === this.to || model.unfinished.has(userId) ? null : this.cut;
    if (cut !== null && from !== undefined) {
      const { at, skip } = STEPS[cut.step];
      const message = 'D1 DB is overloaded. Too many requests queued.';
      const fault = cut.when === 'before' ? { before: message } : { after: message };
      databases[at === 'source' ? from : this.to].faults = [
        ...Array.from({ length: skip }, () => null),
        fault,
      ];
    }
    const { status, body } = await post(`/v1/users/${userId}/move`, { home: this.to });
    for (const name of HOMES) databases[name].faults = [];
    if (from === undefined) {
      expect(status).toBe(404);
      return;
    }
    model.unfinished.delete(userId);
    if (cut === null)
      expect({ status, ...body }).toMatchObject({ status: 200, moved: from !== this.to });
    else expect(status).toBe(503);
    // One commit decides: that of the first step.
    const hasLeft = cut === null || cut.step > 0 || cut.when === 'after';
    if (hasLeft) model.homes.set(userId, this.to);
    if (cut !== null && hasLeft) model.unfinished.add(userId);
  }
  toString = () =>
    `move(user ${this.user}, ${this.to}${this.cut === null ? '' : `, cut ${this.cut.when} ${this.cut.step}`})`;
}

/** Nothing is left but the databases. */
class Crash implements fc.AsyncCommand<Model, Real> {
  check = () => true;
  async run(_: Model, real: Real) {
    real.homes = await startThreeHomes(VARIABLES, real.homes.service.clock);
  }
  toString = () => 'crash()';
}

class Wait implements fc.AsyncCommand<Model, Real> {
  constructor(readonly seconds: number) {}
  check = () => true;
  async run(model: Model, { homes: { service } }: Real) {
    model.now += this.seconds;
    service.advance(this.seconds);
    if (model.unfinished.size > 0) await runScheduled(service.env, service.clock.now);
    model.unfinished.clear();
    // What must hold at every moment.
    for (const userId of USERS) {
      const response = await service.backend('GET', `/v1/users/${userId}/sessions`);
      const { sessions } = (await response.json()) as { sessions: unknown[] };
      expect(sessions).toHaveLength(liveOf(model, userId).length);
      expect(sessions.length).toBeLessThanOrEqual(LIMIT);
    }
  }
  toString = () => `wait(${this.seconds} s)`;
}

const VARIABLES = {
  REFRESH_GRACE_SECONDS: String(GRACE),
  INACTIVITY_TIMEOUT_SECONDS: String(IDLE),
  SESSION_LIFETIME_SECONDS: String(LIFETIME),
  LOST_ANSWER_SECONDS: String(LOST_ANSWER),
  MAX_SESSIONS_PER_USER: String(LIMIT),
  ACCESS_TOKEN_TTL_SECONDS: '3600',
};

beginEmpty();

it('any history ends as the model foretells: nobody wrongly signed out, no fork, no revoked session back, none over the limit', async () => {
  const index = fc.nat({ max: 7 });
  const user = fc.nat({ max: 1 });
  const back = fc.oneof(
    { weight: 4, arbitrary: fc.constant(0) },
    { weight: 3, arbitrary: fc.constant(1) },
    fc.nat({ max: 4 }),
  );
  const caller = fc.oneof(
    { weight: 5, arbitrary: fc.constant('owner' as const) },
    fc.constant('thief' as const),
  );
  const fault = fc.oneof(
    { weight: 6, arbitrary: fc.constant('none' as const) },
    fc.constantFrom(...(Object.keys(FAULTS) as Exclude<FaultName, 'none'>[])),
  );
  const wait = fc.oneof(
    fc.constantFrom(1, GRACE - 1, GRACE, LOST_ANSWER, IDLE, LIFETIME),
    fc.integer({ min: 1, max: 2 * GRACE }),
  );
  const cut: fc.Arbitrary<Cut> = fc.option(
    fc.record({ step: fc.constantFrom(0, 1, 2, 3), when: fc.constantFrom('before', 'after') }),
  );
  const commands = fc.commands(
    [
      user.map((number) => new Create(number)),
      fc.tuple(index, back, caller, fault).map((all) => new Refresh(...all)),
      fc.tuple(index, back, caller, fault).map((all) => new Refresh(...all)),
      fc.tuple(index, back, caller, fault).map((all) => new Refresh(...all)),
      fc.tuple(index, fc.boolean()).map((all) => new SignOut(...all)),
      user.map((number) => new RevokeUser(number)),
      fc.tuple(user, fc.constantFrom(...HOMES), cut).map((all) => new Move(...all)),
      fc.constant(new Crash()),
      wait.map((seconds) => new Wait(seconds)),
      wait.map((seconds) => new Wait(seconds)),
    ],
    { maxCommands: 60, size: 'max' },
  );
  await fc.assert(
    fc.asyncProperty(commands, async (history) => {
      await emptyHomes();
      const homes = await startThreeHomes(VARIABLES);
      const model: Model = {
        now: homes.service.clock.now / 1000,
        sessions: [],
        homes: new Map(),
        unfinished: new Set(),
      };
      const setup = () => ({ model, real: { homes } as Real });
      await fc.asyncModelRun(setup, history);
    }),
    { numRuns: Number(env.MODEL_RUNS), endOnFailure: false },
  );
}, 600_000);
