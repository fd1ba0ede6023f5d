/** Starting sessions: users, guests and repeats, each in one transaction. */
import { env } from 'cloudflare:test';
import { decodeJwt } from 'jose';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { BACKEND, basic, OTHER_BACKEND, readRow, START, startService, type Tokens } from '../fixtures';

const USER = '7b0e4f50-0f4c-4d0b-8f43-0f7d1d2f7c11';
const LOST = { after: 'D1_ERROR: Network connection lost.' };

beforeEach(async () => {
  await env.DB.exec('DELETE FROM user_sessions; DELETE FROM users; DELETE FROM idempotency_keys');
  vi.spyOn(console, 'log').mockImplementation(() => {});
  return () => vi.restoreAllMocks();
});

async function count(table: string, where = '1'): Promise<number> {
  return (await env.DB.prepare(`SELECT count(*) AS n FROM ${table} WHERE ${where}`).first<{ n: number }>())?.n ?? -1;
}

const live = () => count('user_sessions', 'revoked_at IS NULL');

async function post(
  service: Awaited<ReturnType<typeof startService>>,
  body: object,
  headers: Record<string, string> = {},
) {
  const response = await service.request('/v1/sessions', {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json', authorization: basic(BACKEND), ...headers },
  });
  return { status: response.status, body: (await response.json()) as Tokens & { code?: string } };
}

