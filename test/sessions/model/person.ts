/** What people and thieves do to sessions. */
import type fc from 'fast-check';
import { decodeJwt } from 'jose';
import { expect } from 'vitest';
import { stepUp } from '../../fixtures';
import type { HomeName } from '../../homes/three-homes';
import { applyRefresh, applyStepUp, foretellRefresh, foretellStepUp } from './foretell';
import {
  CALLERS,
  type CallerName,
  endOf,
  expectNamed,
  FAULTS,
  type FaultName,
  isGood,
  type Model,
  type ModelSession,
  type Real,
  sessionOf,
  tokenOf,
} from './world';

type Command = fc.AsyncCommand<Model, Real>;
const hasSessions = (model: Readonly<Model>) => model.sessions.length > 0;

/** How a session that a not-before ended may say that it is over: it may have ended before, too. */
const isOver = (reason: unknown) =>
  [undefined, 'revoked', 'signed_out', 'evicted', 'reuse_detected'].includes(reason as string);

/** The token that is presented, and the database with the fault that it is to meet; null: none. */
async function show(
  model: Model,
  { service, databases }: Real['homes'],
  { session: at, back, fault: wanted }: { session: number; back: number; fault: FaultName },
) {
  const session = sessionOf(model, at);
  const { index, token } = tokenOf(session, back);
  if (token === null) return null;
  // The fault is the session's own, not that of a move which it finishes, or of the signing keys.
  const fault = model.unfinished.has(session.userId) ? 'none' : wanted;
  await service.request('/.well-known/jwks.json');
  const database = databases[model.homes.get(session.userId) as HomeName];
  if (fault !== 'none') database.faults = [FAULTS[fault]];
  return { session, index, token, fault, database };
}

export class Refresh implements Command {
  constructor(
    readonly session: number,
    /** How many tokens back from the newest. */
    readonly back: number,
    readonly caller: CallerName,
    readonly fault: FaultName,
  ) {}
  check = hasSessions;

  async run(model: Model, { homes }: Real) {
    const { service } = homes;
    const shown = await show(model, homes, this);
    if (shown === null) return;
    const { session, index, token, fault, database } = shown;
    const { status, body } = await service.refresh(token, session.client, CALLERS[this.caller]);
    database.faults = [];

    const expected = foretellRefresh(model, session, { index, token }, this.caller);
    if (expected.asksDatabase) model.unfinished.delete(session.userId);
    // A session that stayed behind in another home, when its user moved, has no fault there.
    const isElsewhere = session.isOutdated && status === 400;
    if (fault.startsWith('overloaded') && expected.asksDatabase && !isElsewhere) {
      expect(status).toBe(503);
      // The first statement was committed: it had moved the session on if that was ordinary.
      if (fault === 'overloaded after' && expected.isOrdinary)
        applyRefresh(model, session, expected, null, this.caller);
      return;
    }
    if (expected.reason !== null && session.isOutdated && isOver(expected.reason)) {
      expect(status).toBe(400);
      expect(body.reason).toSatisfy(isOver);
      return;
    }
    expect({ status, reason: body.reason }).toEqual(
      expected.reason === null
        ? { status: 200, reason: undefined }
        : { status: 400, reason: expected.reason },
    );
    if (status === 200) {
      // Nobody is raised by what another has proved.
      const said = session.isSupport ? undefined : String(expected.proof);
      expect(decodeJwt(body.access_token).acr).toBe(said);
      expect(decodeJwt(body.access_token).change).toBe(session.change);
      expectNamed(body.access_token, session);
      session.accessToken = body.access_token;
    }
    const given = status === 200 ? body.refresh_token : null;
    applyRefresh(model, session, expected, given, this.caller);
  }
  toString = () =>
    `refresh(session ${this.session}, ${this.back} back, ${this.caller}, ${this.fault})`;
}

export class StepUp implements Command {
  constructor(
    readonly session: number,
    readonly back: number,
    readonly fault: FaultName,
  ) {}
  check = hasSessions;

  async run(model: Model, { homes }: Real) {
    const { service } = homes;
    const shown = await show(model, homes, this);
    if (shown === null) return;
    const { session, index, token, fault, database } = shown;
    const proof = model.proofs + 1;
    const { status, body } = await stepUp(service, session.id, {
      refresh_token: token,
      acr: String(proof),
    });
    database.faults = [];

    const expected = foretellStepUp(model, session, { index, token });
    if (expected.asksDatabase) model.unfinished.delete(session.userId);
    if (session.isOutdated && [404, 409].includes(status)) {
      expect([404, 409]).toContain(expected.status);
      return;
    }
    model.proofs = proof;
    if (fault.startsWith('overloaded') && expected.asksDatabase) {
      expect(status).toBe(503);
      if (fault === 'overloaded after' && expected.status === 200 && !session.isSupport)
        applyStepUp(model, session, expected, null, proof);
      return;
    }
    const isLive = expected.status === 200 || expected.reason === undefined;
    if (session.isSupport && expected.asksDatabase && isLive) {
      expect(status).toBe(403);
      return;
    }
    expect({ status, reason: body.reason }).toEqual({
      status: expected.status,
      reason: expected.reason,
    });
    if (status !== 200) return;
    expect(decodeJwt(body.access_token).acr).toBe(String(proof));
    expectNamed(body.access_token, session);
    session.accessToken = body.access_token;
    applyStepUp(model, session, expected, body.refresh_token, proof);
  }
  toString = () => `stepUp(session ${this.session}, ${this.back} back, ${this.fault})`;
}

export class SignOut implements Command {
  constructor(
    readonly session: number,
    readonly others: boolean,
  ) {}
  check = hasSessions;
  async run(model: Model, { homes: { service } }: Real) {
    const session = sessionOf(model, this.session);
    const path = this.others ? '/v1/sessions/revoke-others' : '/v1/sessions/current';
    const { status } = await service.bearer(
      this.others ? 'POST' : 'DELETE',
      path,
      session.accessToken,
    );
    if (!isGood(session.accessToken, model)) {
      expect(status).toBe(401);
      return;
    }
    model.unfinished.delete(session.userId);
    if (!this.others) expect(status).toBe(204);
    else if (endOf(session, model.now) !== null) expect(status).toBe(401);
    // Support staff end no session of the user's own.
    else expect(status).toBe(session.isSupport ? 403 : 200);
    // Also those that had expired: a longer timeout brings back nobody who was signed out.
    const isOther = (one: ModelSession) => one.userId === session.userId && one !== session;
    const others = status === 200 ? model.sessions.filter(isOther) : [];
    for (const one of this.others ? others : [session]) one.ended ??= 'signed_out';
  }
  toString = () => `signOut(session ${this.session}${this.others ? ', others' : ''})`;
}
