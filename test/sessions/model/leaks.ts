/**
 * What operators do when a signing key or SESSION_SECRET has leaked, and what a thief does with it:
 * forge tokens of sessions whose ids are known.
 */
import type fc from 'fast-check';
import { expect } from 'vitest';
import { deriveKeyring, randomSecret } from '../../../src/crypto';
import { openHome } from '../../../src/db/d1';
import { newAccess } from '../../../src/db/d1-access';
import { issueAccessToken } from '../../../src/tokens/access-token';
import { issueRefreshToken } from '../../../src/tokens/refresh-token';
import { findSigningKey, readKeySet } from '../../../src/tokens/signing-keys';
import { AUDIENCE, ISSUER } from '../../fixtures';
import { homeOf } from '../../homes/three-homes';
import { standingOf } from './foretell';
import { restart } from './operator';
import { HOUR, type Model, type Real, secretOfGeneration, sessionOf } from './world';

type Command = fc.AsyncCommand<Model, Real>;

/** The key that signs is withdrawn, with all others; the thief keeps it. */
export class WithdrawKeys implements Command {
  check = () => true;
  async run(model: Model, real: Real) {
    const { service, post } = real.homes;
    const { SESSION_SECRET: current, SESSION_SECRET_PREVIOUS: previous } = real.variables;
    const binding = { name: 'DB', binding: service.env.DB, timeoutMs: 5_000 };
    const keyring = await deriveKeyring(current as string, previous ?? null);
    const keySet = await readKeySet(openHome(binding, newAccess()), keyring, service.clock.now);
    const stolen = findSigningKey(keySet, service.clock.now);
    if (stolen !== null) real.stolenKeys.push(stolen);
    const { status, body } = await post(
      '/v1/signing-keys/revoke',
      stolen === null ? { created_before: model.now } : { kid: stolen.kid },
    );
    expect(status).toBe(200);
    for (const kid of body.revoked as string[]) model.withdrawn.add(kid);
    if (stolen !== null) expect(model.withdrawn).toContain(stolen.kid);
  }
  toString = () => 'withdrawKeys()';
}

/** SESSION_SECRET is replaced; what the former one signed ends after a time. */
export class LeakSecret implements Command {
  constructor(readonly seconds: number) {}
  check = () => true;
  async run(model: Model, real: Real) {
    model.generation += 1;
    model.previousEndsAt = model.now + this.seconds;
    await restart(real, {
      SESSION_SECRET: secretOfGeneration(model.generation),
      SESSION_SECRET_PREVIOUS: secretOfGeneration(model.generation - 1),
      SESSION_SECRET_PREVIOUS_ENDS_AT: `${new Date(model.previousEndsAt * 1000).toISOString().slice(0, 19)}Z`,
    });
  }
  toString = () => `leakSecret(good for ${this.seconds} s more)`;
}

export const DOORS = ['refresh', 'revoke', 'sign-out', 'introspect'] as const;

/** A refresh token that a leaked SESSION_SECRET signed, of a session whose id is known. */
export class ForgeRefreshToken implements Command {
  constructor(
    readonly session: number,
    readonly door: (typeof DOORS)[number],
    /** How many secrets ago. */
    readonly ago: number,
  ) {}
  check = (model: Readonly<Model>) => model.sessions.length > 0 && model.generation >= this.ago;
  async run(model: Model, { homes: { service } }: Real) {
    const session = sessionOf(model, this.session);
    const known = session.tokens.findLast((token) => token !== null) as string;
    const secret = secretOfGeneration(model.generation - this.ago);
    const keyring = await deriveKeyring(secret, null);
    const forged = await issueRefreshToken(keyring, {
      sessionId: session.id,
      home: homeOf(known),
      secret: randomSecret(),
      expiresAt: null,
    });
    model.generations.set(
      keyring.current.id,
      model.generations.get(keyring.current.id) ?? model.generation - this.ago,
    );
    if (standingOf(model, forged) !== 'gone') model.unfinished.delete(session.userId);
    if (this.door === 'refresh') {
      const { status, body } = await service.refresh(forged);
      expect(status).toBe(400);
      // It may hear that a session was over, and causes nothing.
      if (body.reason === 'reuse_detected') expect(session.ended).toBe('reuse_detected');
    } else if (this.door === 'revoke')
      await service.form('/oauth/revoke', { token: forged, client_id: session.client });
    else if (this.door === 'introspect') {
      const answer = await service.form(
        '/oauth/introspect',
        { token: forged },
        service.credentials,
      );
      expect(await answer.json()).toEqual({ active: false });
    } else
      await service.request('/browser/sign-out', {
        method: 'POST',
        headers: {
          cookie: `__Host-session=${btoa(session.client).replaceAll('=', '')}~${forged}`,
          origin: ISSUER,
          'content-type': 'application/json',
        },
      });
    // That nothing ended shows whoever comes next with the session's own tokens.
  }
  toString = () => `forgeRefreshToken(session ${this.session}, ${this.door}, ${this.ago} ago)`;
}

/** An access token that a withdrawn key signed, of a session whose id is known. */
export class ForgeAccessToken implements Command {
  constructor(
    readonly session: number,
    readonly path: '/v1/sessions/current' | '/v1/sessions/revoke-others',
  ) {}
  check = (model: Readonly<Model>) => model.sessions.length > 0 && model.withdrawn.size > 0;
  async run(model: Model, { homes: { service }, stolenKeys }: Real) {
    const { id: sessionId, userId, client, tokens } = sessionOf(model, this.session);
    const key = stolenKeys.at(-1);
    if (key === undefined) return;
    const subject = {
      sessionId,
      home: homeOf(tokens.findLast((token) => token !== null) as string),
      userId,
      clientId: client,
      authTime: new Date(model.now * 1000),
      externalSubject: null,
      amr: null,
      acr: null,
      act: null,
      scope: null,
      claims: {},
    };
    const now = service.clock.now;
    const forged = await issueAccessToken(key, { issuer: ISSUER, audience: AUDIENCE }, subject, {
      now,
      expiresAt: new Date(now + HOUR * 1000),
    });
    const method = this.path === '/v1/sessions/current' ? 'DELETE' : 'POST';
    expect((await service.bearer(method, this.path, forged)).status).toBe(401);
    expect((await service.bearer('GET', '/v1/sessions/current', forged)).status).toBe(401);
  }
  toString = () => `forgeAccessToken(session ${this.session}, ${this.path})`;
}