describe('a user’s session', () => {
  it('creates the user on first sight, in one round trip', async () => {
    const service = await startService();
    await service.create();
    service.database.roundTrips = 0;
    const first = await service.create({
      user_id: USER,
      ip_address: '192.0.2.7',
      user_agent: 'curl/8',
      amr: ['pwd'],
      claims: { plan: 'pro' },
    });
    expect(service.database.roundTrips).toBe(1);
    const second = await service.create({ user_id: USER.toUpperCase() });
    expect(await count('users')).toBe(1);
    expect(second.refresh_token).not.toBe(first.refresh_token);
    expect(first.session).toMatchObject({
      user_id: USER,
      client_id: 'app',
      ip_address: '192.0.2.7',
      user_agent: 'curl/8',
      amr: ['pwd'],
      created_at: '2026-01-01T00:00:00Z',
    });
    expect(decodeJwt(first.access_token)).toMatchObject({
      sub: USER,
      sid: first.session.id,
      plan: 'pro',
      amr: ['pwd'],
      auth_time: START / 1000,
    });
  });

  it('stores a hash, never a token or its secret (R-04)', async () => {
    const service = await startService();
    const { session, refresh_token } = await service.create({ user_id: USER });
    const { secret } = decodeJwt<{ secret: string }>(refresh_token.slice(3));
    const row = await readRow(session.id);
    expect(row?.refresh_token).toMatch(/^[\w-]{43}$/);
    expect(JSON.stringify(row)).not.toContain(secret);
    expect(JSON.stringify(session)).not.toContain(row?.refresh_token);
  });

  it.each([
    ['given', { auth_time: START / 1000 - 500 }, START / 1000 - 500],
    ['the moment of creation by default', {}, START / 1000],
  ])('keeps auth_time, %s, through refreshes (S-13)', async (_, body, authTime) => {
    const service = await startService();
    let { refresh_token, access_token } = await service.create({ user_id: USER, ...body });
    for (let refresh = 0; refresh < 3; refresh += 1) {
      expect(decodeJwt(access_token).auth_time).toBe(authTime);
      service.advance(60);
      ({ refresh_token, access_token } = (await service.refresh(refresh_token)).body);
    }
    expect(decodeJwt(access_token).auth_time).toBe(authTime);
  });

  it('takes no auth_time from the future, but for what clocks may differ', async () => {
    const service = await startService();
    expect((await post(service, { user_id: USER, auth_time: START / 1000 + 61 })).status).toBe(400);
    expect((await post(service, { user_id: USER, auth_time: START / 1000 + 60 })).status).toBe(201);
  });

  it('is new at each login: another id, another token (S-05)', async () => {
    const service = await startService();
    const [one, two] = await Promise.all([service.create({ user_id: USER }), service.create({ user_id: USER })]);
    for (const name of ['access_token', 'refresh_token'] as const) expect(one[name]).not.toBe(two[name]);
    expect(one.session.id).not.toBe(two.session.id);
    expect(await count('users')).toBe(1);
  });

  it.each(['id', 'sid', 'session_id', 'sub', 'expires_at', 'refresh_token', 'tenant'])(
    'has no %s of the caller’s choice (S-22, threat 16)',
    async (field) => {
      const service = await startService();
      const answer = await post(service, { user_id: USER, [field]: crypto.randomUUID() });
      expect(answer).toMatchObject({ status: 400, body: { errors: [{ field, message: 'is not a known field' }] } });
      expect([await count('users'), await count('user_sessions')]).toEqual([0, 0]);
    },
  );

  it.each([
    ['a failure before it', [{ before: 'D1_ERROR: internal error' }], 0],
    ['a failure after it', [{ after: 'D1_ERROR: internal error' }], 1],
    ['a loss that lasts', Array(3).fill({ before: LOST.after }), 0],
  ])('with %s is 503, and is there whole or not at all (S-24)', async (_, faults, made) => {
    const service = await startService();
    await service.create();
    vi.spyOn(console, 'error').mockImplementation(() => {});
    service.database.faults = faults;
    expect(await post(service, { user_id: USER })).toMatchObject({
      status: 503,
      body: { code: 'database_unavailable' },
    });
    expect([await count('users'), await count('user_sessions', 'user_id IS NOT NULL')]).toEqual([made, made]);
  });

  it.each([
    ['without a limit', {}, 1],
    ['that takes the last place', { MAX_SESSIONS_PER_USER: '2', SESSION_LIMIT_POLICY: 'reject' }, 2],
    ['that evicts another', { MAX_SESSIONS_PER_USER: '1' }, 1],
  ] as const)('%s is made once though the answer of the database was lost', async (_, variables, lives) => {
    const service = await startService(variables);
    const guest = await service.create();
    if (lives === 2 || 'MAX_SESSIONS_PER_USER' in variables) await service.create({ user_id: USER });
    const before = await count('user_sessions');
    for (const key of [null, 'order-1']) {
      service.database.faults = key === null ? [LOST] : [];
      if (key === null) {
        const { session, refresh_token } = await service.create({ user_id: USER, guest_session_id: guest.session.id });
        expect((await service.refresh(refresh_token)).body.session_expires_at).toBe(session.expires_at);
      }
    }
    expect(await count('user_sessions')).toBe(before + 1);
    expect(await count('user_sessions', 'user_id IS NOT NULL AND revoked_at IS NULL')).toBe(lives);
    expect(await readRow(guest.session.id)).toMatchObject({ revoked_reason: 'upgraded' });
  });

  it.each([
    [{ expires_in: null }, 400],
    [{ expires_in: 2_592_001 }, 400],
    [{ expires_in: 2_592_000 }, 201],
    [{ expires_in: 60 }, 201],
  ])('%j under a lifetime of 30 days is %i', async (body, status) => {
    const service = await startService();
    expect((await post(service, { user_id: USER, ...body })).status).toBe(status);
  });
});

