/** Seeing and ending sessions: whose they are, and what ends with them. */
import { env } from 'cloudflare:test';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { readRow, startService, type TestService, type Tokens } from '../fixtures';

const USER = '7b0e4f50-0f4c-4d0b-8f43-0f7d1d2f7c11';
const CHROME =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36';

interface List {
  sessions: { id: string; current?: boolean; [name: string]: unknown }[];
  next_cursor: string | null;
}

beforeEach(async () => {
  await env.DB.exec('DELETE FROM user_sessions; DELETE FROM users');
  vi.spyOn(console, 'log').mockImplementation(() => {});
  return () => vi.restoreAllMocks();
});

async function list(service: TestService, { access_token }: Tokens, query = ''): Promise<List> {
  const response = await service.bearer('GET', `/v1/sessions${query}`, access_token);
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
    expect(JSON.stringify(sessions)).not.toContain('refresh_token');
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
});

describe('ending sessions', () => {
  it('someone else’s answers like one that does not exist, and lives on (S-21, threat 27)', async () => {
    const service = await startService();
    const mine = await service.create({ user_id: USER });
    const victims = [await service.create({ user_id: crypto.randomUUID() }), await service.create()];
    const bodies = new Set<string>();
    for (const id of [...victims.map(({ session }) => session.id), crypto.randomUUID()]) {
      const response = await service.bearer('DELETE', `/v1/sessions/${id}`, mine.access_token);
      expect(response.status).toBe(404);
      bodies.add(JSON.stringify({ ...((await response.json()) as object), instance: '' }));
    }
    expect(bodies.size).toBe(1);
    for (const { refresh_token } of victims) expect((await service.refresh(refresh_token)).status).toBe(200);
  });

  it('one of mine, twice: 204 both times, and its refresh token is refused at once (S-08)', async () => {
    const service = await startService();
    const mine = await service.create({ user_id: USER });
    const phone = await service.create({ user_id: USER });
    service.database.roundTrips = 0;
    for (let time = 0; time < 2; time += 1) {
      expect((await service.bearer('DELETE', `/v1/sessions/${phone.session.id}`, mine.access_token)).status).toBe(204);
    }
    expect(service.database.roundTrips).toBe(2);
    expect((await service.refresh(phone.refresh_token)).body.reason).toBe('signed_out');
    expect((await service.refresh(mine.refresh_token)).status).toBe(200);
  });

  it('all others keeps the caller’s (S-10)', async () => {
    const service = await startService();
    const [mine, ...others] = await Promise.all([1, 2, 3, 4].map(() => service.create({ user_id: USER })));
    const stranger = await service.create({ user_id: crypto.randomUUID() });
    const response = await service.bearer('POST', '/v1/sessions/revoke-others', (mine as Tokens).access_token);
    expect(await response.json()).toEqual({ revoked: 3 });
    for (const { refresh_token } of others)
      expect((await service.refresh(refresh_token)).body.reason).toBe('signed_out');
    for (const { refresh_token } of [mine as Tokens, stranger])
      expect((await service.refresh(refresh_token)).status).toBe(200);
  });

  it('my own twice is no error', async () => {
    const service = await startService();
    const mine = await service.create({ user_id: USER });
    for (const path of ['current', 'current', mine.session.id]) {
      expect((await service.bearer('DELETE', `/v1/sessions/${path}`, mine.access_token)).status).toBe(204);
    }
  });

  it('a caller whose own session is over changes and reads nothing, although the access token is good', async () => {
    const service = await startService();
    const ended = await service.create({ user_id: USER });
    const phone = await service.create({ user_id: USER });
    await service.bearer('DELETE', '/v1/sessions/current', ended.access_token);
    service.database.roundTrips = 0;
    const calls = [
      ['GET', '/v1/sessions'],
      ['GET', '/v1/sessions/current'],
      ['DELETE', `/v1/sessions/${phone.session.id}`],
      ['POST', '/v1/sessions/revoke-others'],
    ] as const;
    for (const [method, path] of calls) {
      const response = await service.bearer(method, path, ended.access_token);
      expect(response.status).toBe(401);
      expect(response.headers.get('www-authenticate')).toContain('error="invalid_token"');
    }
    expect(service.database.roundTrips).toBe(calls.length);
    expect(await readRow(phone.session.id)).toMatchObject({ revoked_at: null });
  });
});

describe('a backend', () => {
  it('lists a user’s active sessions, or all that are not purged', async () => {
    const service = await startService();
    const ended = await service.create({ user_id: USER });
    await service.create({ user_id: USER });
    await service.bearer('DELETE', '/v1/sessions/current', ended.access_token);
    const read = async (query: string) =>
      ((await (await service.backend('GET', `/v1/users/${USER}/sessions${query}`)).json()) as List).sessions;
    expect(await read('')).toHaveLength(1);
    const all = await read('?include=ended');
    expect(all.map(({ revoked_reason }) => revoked_reason).sort()).toEqual(['signed_out', null].sort());
  });

  it('signs a user out everywhere (S-09), and it is safe to repeat', async () => {
    const service = await startService();
    const sessions = await Promise.all([1, 2, 3].map(() => service.create({ user_id: USER })));
    for (const revoked of [3, 0]) {
      expect(await (await service.backend('DELETE', `/v1/users/${USER}/sessions`)).json()).toEqual({ revoked });
    }
    for (const { refresh_token } of sessions)
      expect((await service.refresh(refresh_token)).body.reason).toBe('revoked');
  });

  it('erases a user: no row is left (threat 48)', async () => {
    const service = await startService();
    const { refresh_token, access_token } = await service.create({ user_id: USER, ip_address: '192.0.2.7' });
    for (let time = 0; time < 2; time += 1)
      expect((await service.backend('DELETE', `/v1/users/${USER}`)).status).toBe(204);
    const { results } = await env.DB.prepare('SELECT id FROM user_sessions UNION ALL SELECT id FROM users').all();
    expect(results).toEqual([]);
    expect((await service.refresh(refresh_token)).body.error).toBe('invalid_grant');
    expect((await service.bearer('GET', '/v1/sessions', access_token)).status).toBe(401);
  });
});
