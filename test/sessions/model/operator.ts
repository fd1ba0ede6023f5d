/** What operators do, and what happens to machines: moves, crashes, time, another configuration. */
import { env } from 'cloudflare:test';
import type fc from 'fast-check';
import { expect } from 'vitest';
import { runScheduled } from '../../../src/scheduled';
import { HOMES, type HomeName, startThreeHomes } from '../../homes/three-homes';
import {
  ALL_LIMITS,
  type By,
  HOUR,
  type LIFETIMES,
  liveOf,
  type Model,
  pathOf,
  type Real,
  USERS,
  whose,
} from './world';

type Command = fc.AsyncCommand<Model, Real>;

/** The round trips of a move, and which home each is of. */
const STEPS = [
  { at: 'source', skip: 1 },
  { at: 'source', skip: 2 },
  { at: 'target', skip: 1 },
  { at: 'source', skip: 3 },
] as const;
export type Cut = { step: 0 | 1 | 2 | 3; when: 'before' | 'after' } | null;

export class Move implements Command {
  constructor(
    readonly user: number,
    readonly by: By,
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
        // Who is meant by a name is one round trip to each home more.
        ...Array.from({ length: this.by === 'id' ? skip : skip + 1 }, () => null),
        fault,
      ];
    }
    const { status, body } = await post(pathOf(this.user, this.by, 'move'), { home: this.to });
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
    `move(user ${this.user} by ${this.by}, ${this.to}${this.cut === null ? '' : `, cut ${this.cut.when} ${this.cut.step}`})`;
}

export async function restart(real: Real, variables: Real['variables'] = {}): Promise<void> {
  real.variables = { ...real.variables, ...variables };
  real.homes = await startThreeHomes(real.variables, real.homes.service.clock);
}

/** Nothing is left but the databases. */
export class Crash implements Command {
  check = () => true;
  run = async (_: Model, real: Real) => restart(real);
  toString = () => 'crash()';
}

export class Reconfigure implements Command {
  constructor(readonly lifetime: (typeof LIFETIMES)[number]) {}
  check = () => true;
  async run(model: Model, real: Real) {
    model.lifetime = this.lifetime;
    await restart(real, { SESSION_LIFETIME_SECONDS: String(this.lifetime) });
  }
  toString = () => `reconfigure(sessions of ${this.lifetime} s)`;
}

/** Ends what began before now, of a user or of everyone (null). */
export class NotBefore implements Command {
  constructor(
    readonly user: number | null,
    readonly by: By,
    /** As the release before wrote it: with the end that its configuration gave it. */
    readonly isOld: boolean,
  ) {}
  check = () => true;
  async run(model: Model, { homes: { post } }: Real) {
    const userId = this.user === null ? null : (USERS[this.user] as string);
    if (this.isOld) await this.write(userId ?? '*', model);
    else {
      const target = this.user === null ? { everyone: true } : whose(this.user, this.by);
      expect((await post('/v1/not-before', target)).status).toBe(200);
    }
    for (const session of model.sessions)
      if ((userId === null || session.userId === userId) && session.createdAt < model.now)
        session.isOutdated = true;
  }
  private async write(subject: string, { now, lifetime }: Model) {
    for (const name of HOMES)
      await env[name]
        .prepare(
          `INSERT INTO outdated_tokens (subject, not_before, expires_at) VALUES (?, ?, ?)
           ON CONFLICT DO UPDATE SET not_before = max(not_before, excluded.not_before),
             expires_at = max(expires_at, excluded.expires_at)`,
        )
        .bind(subject, now, now + lifetime)
        .run();
  }
  toString = () =>
    `notBefore(${this.user ?? 'everyone'} by ${this.by}${this.isOld ? ', old' : ''})`;
}

async function runCron(model: Model, { homes: { service } }: Real): Promise<void> {
  await runScheduled(service.env, service.clock.now);
  model.unfinished.clear();
}

export class Wait implements Command {
  constructor(readonly seconds: number) {}
  check = () => true;
  async run(model: Model, real: Real) {
    const { service } = real.homes;
    model.now += this.seconds;
    service.advance(this.seconds);
    // The cron comes every quarter of an hour.
    if (model.unfinished.size > 0 || this.seconds >= HOUR) await runCron(model, real);
    // What must hold at every moment.
    for (const [user, userId] of USERS.entries()) {
      const by = model.named.has(userId) ? 'name' : 'id';
      const response = await service.backend('GET', pathOf(user, by, 'sessions'));
      const { sessions } = (await response.json()) as {
        sessions: { id: string; act: object | null }[];
      };
      const live = liveOf(model, userId).map(({ id }) => id);
      expect(new Set(sessions.map(({ id }) => id))).toEqual(new Set(live));
      expect(sessions.filter(({ act }) => act === null).length).toBeLessThanOrEqual(ALL_LIMITS);
    }
  }
  toString = () => `wait(${this.seconds} s)`;
}

/** One after the other, because chance alone seldom does them in a row. */
export class InTurn implements Command {
  constructor(readonly commands: readonly Command[]) {}
  check = () => true;
  async run(model: Model, real: Real) {
    for (const command of this.commands) if (command.check(model)) await command.run(model, real);
  }
  toString = () => this.commands.map(String).join(', ');
}
