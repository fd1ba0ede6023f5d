/** Starting sessions: users, guests and repeats, each in one transaction. */
import { env } from 'cloudflare:test';
import { decodeJwt } from 'jose';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import {
  BACKEND,
  basic,
  OTHER_BACKEND,
  readRow,
  START,
  startService,
  type Tokens,
} from '../fixtures';
import { USER } from '../people';

const LOST = { after: 'D1_ERROR: Network connection lost.' };

beforeEach(async () => {
  await env.DB.exec(
    'DELETE FROM user_sessions; DELETE FROM users; DELETE FROM idempotency_keys; DELETE FROM outdated_tokens',
  );
  vi.spyOn(console, 'log').mockImplementation(() => {});
  return () => vi.restoreAllMocks();
});

async function count(table: string, where = '1'): Promise<number> {
  return (
    (
      await env.DB.prepare(`SELECT count(*) AS n FROM ${table} WHERE ${where}`).first<{
        n: number;
      }>()
    )?.n ?? -1
  );
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

  it('stores a hash, never a token or its secret', async () => {
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
  ])('keeps auth_time, %s, through refreshes', async (_, body, authTime) => {
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

  it('is new at each login: another id, another token', async () => {
    const service = await startService();
    const [one, two] = await Promise.all([
      service.create({ user_id: USER }),
      service.create({ user_id: USER }),
    ]);
    for (const name of ['access_token', 'refresh_token'] as const)
      expect(one[name]).not.toBe(two[name]);
    expect(one.session.id).not.toBe(two.session.id);
    expect(await count('users')).toBe(1);
  });

  it.each(['id', 'sid', 'session_id', 'sub', 'expires_at', 'refresh_token', 'tenant'])(
    'has no %s of the caller’s choice',
    async (field) => {
      const service = await startService();
      const answer = await post(service, { user_id: USER, [field]: crypto.randomUUID() });
      expect(answer).toMatchObject({
        status: 400,
        body: { errors: [{ field, message: 'is not a known field' }] },
      });
      expect([await count('users'), await count('user_sessions')]).toEqual([0, 0]);
    },
  );

  it.each([
    ['a failure before it', [{ before: 'D1_ERROR: internal error' }], 0],
    ['a failure after it', [{ after: 'D1_ERROR: internal error' }], 1],
    ['a loss that lasts', Array(3).fill({ before: LOST.after }), 0],
  ])('with %s is 503, and is there whole or not at all', async (_, faults, made) => {
    const service = await startService();
    await service.create();
    vi.spyOn(console, 'error').mockImplementation(() => {});
    service.database.faults = faults;
    expect(await post(service, { user_id: USER })).toMatchObject({
      status: 503,
      body: { code: 'database_unavailable' },
    });
    expect([await count('users'), await count('user_sessions', 'user_id IS NOT NULL')]).toEqual([
      made,
      made,
    ]);
  });

  describe.each([
    ['without a limit', {}, 2],
    [
      'that takes the last place',
      { MAX_SESSIONS_PER_USER: '2', SESSION_LIMIT_POLICY: 'reject' },
      2,
    ],
    ['that evicts another', { MAX_SESSIONS_PER_USER: '1' }, 1],
  ])('%s', (_, variables, lives) => {
    it.each([
      ['alone', {}],
      ['with an idempotency key', { 'idempotency-key': 'order-1' }],
    ])('is made once though the answer of the database was lost, %s', async (_, headers) => {
      const service = await startService(variables);
      const guest = await service.create();
      const earlier = await service.create({ user_id: USER });
      service.database.faults = [LOST];
      const made = await service.create(
        { user_id: USER, guest_session_id: guest.session.id },
        headers,
      );
      expect(await count('user_sessions')).toBe(3);
      expect(await count('user_sessions', 'revoked_at IS NULL')).toBe(lives);
      expect(await readRow(guest.session.id)).toMatchObject({ revoked_reason: 'upgraded' });
      expect(await readRow(earlier.session.id)).toMatchObject({
        revoked_reason: lives === 1 ? 'evicted' : null,
      });
      expect((await service.refresh(made.refresh_token)).status).toBe(200);
    });
  });

  it.each([
    ['2592000', {}, 201, '2026-01-31T00:00:00Z'],
    ['2592000', { expires_in: 2_592_000 }, 201, '2026-01-31T00:00:00Z'],
    ['2592000', { expires_in: 2_592_001 }, 400, undefined],
    ['2592000', { expires_in: null }, 400, undefined],
    ['2592000', { expires_in: 0 }, 400, undefined],
    ['2592000', { expires_in: 60 }, 201, '2026-01-01T00:01:00Z'],
    ['0', {}, 201, null],
    ['0', { expires_in: null }, 201, null],
    ['0', { expires_in: 86_400_000 }, 201, '2028-09-27T00:00:00Z'],
    ['0', { expires_in: Number.MAX_SAFE_INTEGER }, 400, undefined],
  ])(
    'under a lifetime of %s seconds, %j is %i and ends at %s',
    async (lifetime, body, status, expiresAt) => {
      const service = await startService({ SESSION_LIFETIME_SECONDS: lifetime });
      service.clock.now += 999;
      const answer = await post(service, { user_id: USER, ...body });
      expect([answer.status, answer.body.session?.expires_at]).toEqual([status, expiresAt]);
      expect(await count('user_sessions')).toBe(status === 201 ? 1 : 0);
    },
  );

  it('keeps as much of a long user agent as it has room for', async () => {
    const service = await startService();
    const { session } = await service.create({
      user_id: USER,
      user_agent: `${'a'.repeat(1023)}😀`,
    });
    expect(session.user_agent).toBe(`${'a'.repeat(1023)}\ufffd`);
  });

  it.each([
    [{ claims: { a: 'x'.repeat(2040) } }, 201],
    [{ claims: { a: 'x'.repeat(2041) } }, 400],
    [{ amr: Array(10).fill('pwd') }, 201],
    [{ amr: Array(11).fill('pwd') }, 400],
    [{ user_agent: 'x'.repeat(17_000) }, 413],
  ])('takes what is at a limit and not a byte more, case %#', async (body, status) => {
    const service = await startService();
    expect((await post(service, { user_id: USER, ...body })).status).toBe(status);
    expect(await count('users')).toBe(status === 201 ? 1 : 0);
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

  it('becomes a user’s: a new session, and the guest’s revoked, at once', async () => {
    const service = await startService();
    const guest = await service.create();
    service.database.roundTrips = 0;
    const user = await service.create({ user_id: USER, guest_session_id: guest.session.id });
    expect(service.database.roundTrips).toBe(1);
    expect(user.session).toMatchObject({ user_id: USER, revoked_at: null });
    expect(decodeJwt(user.access_token)).toMatchObject({ sub: USER, sid: user.session.id });
    expect(decodeJwt(user.access_token).guest).toBeUndefined();
    expect(user.session.id).not.toBe(guest.session.id);
    expect(user.refresh_token).not.toBe(guest.refresh_token);
    expect(await readRow(guest.session.id)).toMatchObject({
      // The guest's row is the user's now, and goes when the user is erased.
      user_id: USER,
      revoked_reason: 'upgraded',
    });
    expect((await service.refresh(guest.refresh_token)).body).toMatchObject({
      error: 'invalid_grant',
      reason: 'revoked',
    });
    expect((await service.refresh(user.refresh_token)).status).toBe(200);
  });

  it('stays the guest’s when the database fails', async () => {
    const service = await startService();
    const guest = await service.create();
    vi.spyOn(console, 'error').mockImplementation(() => {});
    service.database.faults = [{ before: 'D1_ERROR: internal error' }];
    expect(
      (await post(service, { user_id: USER, guest_session_id: guest.session.id })).status,
    ).toBe(503);
    expect([await count('users'), await count('user_sessions')]).toEqual([0, 1]);
    expect((await service.refresh(guest.refresh_token)).status).toBe(200);
  });

  it('needs the user it becomes', async () => {
    const service = await startService();
    const guest = await service.create();
    expect((await post(service, { guest_session_id: guest.session.id })).status).toBe(400);
    expect(await live()).toBe(1);
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

  it.each([
    ['without a limit', {}],
    ['with a limit', { MAX_SESSIONS_PER_USER: '1' }],
    ['with a limit that rejects', { MAX_SESSIONS_PER_USER: '2', SESSION_LIMIT_POLICY: 'reject' }],
  ])(
    'that is over, unknown or a user’s is 409, and nothing is created or ended, %s',
    async (_, variables) => {
      const service = await startService(variables);
      const [expired, revoked, upgraded] = [
        await service.create({ expires_in: 10 }),
        await service.create(),
        await service.create(),
      ];
      service.advance(10);
      await service.bearer('DELETE', '/v1/sessions/current', revoked.access_token);
      const mine = await service.create({ user_id: USER, guest_session_id: upgraded.session.id });
      const theirs = await service.create({ user_id: crypto.randomUUID() });
      const before = await env.DB.prepare('SELECT * FROM user_sessions ORDER BY id').all();
      const ids = [expired, revoked, upgraded, mine, theirs].map(({ session }) => session.id);
      for (const guest_session_id of [...ids, crypto.randomUUID()]) {
        for (const user_id of [USER, crypto.randomUUID()]) {
          for (const headers of [{}, { 'idempotency-key': 'k' }] as Record<string, string>[]) {
            const answer = await post(service, { user_id, guest_session_id }, headers);
            expect(answer).toMatchObject({
              status: 409,
              body: { code: 'guest_session_not_found' },
            });
          }
        }
      }
      expect(
        (await env.DB.prepare('SELECT * FROM user_sessions ORDER BY id').all()).results,
      ).toEqual(before.results);
      expect([await count('users'), await count('idempotency_keys')]).toEqual([2, 0]);
    },
  );

  it('that is good is 409 for the limit when the user has no room', async () => {
    const service = await startService({
      MAX_SESSIONS_PER_USER: '1',
      SESSION_LIMIT_POLICY: 'reject',
    });
    await service.create({ user_id: USER });
    const guest = await service.create();
    const answer = await post(service, { user_id: USER, guest_session_id: guest.session.id });
    expect(answer).toMatchObject({ status: 409, body: { code: 'session_limit_reached' } });
    expect((await service.refresh(guest.refresh_token)).status).toBe(200);
  });
});

describe('with an Idempotency-Key', () => {
  const key = { 'idempotency-key': 'order-1' };

  it('is good for 24 hours, whether or not the clean-up has run', async () => {
    const service = await startService();
    const first = await service.create({ user_id: USER }, key);
    service.advance(86_400 - 1);
    const repeated = await service.create({ user_id: USER }, key);
    expect(repeated.session.id).toBe(first.session.id);
    service.advance(1);
    const second = await service.create({ user_id: USER, amr: ['hwk'] }, key);
    expect(second.session.id).not.toBe(first.session.id);
    // From then on it is the second one's key.
    const again = await service.create({ user_id: USER, amr: ['hwk'] }, key);
    expect(again.session.id).toBe(second.session.id);
  });

  it('a repeat gives the same session and refresh token, also 10 at once, also after the answer was lost', async () => {
    const service = await startService({ MAX_SESSIONS_PER_USER: '1' });
    await service.create();
    service.database.faults = [LOST];
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => service.create({ user_id: USER }, key)),
    );
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
    await service.create(
      { user_id: USER, client_id: OTHER_BACKEND.id },
      { ...key, authorization: basic(OTHER_BACKEND) },
    );
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

  it('once the session is over, its tokens are not given again', async () => {
    const service = await startService();
    const body = { client_id: 'app', user_id: USER, expires_in: 60 };
    await service.create(body, key);
    service.advance(59);
    expect((await post(service, body, key)).body.expires_in).toBe(1);
    service.advance(1);
    expect(await post(service, body, key)).toMatchObject({
      status: 409,
      body: { code: 'idempotent_session_moved_on' },
    });
  });

  it('the database holds nothing that gives the token', async () => {
    const service = await startService();
    const { refresh_token } = await service.create({ user_id: USER, ip_address: '192.0.2.7' }, key);
    const { secret } = decodeJwt<{ secret: string }>(refresh_token.slice(3));
    const tables = await Promise.all(
      ['idempotency_keys', 'user_sessions'].map((table) =>
        env.DB.prepare(`SELECT * FROM ${table}`).all(),
      ),
    );
    const dump = JSON.stringify(tables.map(({ results }) => results));
    expect(dump).not.toContain(refresh_token);
    expect(dump).not.toContain(secret);
    expect(JSON.stringify(tables[0]?.results)).not.toMatch(/order-1|192\.0\.2\.7/);
  });

  it('a create whose answer was a failure is repeated to the same session', async () => {
    const service = await startService();
    await service.create();
    vi.spyOn(console, 'error').mockImplementation(() => {});
    service.database.faults = [{ after: 'D1_ERROR: internal error' }];
    const body = { client_id: 'app', user_id: USER };
    expect((await post(service, body, key)).status).toBe(503);
    const answer = await post(service, body, key);
    expect(answer.status).toBe(201);
    expect(await count('user_sessions', 'user_id IS NOT NULL')).toBe(1);
    expect((await service.refresh(answer.body.refresh_token)).status).toBe(200);
  });

  it('a repeat neither upgrades nor evicts again', async () => {
    const service = await startService({ MAX_SESSIONS_PER_USER: '2' });
    const guest = await service.create();
    const body = { user_id: USER, guest_session_id: guest.session.id };
    const first = await service.create(body, key);
    const other = await service.create({ user_id: USER });
    const again = await service.create(body, key);
    expect(again).toMatchObject({ session: first.session, refresh_token: first.refresh_token });
    expect(await readRow(other.session.id)).toMatchObject({ revoked_at: null });
    expect(await live()).toBe(2);
  });

  it.each(['', ' ', 'a b', 'ä', 'k'.repeat(256)])('%j is no key', async (value) => {
    const service = await startService();
    const answer = await post(service, { user_id: USER }, { 'idempotency-key': value });
    expect(answer.status).toBe(400);
    expect(await live()).toBe(0);
  });

  it('a refused create leaves the key unused', async () => {
    const service = await startService({
      MAX_SESSIONS_PER_USER: '1',
      SESSION_LIMIT_POLICY: 'reject',
    });
    const { access_token } = await service.create({ user_id: USER });
    expect(await post(service, { user_id: USER, client_id: 'app' }, key)).toMatchObject({
      status: 409,
      body: { code: 'session_limit_reached' },
    });
    await service.bearer('DELETE', '/v1/sessions/current', access_token);
    expect((await post(service, { user_id: USER, client_id: 'app' }, key)).status).toBe(201);
  });

  it('works across a replacement of SESSION_SECRET', async () => {
    const [OLD, NEW] = [
      'the-session-secret-of-the-tests-0123456789',
      'the-other-session-secret-of-tests-9876543210',
    ];
    const before = await startService({ SESSION_SECRET: OLD });
    const first = await before.create({ user_id: USER }, key);
    const after = await startService({ SESSION_SECRET: NEW, SESSION_SECRET_PREVIOUS: OLD });
    const again = await after.create({ user_id: USER }, key);
    expect(again.session.id).toBe(first.session.id);
    expect((await after.refresh(again.refresh_token)).status).toBe(200);
    expect((await after.refresh(first.refresh_token)).status).toBe(200);
    expect(await live()).toBe(1);
  });

  it('of a SESSION_SECRET that is gone is 422, and gives no token', async () => {
    const before = await startService();
    await before.create({ user_id: USER }, key);
    const after = await startService({
      SESSION_SECRET: 'the-other-session-secret-of-tests-9876543210',
    });
    const answer = await post(after, { client_id: 'app', user_id: USER }, key);
    expect(answer).toMatchObject({ status: 422, body: { code: 'idempotency_key_reused' } });
    expect(answer.body.refresh_token).toBeUndefined();
    expect(await live()).toBe(1);
  });
});
