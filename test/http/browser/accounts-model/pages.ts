/** What the app's pages ask for the accounts of the browser. */
import { expect } from 'vitest';
import { currentOf, GRACE, isLive, type Model, type Real } from './accounts-world';
import { type Answer, Ask, give, take } from './answers';
import { expectAnswerOf, send } from './browser-requests';

/** Of an account that becomes current thereby, or is. */
async function refresh(
  model: Model,
  real: Real,
  index: number,
  [path, body]: [string, object?],
): Promise<Answer> {
  const { session } = model.browser.sessions.get(index) ?? {};
  const response = await send(model, real, 'POST', path, { ...(body && { body }) });
  const isGiven = await expectAnswerOf(response, session, model);
  if (!isGiven || session === undefined) return { response, change: null };
  const { rotatedAt } = session;
  if (rotatedAt === null || model.now - rotatedAt >= GRACE) session.rotatedAt = model.now;
  return { response, change: give(model, index, session) };
}

/** Of the current account, and of no other. */
export class Refresh extends Ask {
  ask(model: Model, real: Real): Promise<Answer> {
    return refresh(model, real, currentOf(model), ['/browser/refresh']);
  }
  toString = () => 'refresh()';
}

/** Another account becomes current; where its session is over, everything is as it was. */
export class Switch extends Ask {
  constructor(readonly index: number) {
    super();
  }
  ask(model: Model, real: Real): Promise<Answer> {
    const { index } = this;
    return refresh(model, real, index, ['/browser/switch', { index }]);
  }
  toString = () => `switch(${this.index})`;
}

/** Of one account, the current one (null), or all. */
export class SignOut extends Ask {
  constructor(readonly index: number | null | 'all') {
    super();
  }
  async ask(model: Model, real: Real): Promise<Answer> {
    const { index } = this;
    const body = index === null ? {} : { index };
    const response = await send(model, real, 'POST', '/browser/sign-out', { body });
    expect(response.status).toBe(204);
    const { sessions } = model.browser;
    const current = currentOf(model);
    const indexes = index === 'all' ? [...sessions.keys(), current] : [index ?? current];
    for (const each of indexes) {
      const { session } = sessions.get(each) ?? {};
      if (session !== undefined) session.ended ??= 'signed_out';
    }
    return { response, change: take(...indexes) };
  }
  toString = () => `signOut(${this.index ?? ''})`;
}

/** All sessions of the current account's person, wherever they are. */
export class SignOutEverywhere extends Ask {
  async ask(model: Model, real: Real): Promise<Answer> {
    const current = currentOf(model);
    const { session } = model.browser.sessions.get(current) ?? {};
    const response = await send(model, real, 'POST', '/browser/sign-out-everywhere');
    if (session === undefined || !isLive(session, model)) {
      await expectAnswerOf(response, session, model);
      return { response, change: null };
    }
    // Support staff end no session of the user's own.
    expect(response.status).toBe(session.isSupport ? 403 : 204);
    if (session.isSupport) return { response, change: null };
    for (const one of model.sessions)
      if (one === session || (one.userId !== null && one.userId === session.userId))
        one.ended ??= 'signed_out';
    return { response, change: take(current) };
  }
  toString = () => 'signOutEverywhere()';
}