describe('a guest’s session', () => {
  it('has no user, and its id is the subject', async () => {
    const service = await startService();
    const { session, access_token } = await service.create();
    expect(session.user_id).toBeNull();
    expect(decodeJwt(access_token)).toMatchObject({ sub: session.id, guest: true });
    expect(decodeJwt(access_token).auth_time).toBeUndefined();
  });

  it('becomes a user’s: a new session, and the guest’s revoked, at once (S-07, threat 16)', async () => {
    const service = await startService();
    const guest = await service.create();
    const user = await service.create({ user_id: USER, guest_session_id: guest.session.id });
    expect(user.session.id).not.toBe(guest.session.id);
    expect((await service.refresh(guest.refresh_token)).body).toMatchObject({
      error: 'invalid_grant',
      reason: 'revoked',
    });
    expect((await service.refresh(user.refresh_token)).status).toBe(200);
  });

  it('becomes one user’s, however many ask at once', async () => {
    const service = await startService();
    const guest = await service.create();
    const users = Array.from({ length: 10 }, () => crypto.randomUUID());
    const answers = await Promise.all(
      users.map((user_id) => post(service, { user_id, guest_session_id: guest.session.id })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array(9).fill(409)]);
    expect(await count('users')).toBe(1);
    expect(await live()).toBe(1);
  });

  it('that is over, unknown or a user’s is 409, and nothing is created (S-24)', async () => {
    const service = await startService();
    const ended = await service.create();
    await service.bearer('DELETE', '/v1/sessions/current', ended.access_token);
    const owned = await service.create({ user_id: USER });
    for (const guest_session_id of [ended.session.id, crypto.randomUUID(), owned.session.id]) {
      const answer = await post(service, { user_id: crypto.randomUUID(), guest_session_id });
      expect(answer).toMatchObject({ status: 409, body: { code: 'guest_session_not_found' } });
    }
    expect(await count('users')).toBe(1);
    expect(await count('user_sessions')).toBe(2);
  });
});

describe('with an Idempotency-Key (P-06)', () => {
  const key = { 'idempotency-key': 'order-1' };

  it('a repeat gives the same session and refresh token, also 10 at once, also after the answer was lost', async () => {
    const service = await startService({ MAX_SESSIONS_PER_USER: '1' });
    await service.create();
    service.database.faults = [LOST];
    const answers = await Promise.all(Array.from({ length: 10 }, () => service.create({ user_id: USER }, key)));
    answers.push(await service.create({ user_id: USER }, key));
    expect(new Set(answers.map(({ refresh_token }) => refresh_token)).size).toBe(1);
    expect(await count('user_sessions', 'user_id IS NOT NULL')).toBe(1);
    expect((await service.refresh(answers[3]?.refresh_token as string)).status).toBe(200);
  });

  it('another body is 422, another client’s key is its own', async () => {
    const service = await startService();
    await service.create({ user_id: USER }, key);
    expect(await post(service, { user_id: USER }, key)).toMatchObject({
      status: 422,
      body: { code: 'idempotency_key_reused' },
    });
    await service.create({ user_id: USER }, { ...key, authorization: basic(OTHER_BACKEND) });
    expect(await live()).toBe(2);
  });

  it('once the session has moved on, its first token is not given again', async () => {
    const service = await startService();
    const { refresh_token } = await service.create({ user_id: USER }, key);
    await service.refresh(refresh_token);
    expect(await post(service, { client_id: 'app', user_id: USER }, key)).toMatchObject({
      status: 409,
      body: { code: 'idempotent_session_moved_on' },
    });
  });

  it('a refused create leaves the key unused', async () => {
    const service = await startService({ MAX_SESSIONS_PER_USER: '1', SESSION_LIMIT_POLICY: 'reject' });
    const { access_token } = await service.create({ user_id: USER });
    expect(await post(service, { user_id: USER, client_id: 'app' }, key)).toMatchObject({
      status: 409,
      body: { code: 'session_limit_reached' },
    });
    await service.bearer('DELETE', '/v1/sessions/current', access_token);
    expect((await post(service, { user_id: USER, client_id: 'app' }, key)).status).toBe(201);
  });

  it('works across a replacement of SESSION_SECRET', async () => {
    const [OLD, NEW] = ['the-session-secret-of-the-tests-0123456789', 'the-other-session-secret-of-tests-9876543210'];
    const before = await startService({ SESSION_SECRET: OLD });
    const first = await before.create({ user_id: USER }, key);
    const after = await startService({ SESSION_SECRET: NEW, SESSION_SECRET_PREVIOUS: OLD });
    const again = await after.create({ user_id: USER }, key);
    expect(again.session.id).toBe(first.session.id);
    expect((await after.refresh(again.refresh_token)).status).toBe(200);
  });
});
