/** Seeing sessions: what is shown of them, to whom, and in what pages. */
import { env } from 'cloudflare:test';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { startService, type TestService, type Tokens } from '../fixtures';
import { USER } from '../people';

const CHROME =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36';

interface List {
  sessions: { id: string; current?: boolean; [name: string]: unknown }[];
  next_cursor: string | null;
}

beforeEach(async () => {
  await env.DB.exec('DELETE FROM user_sessions; DELETE FROM users; DELETE FROM outdated_tokens');
  vi.spyOn(console, 'log').mockImplementation(() => {});
  return () => vi.restoreAllMocks();
});

async function list(service: TestService, { access_token }: Tokens, query = ''): Promise<List> {
  const response = await service.bearer('GET', `/v1/sessions${query}`, access_token);
  expect(response.status).toBe(200);
  return response.json();
}

async function listUser(service: TestService, query = ''): Promise<List> {
  const response = await service.backend('GET', `/v1/users/${USER}/sessions${query}`);
  expect(response.status).toBe(200);
  return response.json();
}

describe('a user’s list', () => {
  it('shows each device with its name, its last use and which one asks, in one round trip', async () => {
    const service = await startService();
    const other = await service.create({ user_id: USER });
    service.advance(60);
    const mine = await service.create({ user_id: USER, user_agent: CHROME });
    await service.create({ user_id: crypto.randomUUID() });
    service.advance(60);
    await service.refresh(mine.refresh_token);
    service.database.roundTrips = 0;
    const { sessions } = await list(service, mine);
    expect(service.database.roundTrips).toBe(1);
    expect(sessions).toEqual([
      expect.objectContaining({
        id: mine.session.id,
        current: true,
        device: 'Chrome on Windows',
        last_used_at: '2026-01-01T00:02:00Z',
      }),
      expect.objectContaining({
        id: other.session.id,
        current: false,
        device: null,
        last_used_at: '2026-01-01T00:00:00Z',
      }),
    ]);
    // No token, hash or claim is among them.
    expect(Object.keys(sessions[0] ?? {}).sort()).toEqual(
      [
        ...[
          'acr',
          'act',
          'amr',
          'auth_time',
          'client_id',
          'created_at',
          'current',
          'device',
          'expires_at',
          'id',
        ],
        'idle_expires_at',
        'label',
        ...[
          'ip_address',
          'last_ip_address',
          'last_used_at',
          'location',
          'revoked_at',
          'revoked_reason',
          'user_agent',
          'user_id',
        ],
      ].sort(),
    );
    expect(
      await (await service.bearer('GET', '/v1/sessions/current', mine.access_token)).json(),
    ).toEqual({
      session: sessions[0],
    });
  });

  it('has what is active alone', async () => {
    const service = await startService({ INACTIVITY_TIMEOUT_SECONDS: '600' });
    const idle = await service.create({ user_id: USER });
    service.advance(600);
    await service.create({ user_id: USER, expires_in: 10 });
    const revoked = await service.create({ user_id: USER });
    await service.bearer('DELETE', '/v1/sessions/current', revoked.access_token);
    service.advance(10);
    const mine = await service.create({ user_id: USER });
    expect((await list(service, mine)).sessions.map(({ id }) => id)).toEqual([mine.session.id]);
    expect((await listUser(service)).sessions.map(({ id }) => id)).toEqual([mine.session.id]);
    const all = (await listUser(service, '?include=ended')).sessions;
    expect(all).toHaveLength(4);
    expect(all.find(({ id }) => id === idle.session.id)).toMatchObject({
      idle_expires_at: '2026-01-01T00:10:00Z',
      revoked_at: null,
    });
  });

  it('comes in pages that neither repeat nor miss a row, while sessions start and end', async () => {
    const service = await startService();
    const made: string[] = [];
    let caller = await service.create({ user_id: USER });
    made.push(caller.session.id);
    for (let session = 1; session < 25; session += 1) {
      if (session % 4 === 0) service.advance(1);
      caller = await service.create({ user_id: USER });
      made.push(caller.session.id);
    }
    const seen: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const page: List = await list(service, caller, `?limit=4${cursor && `&cursor=${cursor}`}`);
      seen.push(...page.sessions.map(({ id }) => id));
      cursor = page.next_cursor;
      service.advance(1);
      await service.create({ user_id: USER });
    }
    expect(new Set(seen).size).toBe(seen.length);
    expect([...seen].sort()).toEqual([...made].sort());
  });

  it('of a guest has the guest’s own session alone', async () => {
    const service = await startService();
    await service.create();
    const guest = await service.create();
    expect((await list(service, guest)).sessions.map(({ id }) => id)).toEqual([guest.session.id]);
  });

  it.each([
    ...[
      'limit=0',
      'limit=101',
      'limit=-1',
      'limit=1.5',
      'limit=',
      'limit=1&limit=2',
      'cursor=',
      'cursor=x',
    ],
    ...[
      'cursor=1_',
      'cursor=_a',
      'cursor=-1_a',
      "cursor=1_a'--",
      'cursor=1_a_b',
      'page=2',
      'include=ended',
    ],
  ])('%s is 400', async (query) => {
    const service = await startService();
    const mine = await service.create({ user_id: USER });
    expect((await service.bearer('GET', `/v1/sessions?${query}`, mine.access_token)).status).toBe(
      400,
    );
  });

  it('a cursor of someone else’s row shows nothing of it', async () => {
    const service = await startService();
    const other = await service.create({ user_id: crypto.randomUUID() });
    service.advance(60);
    const mine = await service.create({ user_id: USER });
    const position = Date.parse(other.session.created_at as string) / 1000 + 1;
    expect(await list(service, mine, `?cursor=${position}_${other.session.id}`)).toEqual({
      sessions: [],
      next_cursor: null,
    });
  });
});

