/** What happens to the accounts of a browser without it: by backends, operators, machines, time. */
import { expect } from 'vitest';
import { runScheduled } from '../../../../src/scheduled';
import { type HomeName, startThreeHomes } from '../../../homes/three-homes';
import {
  type Command,
  HOUR,
  isKnown,
  isLive,
  type Model,
  type ModelSession,
  PEOPLE,
  type Real,
} from './accounts-world';
import { expectAsForetold } from './expect-as-foretold';

/** A backend ends one session. */
export class EndSession implements Command {
  constructor(readonly back: number) {}
  check = (model: Readonly<Model>) => model.sessions.length > 0;
  async run(model: Model, real: Real) {
    const { sessions } = model;
    const session = sessions[sessions.length - 1 - (this.back % sessions.length)] as ModelSession;
    await real.homes.service.backend('DELETE', `/v1/sessions/${session.id}`);
    session.ended ??= 'revoked';
    await expectAsForetold(model, real);
  }
  toString = () => `endSession(${this.back} back)`;
}

/** A backend ends all sessions of a person. */
export class EndUser implements Command {
  constructor(readonly person: number) {}
  check = () => true;
  async run(model: Model, real: Real) {
    const userId = PEOPLE[this.person] as string;
    const own = model.sessions.filter((session) => session.userId === userId);
    const revoked = own.filter((session) => isLive(session, model)).length;
    const response = await real.homes.service.backend('DELETE', `/v1/users/${userId}/sessions`);
    expect(await response.json()).toEqual({ revoked });
    for (const session of own) session.ended ??= 'revoked';
    await expectAsForetold(model, real);
  }
  toString = () => `endUser(${this.person})`;
}

export class MoveUser implements Command {
  constructor(
    readonly person: number,
    readonly home: HomeName,
  ) {}
  check = (model: Readonly<Model>) => isKnown(model, PEOPLE[this.person]);
  async run(model: Model, real: Real) {
    const path = `/v1/users/${PEOPLE[this.person]}/move`;
    expect((await real.homes.post(path, { home: this.home })).status).toBe(200);
    await expectAsForetold(model, real);
  }
  toString = () => `moveUser(${this.person}, ${this.home})`;
}

/** Cookies expire with what they hold. */
export class Wait implements Command {
  constructor(readonly seconds: number) {}
  check = () => true;
  async run(model: Model, real: Real) {
    const { service } = real.homes;
    model.now += this.seconds;
    service.advance(this.seconds);
    if (this.seconds >= HOUR) await runScheduled(service.env, service.clock.now);
    const { browser } = model;
    for (const cookies of [browser.sessions, browser.accessTokens])
      for (const [index, { until }] of cookies) if (model.now >= until) cookies.delete(index);
    if (browser.chosen !== null && model.now >= browser.chosen.until) browser.chosen = null;
    await expectAsForetold(model, real);
  }
  toString = () => `wait(${this.seconds} s)`;
}

/** Nothing is left but the databases, and the browser's cookies. */
export class Crash implements Command {
  check = () => true;
  async run(model: Model, real: Real) {
    real.homes = await startThreeHomes(real.variables, real.homes.service.clock);
    await expectAsForetold(model, real);
  }
  toString = () => 'crash()';
}
