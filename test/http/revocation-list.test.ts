/** `GET /.well-known/revoked-sessions`: who is in it, for how long, and what it costs. */
import { env } from 'cloudflare:test';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { MAX_LISTED } from '../../src/sessions/revocation-list';
import { START, startService, type TestService } from '../fixtures';

const USER = '7b0e4f50-0f4c-4d0b-8f43-0f7d1d2f7c11';
/** The life of an access token, and the clocks' difference. */
const LISTED_FOR = 300 + 60;

beforeEach(async () => {
  await env.DB.exec('DELETE FROM user_sessions; DELETE FROM users; DELETE FROM outdated_tokens');
  for (const level of ['log', 'warn'] as const)
    vi.spyOn(console, level).mockImplementation(() => {});
  return () => vi.restoreAllMocks();
});

interface List {
  sessions: string[];
  not_before: Record<string, number>;
  complete: boolean;
}
const ask = (service: TestService, headers: Record<string, string> = {}) =>
  service.request('/.well-known/revoked-sessions', { headers });
const read = async (service: TestService): Promise<List> => (await ask(service)).json();

describe('the revocation list', () => {
  it('has sessions that ended, by whatever way, for as long as a token of theirs may be good', async () => {
    const service = await startService({ MAX_SESSIONS_PER_USER: '3' });
    expect(await read(service)).toEqual({ sessions: [], not_before: {}, complete: true });
    const signedOut = await service.create();
    await service.bearer('DELETE', '/v1/sessions/current', signedOut.access_token);
    const stolen = await service.create();
    service.advance(30);
    const { body } = await service.refresh(stolen.refresh_token);
    service.advance(30);
    await service.refresh(body.refresh_token);
    service.advance(30);
    await service.refresh(stolen.refresh_token);
    const evicted = await service.create({ user_id: USER });
    service.advance(1);
    for (let number = 0; number < 3; number += 1) await service.create({ user_id: USER });
    const ended = [signedOut, stolen, evicted].map(({ session }) => session.id);
    expect((await read(service)).sessions).toEqual(ended.sort());
    service.advance(LISTED_FOR - 92);
    expect((await read(service)).sessions).toHaveLength(3);
    service.advance(1);
    expect((await read(service)).sessions).not.toContain(signedOut.session.id);
    service.advance(LISTED_FOR);
    expect((await read(service)).sessions).toEqual([]);
  });

  it('has users who were signed out everywhere, or erased, for as long', async () => {
    const service = await startService();
    const erased = crypto.randomUUID();
    await service.create({ user_id: USER });
    await service.create({ user_id: erased });
    await service.backend('DELETE', `/v1/users/${USER}/sessions`);
    await service.backend('DELETE', `/v1/users/${erased}`);
    // Of an erased user no row tells of the sessions, so the tokens of that very second are
    // outdated, too.
    expect((await read(service)).not_before).toEqual({
      [USER]: START / 1000,
      [erased]: START / 1000 + 1,
    });
    service.advance(LISTED_FOR - 1);
    expect(Object.keys((await read(service)).not_before)).toHaveLength(2);
    service.advance(1);
    expect((await read(service)).not_before).toEqual({});
  });

  it('signing out twice keeps the later time', async () => {
    const service = await startService();
    for (let time = 0; time < 2; time += 1) {
      await service.create({ user_id: USER });
      await service.backend('DELETE', `/v1/users/${USER}/sessions`);
      service.advance(60);
    }
    expect((await read(service)).not_before).toEqual({ [USER]: START / 1000 + 60 });
  });

  it('may be cached for a stated time by anyone, and is not sent again when unchanged', async () => {
    const service = await startService({ REVOCATION_LIST_MAX_AGE_SECONDS: '5' });
    const first = await ask(service);
    expect(first.headers.get('cache-control')).toBe('public, max-age=5');
    expect(first.headers.get('access-control-allow-origin')).toBe('*');
    const etag = first.headers.get('etag') as string;
    expect((await ask(service, { 'if-none-match': etag })).status).toBe(304);
    const { access_token } = await service.create();
    await service.bearer('DELETE', '/v1/sessions/current', access_token);
    expect((await ask(service, { 'if-none-match': etag })).status).toBe(200);
  });

  it('holds ids alone', async () => {
    const service = await startService();
    await service.create({
      user_id: USER,
      user_agent: 'curl/8',
      ip_address: '192.0.2.1',
      claims: { plan: 'gold' },
    });
    await service.backend('DELETE', `/v1/users/${USER}/sessions`);
    expect(await (await ask(service)).text()).not.toMatch(/curl|192\.0|gold|app/);
  });

  it('costs one round trip that reads what it lists, however many sessions there are', async () => {
    const service = await startService();
    for (let number = 0; number < 50; number += 1) await service.create();
    const { access_token } = await service.create();
    await service.bearer('DELETE', '/v1/sessions/current', access_token);
    Object.assign(service.database, { roundTrips: 0, rowsRead: 0, rowsWritten: 0 });
    await read(service);
    expect(service.database).toMatchObject({ roundTrips: 1, rowsWritten: 0 });
    expect(service.database.rowsRead).toBeLessThanOrEqual(3);
  });

  it('says so when there is more than it may hold', async () => {
    const service = await startService();
    await env.DB.prepare(
      `INSERT INTO user_sessions (refresh_token, revoked_at) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i <= ${MAX_LISTED}) SELECT i, ${START / 1000} FROM n`,
    ).run();
    const { sessions, complete } = await read(service);
    expect({ length: sessions.length, complete }).toEqual({ length: MAX_LISTED, complete: false });
  });
});