describe('a backend’s list', () => {
  it('comes in the same pages, with what has ended among them', async () => {
    const service = await startService();
    const made: string[] = [];
    for (let position = 0; position < 10; position += 1) {
      const { session, access_token } = await service.create({ user_id: USER });
      if (position % 3 === 0) await service.bearer('DELETE', '/v1/sessions/current', access_token);
      made.push(session.id);
    }
    await service.create({ user_id: crypto.randomUUID() });
    const seen: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const page: List = await listUser(
        service,
        `?include=ended&limit=3${cursor && `&cursor=${cursor}`}`,
      );
      seen.push(...page.sessions.map(({ id }) => id));
      cursor = page.next_cursor;
    }
    expect(seen).toHaveLength(10);
    expect([...seen].sort()).toEqual([...made].sort());
  });

  it.each(['include=all', 'include=', 'include=ended&include=ended', 'limit=0', 'cursor=x'])(
    '%s is 400',
    async (query) => {
      const service = await startService();
      expect((await service.backend('GET', `/v1/users/${USER}/sessions?${query}`)).status).toBe(
        400,
      );
    },
  );

  it('of someone who is not there is empty', async () => {
    expect(await listUser(await startService())).toEqual({ sessions: [], next_cursor: null });
  });
});

describe('rows that were written by hand', () => {
  const oddRows = [
    { created_at: 'yesterday' },
    { created_at: -5 },
    { created_at: 1.5 },
    { created_at: 1_767_225_600_000 },
    { created_at: 9e17 },
    { created_at: 0, amr: '{', claims: 'nonsense', auth_time: 'then' },
    { created_at: 1, expires_at: 'never', user_agent: '\u0007', ip_address: 'none' },
    { created_at: 2, client_id: null, rotated_at: 'x' },
  ];

  it.each([1, 2, 50])(
    'are shown as far as they make sense, and stop no list in pages of %i',
    async (limit) => {
      const service = await startService({ INACTIVITY_TIMEOUT_SECONDS: '0' });
      const mine = await service.create({ user_id: USER });
      const old = await service.create({ user_id: USER });
      await env.DB.prepare('UPDATE user_sessions SET created_at = 3 WHERE id = ?')
        .bind(old.session.id)
        .run();
      for (const row of oddRows) {
        const fields = { user_id: USER, refresh_token: 'x', ...row };
        await env.DB.prepare(
          `INSERT INTO user_sessions (${Object.keys(fields)}) VALUES (${Object.keys(fields).map(() => '?')})`,
        )
          .bind(...Object.values(fields))
          .run();
      }
      for (const read of [
        (query: string) => list(service, mine, query),
        (query: string) => listUser(service, query),
      ]) {
        const seen: string[] = [];
        let cursor: string | null = '';
        while (cursor !== null) {
          const page: List = await read(`?limit=${limit}${cursor && `&cursor=${cursor}`}`);
          seen.push(...page.sessions.map(({ id }) => id));
          cursor = page.next_cursor;
        }
        expect(new Set(seen).size).toBe(seen.length);
        expect(seen).toHaveLength(oddRows.length + 2);
        expect(seen.slice(0, 2)).toEqual([mine.session.id, old.session.id]);
      }
    },
  );
});
