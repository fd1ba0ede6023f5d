/** What backends do to the sessions of their users, and support staff who act as them. */
import type fc from 'fast-check';
import { expect } from 'vitest';
import { APP, BACKEND, basic } from '../../fixtures';
import { learn } from './foretell';
import { HOUR, liveOf, type Model, type ModelSession, type Real, sessionOf, USERS } from './world';

type Command = fc.AsyncCommand<Model, Real>;

/** Other claims for all live sessions of a user, which their next access tokens say. */
export class Change implements Command {
  constructor(
    readonly user: number,
    readonly isAtOnce: boolean,
  ) {}
  check = () => true;
  async run(model: Model, { homes: { service } }: Real) {
    const userId = USERS[this.user] as string;
    const live = liveOf(model, userId);
    model.unfinished.delete(userId);
    model.changes += 1;
    const change = { claims: { change: model.changes }, ...(this.isAtOnce && { apply: 'now' }) };
    const response = await service.request(`/v1/users/${userId}/sessions`, {
      method: 'PATCH',
      headers: { authorization: basic(BACKEND), 'content-type': 'application/json' },
      body: JSON.stringify(change),
    });
    expect(await response.json()).toEqual({ updated: live.length });
    for (const session of live) session.change = model.changes;
  }
  toString = () => `change(user ${this.user}${this.isAtOnce ? ', at once' : ''})`;
}

export class RevokeAllBut implements Command {
  constructor(readonly session: number) {}
  check = (model: Readonly<Model>) => model.sessions.length > 0;
  async run(model: Model, { homes: { service } }: Real) {
    const spared = sessionOf(model, this.session);
    const { userId, id } = spared;
    const ended = liveOf(model, userId).filter((session) => session !== spared);
    model.unfinished.delete(userId);
    const response = await service.backend('DELETE', `/v1/users/${userId}/sessions?except=${id}`);
    expect(await response.json()).toEqual({ revoked: ended.length });
    for (const session of model.sessions)
      if (session.userId === userId && session !== spared) session.ended ??= 'revoked';
  }
  toString = () => `revokeAllBut(session ${this.session})`;
}

/** Support staff begin to act as a user: for an hour, beside all sessions of the user's own. */
export class Impersonate implements Command {
  constructor(readonly user: number) {}
  check = () => true;
  async run(model: Model, { homes: { post } }: Real) {
    const userId = USERS[this.user] as string;
    const support = { act: { sub: 'agent-7' }, reason: 'a ticket' };
    const { status, body } = await post('/v1/sessions', {
      client_id: APP,
      user_id: userId,
      ...support,
    });
    expect(status).toBe(model.homes.has(userId) ? 201 : 404);
    if (status !== 201) return;
    model.unfinished.delete(userId);
    const { session, access_token, refresh_token } = body as {
      session: { id: string };
      access_token: string;
      refresh_token: string;
    };
    const begun: ModelSession = {
      id: session.id,
      userId,
      client: APP,
      tokens: [],
      ratchets: [model.generation],
      accessToken: access_token,
      current: 0,
      createdAt: model.now,
      expiresAt: model.now + Math.min(model.lifetime, HOUR),
      rotatedAt: null,
      lastCaller: null,
      proof: 0,
      superseded: [],
      recoveries: { given: null, at: [] },
      ended: null,
      isOutdated: false,
      isSupport: true,
      change: undefined,
    };
    learn(model, begun, 0, refresh_token);
    model.sessions.push(begun);
  }
  toString = () => `impersonate(user ${this.user})`;
}
