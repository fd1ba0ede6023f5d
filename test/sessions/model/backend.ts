/** What backends do to the sessions of their users, whom they name in one of two ways. */
import type fc from 'fast-check';
import { expect } from 'vitest';
import {
  type By,
  liveOf,
  type Model,
  type ModelSession,
  pathOf,
  type Real,
  sessionOf,
  USERS,
} from './world';

type Command = fc.AsyncCommand<Model, Real>;

/** Other claims for all live sessions of a user, which their next access tokens say. */
export class Change implements Command {
  constructor(
    readonly user: number,
    readonly by: By,
    readonly isAtOnce: boolean,
  ) {}
  check = () => true;
  async run(model: Model, { homes: { service } }: Real) {
    const userId = USERS[this.user] as string;
    const live = liveOf(model, userId);
    model.unfinished.delete(userId);
    model.changes += 1;
    const change = { claims: { change: model.changes }, ...(this.isAtOnce && { apply: 'now' }) };
    const response = await service.request(pathOf(this.user, this.by, 'sessions'), {
      method: 'PATCH',
      headers: { ...service.credentials, 'content-type': 'application/json' },
      body: JSON.stringify(change),
    });
    expect(await response.json()).toEqual({ updated: live.length });
    for (const session of live) session.change = model.changes;
  }
  toString = () => `change(user ${this.user} by ${this.by}${this.isAtOnce ? ', at once' : ''})`;
}

/** Ends all sessions of a user, but perhaps one. */
async function revokeAll(
  model: Model,
  { homes: { service } }: Real,
  { user, by, spared }: { user: number; by: By; spared: ModelSession | null },
): Promise<void> {
  const userId = USERS[user] as string;
  const ended = liveOf(model, userId).filter((session) => session !== spared);
  model.unfinished.delete(userId);
  const path = pathOf(user, by, 'sessions', spared === null ? {} : { except: spared.id });
  const response = await service.backend('DELETE', path);
  expect(await response.json()).toEqual({ revoked: ended.length });
  for (const session of model.sessions)
    if (session.userId === userId && session !== spared) session.ended ??= 'revoked';
}

export class RevokeUser implements Command {
  constructor(
    readonly user: number,
    readonly by: By,
  ) {}
  check = () => true;
  run = (model: Model, real: Real) => revokeAll(model, real, { ...this, spared: null });
  toString = () => `revokeUser(${this.user} by ${this.by})`;
}

export class RevokeAllBut implements Command {
  constructor(
    readonly session: number,
    readonly by: By,
  ) {}
  check = (model: Readonly<Model>) => model.sessions.length > 0;
  async run(model: Model, real: Real) {
    const spared = sessionOf(model, this.session);
    const user = USERS.indexOf(spared.userId);
    await revokeAll(model, real, { user, by: this.by, spared });
  }
  toString = () => `revokeAllBut(session ${this.session}, by ${this.by})`;
}
