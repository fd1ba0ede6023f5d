/** docs/when-something-leaked.md, step by step. The signing key: tokens/compromised-key.test.ts. */

import { env } from 'cloudflare:test';
import { decodeProtectedHeader } from 'jose';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { CAPABILITIES } from '../src/config/clients';
import { parseConfig } from '../src/config/config';
import { deriveKeyring, randomSecret } from '../src/crypto';
import { runScheduled } from '../src/scheduled';
import { openHandoff, sealHandoff } from '../src/tokens/handoff-code';
import { issueRefreshToken } from '../src/tokens/refresh-token';
import { toMessage } from '../src/webhooks/message';
import {
  APP,
  BACKEND,
  basic,
  readRow,
  START,
  sha256Hex,
  startService,
  type TestService,
} from './fixtures';
import { USER } from './people';

const LEAKED = 'the-leaked-session-secret-0123456789-abcdef';
const NEW = 'the-new-session-secret-9876543210-fedcba';
const GRACE = 30;
const HOUR = 3600;
const ENDS_AT = { SESSION_SECRET_PREVIOUS_ENDS_AT: '2026-01-01T01:00:00Z' };

beforeEach(async () => {
  await env.DB.exec('DELETE FROM user_sessions; DELETE FROM users; DELETE FROM signing_keys');
  for (const level of ['log', 'warn', 'error'] as const)
    vi.spyOn(console, level).mockImplementation(() => {});
  return () => vi.restoreAllMocks();
});

describe('SESSION_SECRET', () => {
  async function start(more: Record<string, string> = ENDS_AT) {
    const clock = { now: START };
    const before = await startService({ SESSION_SECRET: LEAKED }, clock);
    const after = await startService(
      { SESSION_SECRET: NEW, SESSION_SECRET_PREVIOUS: LEAKED, ...more },
      clock,
    );
    return { clock, before, after };
  }
  /** What whoever has the leaked secret makes for a session whose id they know. */
  const forge = async (sessionId: string) =>
    issueRefreshToken(await deriveKeyring(LEAKED, null), {
      sessionId,
      home: 'DB',
      secret: randomSecret(),
      expiresAt: null,
    });
  const cookieOf = (token: string) => ({
    cookie: `__Host-session=${btoa(APP).replaceAll('=', '')}~${token}`,
  });
  const signOut = (service: TestService, token: string) =>
    service.request('/browser/sign-out', {
      method: 'POST',
      headers: {
        ...cookieOf(token),
        origin: 'https://sessions.example',
        'content-type': 'application/json',
      },
    });
  const revokedAt = async (id: string) => (await readRow(id))?.revoked_at;

  it('a forged token of a known session ends nothing, whatever it is shown to', async () => {
    const { before, after } = await start();
    const { session, refresh_token } = await before.create({ user_id: USER });
    const { body } = await after.refresh(await forge(session.id));
    expect(body).toEqual({
      error: 'invalid_grant',
      error_description: 'The refresh token is not valid',
    });
    await after.form('/oauth/revoke', { token: await forge(session.id), client_id: APP });
    await signOut(after, await forge(session.id));
    expect(await revokedAt(session.id)).toBeNull();
    expect((await after.refresh(refresh_token)).status).toBe(200);
    after.advance(GRACE);
    expect((await after.refresh(await forge(session.id))).body.reason).toBeUndefined();
    expect(await revokedAt(session.id)).toBeNull();
  });

  it('before the service is told, a forged token is reuse: the reason to be told', async () => {
    const { before, after } = await start({});
    const { session } = await before.create({ user_id: USER });
    expect((await after.refresh(await forge(session.id))).body.reason).toBe('reuse_detected');
  });

  it('real tokens of it go on until the chosen moment, and sign out; then they end', async () => {
    const { before, after } = await start();
    const { refresh_token: first } = await before.create({ user_id: USER });
    const { session: left, refresh_token: own } = await before.create({ user_id: USER });
    const { refresh_token: idle } = await before.create({ user_id: USER });
    await after.form('/oauth/revoke', { token: own, client_id: APP });
    expect(await revokedAt(left.id)).not.toBeNull();
    const { body } = await after.refresh(first);
    expect((await after.refresh(first)).body.refresh_token).toBe(body.refresh_token);
    after.advance(HOUR);
    after.database.roundTrips = 0;
    expect((await after.refresh(idle)).body.error).toBe('invalid_grant');
    expect((await after.refresh(first)).body.error).toBe('invalid_grant');
    expect(after.database.roundTrips).toBe(0);
    expect((await after.refresh(body.refresh_token)).status).toBe(200);
  });

  it('a superseded token of it is refused after the grace period, and recovers no answer', async () => {
    const { before, after } = await start();
    const { session, refresh_token: first } = await before.create({ user_id: USER });
    expect((await before.refresh(first)).status).toBe(200);
    after.advance(GRACE);
    expect((await after.refresh(first)).body.error).toBe('invalid_grant');
    expect(await revokedAt(session.id)).toBeNull();
  });

  it('a key that it encrypted signs no more, and its own tokens end by one call', async () => {
    const { clock, before, after } = await start();
    const { access_token: old } = await before.create({ user_id: USER });
    await runScheduled(after.env, clock.now);
    const { access_token: fresh } = await after.create({ user_id: USER });
    const kidOf = (token: string) => decodeProtectedHeader(token).kid;
    expect(kidOf(fresh)).not.toBe(kidOf(old));
    const { results } = await env.DB.prepare('SELECT secret_id FROM signing_keys').all();
    expect(new Set(results.map(({ secret_id: id }) => id)).size).toBe(2);
    after.advance(1);
    const revoked = await after.request('/v1/signing-keys/revoke', {
      method: 'POST',
      headers: { ...after.credentials, 'content-type': 'application/json' },
      body: JSON.stringify({ created_before: clock.now / 1000 }),
    });
    expect(revoked.status).toBe(200);
    for (const token of [old, fresh])
      expect((await after.bearer('GET', '/v1/sessions/current', token)).status).toBe(401);
  });

  it('no hand-off code of it is opened', async () => {
    const leaked = await deriveKeyring(LEAKED, null);
    const handoff = { sessionId: 'x', home: 'DB', clientId: 'web', secret: 'x', returnUrl: 'x' };
    const code = await sealHandoff(leaked, handoff, START);
    const planned = await deriveKeyring(NEW, LEAKED);
    const emergency = await deriveKeyring(NEW, LEAKED, new Date(START + HOUR * 1000));
    expect(await openHandoff(planned, code, START)).not.toBeNull();
    expect(await openHandoff(emergency, code, START)).toBeNull();
  });

  it.each([
    [{ SESSION_SECRET_PREVIOUS_ENDS_AT: 'soon' }, 'must be a time in UTC'],
    [
      { SESSION_SECRET_PREVIOUS_ENDS_AT: '2026-01-01T01:00:00Z', SESSION_SECRET_PREVIOUS: '' },
      'which is missing',
    ],
  ])('a moment that is none is refused: %j', async (wrong, message) => {
    const { after } = await start();
    expect(() => parseConfig({ ...after.env, ...wrong })).toThrow(message);
  });
});

