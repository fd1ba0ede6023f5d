/**
 * What answers do to the cookies of the browser, foretold when they are asked for. They come at
 * once, or after those of another tab.
 */
import { expect } from 'vitest';
import {
  ACCESS_TOKEN_TTL,
  type Browser,
  type Command,
  CURRENT_SECONDS,
  currentOf,
  endsAt,
  type Model,
  type ModelSession,
  type Real,
} from './accounts-world';
import { namesSetBy } from './browser-requests';
import { keepCookies } from './cookie-jar';
import { expectAsForetold } from './expect-as-foretold';

export interface Answer {
  response: Response;
  /** null: it sets no cookie. */
  change: ((browser: Browser) => void) | null;
}

/** What a page asks with the cookies of its browser. */
export abstract class Ask implements Command {
  check(_: Readonly<Model>): boolean {
    return true;
  }
  /** All but what the answer does to the browser happens now. */
  abstract ask(model: Model, real: Real): Promise<Answer>;
  async run(model: Model, real: Real): Promise<void> {
    arrive(model, real, await this.ask(model, real));
    await expectAsForetold(model, real);
  }
  abstract toString(): string;
}

/** The answer of one tab comes after those to what other tabs asked for later. */
export class Late implements Command {
  constructor(
    readonly first: Ask,
    readonly others: readonly Ask[],
  ) {}
  check = () => true;
  async run(model: Model, real: Real): Promise<void> {
    const answer = await this.first.ask(model, real);
    for (const other of this.others) if (other.check(model)) await other.run(model, real);
    arrive(model, real, answer);
    await expectAsForetold(model, real);
  }
  toString = () => `late(${this.first}, after ${this.others.join(', ')})`;
}

/** One after the other, because chance alone seldom fills a browser. */
export class InTurn implements Command {
  constructor(readonly asks: readonly Ask[]) {}
  check = () => true;
  async run(model: Model, real: Real): Promise<void> {
    for (const ask of this.asks) if (ask.check(model)) await ask.run(model, real);
  }
  toString = () => this.asks.join(', ');
}

function arrive(model: Model, { jar }: Real, { response, change }: Answer): void {
  if (change === null) expect(namesSetBy(response)).toEqual([]);
  keepCookies(jar, response, model.now);
  change?.(model.browser);
}

/** The account becomes current, and the one before needs no access token there. */
export function choose(model: Model, index: number): (browser: Browser) => void {
  const { now } = model;
  const former = currentOf(model);
  const isCleared = model.browser.accessTokens.has(former);
  return (browser) => {
    if (former === index) return;
    browser.chosen = { index, until: now + CURRENT_SECONDS };
    if (isCleared) browser.accessTokens.delete(former);
  };
}

/** The browser has the session's tokens, as the current account. */
export function give(
  model: Model,
  index: number,
  session: ModelSession,
): (browser: Browser) => void {
  const { now } = model;
  const until = endsAt(session);
  const chosen = choose(model, index);
  return (browser) => {
    browser.sessions.set(index, { session, until });
    browser.accessTokens.set(index, { until: Math.min(now + ACCESS_TOKEN_TTL, until) });
    chosen(browser);
  };
}

/** The browser has the accounts no more, and no other becomes current. */
export function take(...indexes: readonly number[]): (browser: Browser) => void {
  return ({ sessions, accessTokens }) => {
    for (const index of indexes) {
      sessions.delete(index);
      accessTokens.delete(index);
    }
  };
}
