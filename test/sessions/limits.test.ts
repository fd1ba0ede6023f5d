/**
 * The limit on a user's active sessions: exact under concurrency, and what it does at the limit.
 */
import { env } from 'cloudflare:test';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { BACKEND, basic, readRow, startService, type TestService, type Tokens } from '../fixtures';
import { USER } from '../people';

beforeEach(async () => {
  await env.DB.exec(
    'DELETE FROM user_sessions; DELETE FROM users; DELETE FROM idempotency_keys; DELETE FROM outdated_tokens',
  );
  vi.spyOn(console, 'log').mockImplementation(() => {});
  return () => vi.restoreAllMocks();
});

async function count(where: string): Promise<number> {
  return (
    (
      await env.DB.prepare(`SELECT count(*) AS n FROM user_sessions WHERE ${where}`).first<{
        n: number;
      }>()
    )?.n ?? -1
  );
}

const live = () => count('revoked_at IS NULL');

async function post(service: TestService, body: object) {
  const response = await service.request('/v1/sessions', {
    method: 'POST',
    body: JSON.stringify({ client_id: 'app', ...body }),
    headers: { 'content-type': 'application/json', authorization: basic(BACKEND) },
  });
  return { status: response.status, body: (await response.json()) as Tokens & { code?: string } };
}

/** Several isolates, which share the database alone. */
const startServices = (variables: Parameters<typeof startService>[0]) =>
  Promise.all(Array.from({ length: 5 }, () => startService(variables)));

describe('evict_oldest', () => {
  it('unless a deployment says otherwise, a user has 100', async () => {
    const service = await startService();
    for (let number = 0; number < 101; number += 1) await service.create({ user_id: USER });
    const { results } = await env.DB.prepare(
      'SELECT revoked_reason, count(*) AS sessions FROM user_sessions GROUP BY 1 ORDER BY 1',
    ).all();
    expect(results).toEqual([
      { revoked_reason: null, sessions: 100 },
      { revoked_reason: 'evicted', sessions: 1 },
    ]);
  });

  it.each([1, 3])(
    'a limit of %i is exact under 50 creates at once; the oldest are evicted and told so',
    async (limit) => {
      const services = await startServices({ MAX_SESSIONS_PER_USER: String(limit) });
      const victim = await (services[0] as TestService).create({ user_id: crypto.randomUUID() });
      const made = await Promise.all(
        Array.from({ length: 50 }, (_, position) =>
          (services[position % 5] as TestService).create({ user_id: USER }),
        ),
      );
      const { results } = await env.DB.prepare(
        'SELECT id, revoked_reason FROM user_sessions WHERE user_id = ? ORDER BY rowid',
      )
        .bind(USER)
        .all();
      expect(results.map(({ revoked_reason }) => revoked_reason)).toEqual([
        ...Array(50 - limit).fill('evicted'),
        ...Array(limit).fill(null),
      ]);
      const survivors = results.slice(-limit).map(({ id }) => id);
      for (const { session, refresh_token } of made) {
        const { status, body } = await (services[0] as TestService).refresh(refresh_token);
        if (survivors.includes(session.id)) expect(status).toBe(200);
        else expect([body.error, body.reason]).toEqual(['invalid_grant', 'evicted']);
      }
      expect((await (services[0] as TestService).refresh(victim.refresh_token)).status).toBe(200);
    },
  );

  it('goes by age, and counts neither what has ended nor other users’', async () => {
    const service = await startService({
      MAX_SESSIONS_PER_USER: '2',
      INACTIVITY_TIMEOUT_SECONDS: '600',
    });
    const expired = await service.create({ user_id: USER, expires_in: 10 });
    const idle = await service.create({ user_id: USER });
    service.advance(600);
    const revoked = await service.create({ user_id: USER });
    await service.bearer('DELETE', '/v1/sessions/current', revoked.access_token);
    const other = await service.create({ user_id: crypto.randomUUID() });
    const guest = await service.create();
    const made: Tokens[] = [];
    for (let second = 0; second < 3; second += 1) {
      service.advance(1);
      made.push(await service.create({ user_id: USER }));
    }
    const reasons = (sessions: Tokens[]) =>
      Promise.all(sessions.map(async ({ session }) => (await readRow(session.id))?.revoked_reason));
    expect(await reasons(made)).toEqual(['evicted', null, null]);
    expect(await reasons([expired, idle, revoked, other, guest])).toEqual([
      null,
      null,
      'signed_out',
      null,
      null,
    ]);
  });

  it('a limit that was lowered holds from the next create on, and the log names who had to go', async () => {
    const before = await startService({ MAX_SESSIONS_PER_USER: '5' });
    const made: string[] = [];
    for (let session = 0; session < 5; session += 1)
      made.push((await before.create({ user_id: USER })).session.id);
    const after = await startService({ MAX_SESSIONS_PER_USER: '2' });
    const log = vi.spyOn(console, 'log').mockImplementation(() => {});
    await after.create({ user_id: USER });
    expect(await live()).toBe(2);
    const evicted = log.mock.calls
      .map(([line]) => JSON.parse(line))
      .filter(({ event }) => event === 'session_evicted');
    for (const line of evicted) expect(line).toMatchObject({ level: 'info', user_id: USER });
    expect(evicted.map(({ session_id }) => session_id).sort()).toEqual(made.slice(0, 4).sort());
  });
});

describe('reject', () => {
  const variables = {
    MAX_SESSIONS_PER_USER: '3',
    SESSION_LIMIT_POLICY: 'reject',
    INACTIVITY_TIMEOUT_SECONDS: '600',
  };

  it('of 50 creates at once exactly the limit succeed', async () => {
    const services = await startServices(variables);
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, position) =>
        post(services[position % 5] as TestService, { user_id: USER }),
      ),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(3);
    const refused = answers.filter(({ status }) => status !== 201);
    expect(refused.map(({ status, body }) => `${status} ${body.code}`)).toEqual(
      Array(47).fill('409 session_limit_reached'),
    );
    expect(await count('1')).toBe(3);
    for (const { body } of answers.filter(({ status }) => status === 201))
      expect((await (services[0] as TestService).refresh(body.refresh_token)).status).toBe(200);
  });

  it.each([
    [
      'a revocation',
      async (service: TestService, { access_token }: Tokens) => {
        await service.bearer('DELETE', '/v1/sessions/current', access_token);
      },
    ],
    ['an expiry', async (service: TestService) => service.advance(300)],
    ['inactivity', async (service: TestService) => service.advance(600)],
  ])('%s makes room', async (_, end) => {
    const service = await startService(variables);
    const first = await service.create({ user_id: USER, expires_in: 300 });
    await service.create({ user_id: USER });
    await service.create({ user_id: USER });
    expect((await post(service, { user_id: USER })).status).toBe(409);
    await end(service, first);
    expect((await post(service, { user_id: USER })).status).toBe(201);
  });

  it('is a user’s own: others, and guests, are not refused', async () => {
    const service = await startService(variables);
    for (let session = 0; session < 3; session += 1) await service.create({ user_id: USER });
    expect((await post(service, { user_id: USER })).status).toBe(409);
    expect((await post(service, { user_id: crypto.randomUUID() })).status).toBe(201);
    for (let guest = 0; guest < 5; guest += 1) expect((await post(service, {})).status).toBe(201);
  });
});