it('a backend’s secret: the old one is refused from the deployment on that lists the new one alone', async () => {
  const fresh = { id: BACKEND.id, secret: 'the-new-secret-of-the-backend' };
  const clients = async (...secrets: string[]) =>
    JSON.stringify([
      {
        client_id: BACKEND.id,
        secret_sha256: await Promise.all(secrets.map(sha256Hex)),
        allow: CAPABILITIES,
      },
      { client_id: APP },
    ]);
  const statuses = async (CLIENTS: string) => {
    const service = await startService({ CLIENTS });
    return Promise.all(
      [BACKEND, fresh].map(async (credentials) => {
        const headers = { authorization: basic(credentials) };
        return (await service.form('/oauth/introspect', { token: 'x' }, headers)).status;
      }),
    );
  };
  expect(await statuses(await clients(BACKEND.secret, fresh.secret))).toEqual([200, 200]);
  expect(await statuses(await clients(fresh.secret))).toEqual([401, 200]);
});

it('a webhook’s secret: messages are signed with both, then with the new one alone', async () => {
  const [leaked, fresh] = ['leaked', 'fresh'].map(
    (which) => `whsec_${btoa(`the ${which} webhook secret of the test`)}`,
  );
  const signatures = async (secret: unknown) => {
    const service = await startService();
    const WEBHOOKS = JSON.stringify([{ name: 'a', url: 'https://a.example', secret }]);
    const [webhook] = parseConfig({ ...service.env, WEBHOOKS }).webhooks;
    const event = {
      seq: 1,
      id: crypto.randomUUID(),
      type: 'session_created',
      createdAt: new Date(START),
      details: '{}',
    };
    const transmitter = {
      issuer: 'https://sessions.example',
      signingKey: async () => Promise.reject(new Error('nothing is signed')),
      reviewUrl: async () => null,
    };
    const message = await toMessage(
      { event, metadata: null } as never,
      webhook as never,
      transmitter,
      START,
    );
    return (message.headers['webhook-signature'] as string).split(' ').length;
  };
  expect(await signatures([leaked, fresh])).toBe(2);
  expect(await signatures(fresh)).toBe(1);
});
