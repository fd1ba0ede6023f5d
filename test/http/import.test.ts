/**
 * Coming from another system: its live sessions are taken in, and the token that each holder has
 * of it is good for the first refresh, once (RFC 8693 §2.1 is the form of that request).
 */
import { env } from 'cloudflare:test';
import { decodeJwt } from 'jose';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { runScheduled } from '../../src/scheduled';
import {
  APP,
  BACKEND,
  basic,
  type Caller,
  clientsWith,
  ISSUER,
  OTHER_BACKEND,
  readRow,
  START,
  startService,
  type TestService,
  type Tokens,
} from '../fixtures';
import { USER } from '../people';
import { bind, refusalOf, valueIn } from '../rpc/door';

const GRANT = 'urn:ietf:params:oauth:grant-type:token-exchange';
const IMPORTED = 'urn:edge-sessions:token-type:imported-session';
const DAY = 86_400;
const NOW = START / 1000;
const UNTIL = { IMPORTED_SESSIONS_UNTIL: '2026-02-01T00:00:00Z' };
/** As better-auth makes them: 32 characters. */
const TOKEN = 'gH2mWq8sVb5nYc1xTz7pLd4kRf9jEa3u';

beforeEach(async () => {
  await env.DB.exec(
    'DELETE FROM user_sessions; DELETE FROM users; DELETE FROM used_assertions; DELETE FROM session_events; DELETE FROM outdated_tokens',
  );
  for (const level of ['log', 'warn', 'error'] as const)
    vi.spyOn(console, level).mockImplementation(() => {});
  return () => vi.restoreAllMocks();
});

const sha256 = async (text: string) =>
  btoa(
    String.fromCharCode(
      ...new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))),
    ),
  )
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');

const foreign = async (token = TOKEN, more: Record<string, unknown> = {}) => ({
  token_sha256: await sha256(token),
  user_id: USER,
  client_id: APP,
  auth_time: NOW - 3 * DAY,
  expires_at: NOW + 7 * DAY,
  ...more,
});

interface Outcome {
  outcome: string;
  reason?: string;
}

async function post<Body>(service: TestService, path: string, body: object, as = BACKEND) {
  const response = await service.request(path, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json', authorization: basic(as) },
  });
  return { status: response.status, body: (await response.json()) as Body };
}

async function bring(service: TestService, ...sessions: object[]): Promise<Outcome[]> {
  const { status, body } = await post<{ sessions: Outcome[] }>(service, '/v1/import/sessions', {
    sessions,
  });
  expect(status, JSON.stringify(body)).toBe(200);
  return body.sessions;
}

interface Exchanged {
  status: number;
  body: Tokens & { error?: string; reason?: string; issued_token_type?: string };
}

async function exchange(
  service: TestService,
  token = TOKEN,
  { address, userAgent }: Caller = {},
  clientId = APP,
): Promise<Exchanged> {
  const response = await service.form(
    '/oauth/token',
    {
      grant_type: GRANT,
      subject_token: token,
      subject_token_type: IMPORTED,
      client_id: clientId,
    },
    {
      ...(address && { 'cf-connecting-ip': address }),
      ...(userAgent && { 'user-agent': userAgent }),
    },
  );
  return { status: response.status, body: await response.json() };
}

const countOf = (table: string) =>
  env.DB.prepare(`SELECT count(*) AS n FROM ${table}`).first<number>('n');
const eventsOf = async () =>
  (
    await env.DB.prepare('SELECT type FROM session_events ORDER BY seq').all<{ type: string }>()
  ).results.map(({ type }) => type);
const sidOf = (accessToken: string) => decodeJwt(accessToken).sid as string;

describe('the token of another system', () => {
  it('is exchanged for tokens of a session that goes on as any other', async () => {
    const service = await startService(UNTIL);
    expect(await bring(service, await foreign())).toEqual([{ outcome: 'taken' }]);
    const exchanged = await exchange(service);
    expect(exchanged).toMatchObject({
      status: 200,
      body: {
        token_type: 'Bearer',
        issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      },
    });
    const claims = decodeJwt(exchanged.body.access_token);
    // Nobody proved anything at the import: the person signed in when they did, there.
    expect(claims).toMatchObject({ sub: USER, client_id: APP, auth_time: NOW - 3 * DAY });
    service.advance(400);
    const refreshed = await service.refresh(exchanged.body.refresh_token);
    expect(refreshed.status).toBe(200);
    expect(sidOf(refreshed.body.access_token)).toBe(claims.sid);
    service.advance(400);
    expect((await service.refresh(refreshed.body.refresh_token)).status).toBe(200);
  });

  it('lasts as long as its client’s sessions last, from the exchange on', async () => {
    const service = await startService(UNTIL);
    await bring(service, await foreign());
    service.advance(6 * DAY);
    const { body } = await exchange(service);
    expect(body.session_expires_at).toBe('2026-02-06T00:00:00Z');
    // Beyond the end that it had there.
    service.advance(2 * DAY);
    expect((await service.refresh(body.refresh_token)).status).toBe(200);
  });

  it('gives the same tokens again within the grace period, because the answer may be lost', async () => {
    const service = await startService(UNTIL);
    await bring(service, await foreign());
    const first = await exchange(service);
    service.advance(20);
    const again = await exchange(service);
    expect(again.body.refresh_token).toBe(first.body.refresh_token);
    service.advance(400);
    expect((await service.refresh(first.body.refresh_token)).status).toBe(200);
  });

  it('is theft after that: it is refused, the session ends, and the log says so', async () => {
    const service = await startService(UNTIL);
    await bring(service, await foreign());
    const first = await exchange(service);
    service.advance(31);
    const second = await exchange(service);
    expect(second).toMatchObject({
      status: 400,
      body: { error: 'invalid_grant', reason: 'reuse_detected' },
    });
    expect(await eventsOf()).toContain('reuse_detected');
    expect(await service.refresh(first.body.refresh_token)).toMatchObject({
      status: 400,
      body: { reason: 'reuse_detected' },
    });
    // And a third.
    expect((await exchange(service)).body).toMatchObject({ reason: 'reuse_detected' });
  });

  it('comes back for a lost answer hours later, when it is the same device', async () => {
    const service = await startService(UNTIL);
    const device = {
      address: '203.0.113.7',
      userAgent:
        'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36',
    };
    await bring(
      service,
      await foreign(TOKEN, { user_agent: device.userAgent, ip_address: device.address }),
    );
    const lost = await exchange(service, TOKEN, device);
    service.advance(3 * 3600);
    const again = await exchange(service, TOKEN, device);
    expect(again.body.refresh_token).toBe(lost.body.refresh_token);
    expect(await eventsOf()).toContain('answer_recovered');
  });

  it('makes one session, however many exchange it at once', async () => {
    const service = await startService(UNTIL);
    await bring(service, await foreign());
    const isolates = [service, await startService(UNTIL), await startService(UNTIL)];
    const all = await Promise.all(
      Array.from({ length: 12 }, (_, index) => exchange(isolates[index % 3] ?? service)),
    );
    expect(all.map(({ status }) => status)).toEqual(all.map(() => 200));
    expect(new Set(all.map(({ body }) => body.refresh_token)).size).toBe(1);
    expect(await countOf('user_sessions')).toBe(1);
    service.advance(400);
    expect((await service.refresh(all[0]?.body.refresh_token ?? '')).status).toBe(200);
  });

  it('is the client’s own: another client’s is told nothing, and takes nothing', async () => {
    const service = await startService(UNTIL);
    await bring(service, await foreign());
    const other = await exchange(service, TOKEN, {}, 'other-app');
    expect(other.body).toEqual({
      error: 'invalid_grant',
      error_description: expect.any(String),
    });
    expect((await exchange(service)).status).toBe(200);
  });

  it('is refused when it is unknown, in one round trip and with no row written', async () => {
    const service = await startService(UNTIL);
    await service.request('/.well-known/jwks.json');
    const { roundTrips, rowsWritten } = service.database;
    const { status, body } = await exchange(service, 'made-up');
    expect({ status, error: body.error, reason: body.reason }).toEqual({
      status: 400,
      error: 'invalid_grant',
      reason: undefined,
    });
    expect(service.database.roundTrips - roundTrips).toBe(1);
    expect(service.database.rowsWritten).toBe(rowsWritten);
  });

  it('is counted as a failure when it is unknown', async () => {
    const limit = vi.fn(async () => ({ success: false }));
    const service = await startService({
      ...UNTIL,
      RATE_LIMIT_FAILED_REFRESHES: { limit } as unknown as RateLimit,
    });
    expect((await exchange(service, 'made-up')).status).toBe(429);
  });

  it('that is made up costs a database no more than its address may ask, and no other’s', async () => {
    const asked = new Map<string, number>();
    const limit = async ({ key }: RateLimitOptions) => {
      const count = (asked.get(key) ?? 0) + 1;
      asked.set(key, count);
      return { success: count <= 5 };
    };
    const service = await startService({ ...UNTIL, RATE_LIMIT_SESSION_REFRESHES: { limit } });
    await bring(service, await foreign());
    const { roundTrips } = service.database;
    const madeUp = async (address: string) =>
      (await exchange(service, crypto.randomUUID(), { address })).status;
    const answers = await Promise.all(Array.from({ length: 40 }, () => madeUp('203.0.113.7')));
    expect([...new Set(answers)].sort()).toEqual([400, 429]);
    expect(service.database.roundTrips - roundTrips).toBe(5);
    expect((await exchange(service, TOKEN, { address: '198.51.100.4' })).status).toBe(200);
    // A backend has proved who it is, and brings all its people from one address.
    const handOff = { client_id: APP, browser: { return_url: ISSUER } };
    for (let times = 0; times < 8; times += 1) {
      const input = { ...handOff, token: crypto.randomUUID() };
      expect((await post(service, '/v1/import/hand-off', input)).status).toBe(404);
    }
  });

  it('lasts no longer for a caller who is refused', async () => {
    const service = await startService({ ...UNTIL, RISK_POLICY: 'reauthenticate' });
    const device = {
      user_agent: 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/142.0.0.0 Safari/537.36',
      ip_address: '203.0.113.7',
    };
    await bring(service, await foreign(TOKEN, { expires_at: NOW + 3600, ...device }));
    const caller = {
      userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0',
      address: '198.51.100.4',
    };
    expect((await exchange(service, TOKEN, caller)).body.reason).toBe('reauthenticate');
    const expiresAt = await env.DB.prepare('SELECT expires_at FROM user_sessions').first();
    expect(expiresAt).toEqual({ expires_at: NOW + 3600 });
    service.advance(3600);
    expect((await exchange(service)).body).toMatchObject({ reason: 'expired_absolute' });
  });

  it('is refused once it has expired there, or the import is over', async () => {
    const service = await startService(UNTIL);
    await bring(
      service,
      await foreign('soon', { expires_at: NOW + 60 }),
      await foreign('never', { expires_at: null }),
    );
    service.advance(61);
    expect((await exchange(service, 'soon')).body).toMatchObject({ reason: 'expired_absolute' });
    service.clock.now = Date.UTC(2026, 1, 1);
    const { roundTrips } = service.database;
    expect((await exchange(service, 'never')).status).toBe(400);
    expect(service.database.roundTrips).toBe(roundTrips);
  });

  it('costs no database where nothing is imported', async () => {
    const service = await startService();
    const { roundTrips } = service.database;
    expect((await exchange(service)).body).toMatchObject({ error: 'invalid_request' });
    expect(service.database.roundTrips).toBe(roundTrips);
  });

  it('is found while SESSION_SECRET is being replaced', async () => {
    const before = await startService(UNTIL);
    await bring(before, await foreign());
    const after = await startService({
      ...UNTIL,
      SESSION_SECRET: 'another-session-secret-of-the-tests-987654',
      SESSION_SECRET_PREVIOUS: before.env.SESSION_SECRET ?? '',
    });
    expect(await bring(after, await foreign())).toEqual([{ outcome: 'already_there' }]);
    expect((await exchange(after)).status).toBe(200);
  });

  it('of a signed-out session is told so', async () => {
    const service = await startService(UNTIL);
    await bring(service, await foreign());
    expect((await service.backend('DELETE', `/v1/users/${USER}/sessions`)).status).toBe(200);
    expect((await exchange(service)).body).toMatchObject({
      error: 'invalid_grant',
      reason: 'revoked',
    });
  });

  it('is nowhere in the database, nor anything that the other system takes', async () => {
    const service = await startService(UNTIL);
    await bring(service, await foreign());
    const tables = ['user_sessions', 'users', 'used_assertions', 'session_events'];
    const held = await Promise.all(
      tables.map(async (table) => (await env.DB.prepare(`SELECT * FROM ${table}`).all()).results),
    );
    const text = JSON.stringify(held);
    expect(text).toContain(USER);
    expect(text).not.toContain(TOKEN);
    expect(text).not.toContain(await sha256(TOKEN));
  });
});

describe('an import', () => {
  it('can be run again: nothing changes', async () => {
    const service = await startService(UNTIL);
    const sessions = [await foreign('one'), await foreign('two', { user_id: undefined })];
    expect(await bring(service, ...sessions)).toEqual([{ outcome: 'taken' }, { outcome: 'taken' }]);
    const tables = ['user_sessions', 'users', 'used_assertions', 'session_events'];
    const before = await Promise.all(tables.map(countOf));
    const written = service.database.rowsWritten;
    service.advance(DAY);
    const again = await bring(service, ...sessions);
    expect(again).toEqual([{ outcome: 'already_there' }, { outcome: 'already_there' }]);
    expect(await Promise.all(tables.map(countOf))).toEqual(before);
    expect(service.database.rowsWritten).toBe(written);
  });

  it('brings back nobody who signed out since, also when the clean-up has been', async () => {
    const service = await startService(UNTIL);
    await bring(service, await foreign());
    const { body } = await exchange(service);
    expect((await service.bearer('DELETE', '/v1/sessions/current', body.access_token)).status).toBe(
      204,
    );
    service.advance(8 * DAY);
    await runScheduled(service.env, service.clock.now);
    expect(await countOf('user_sessions')).toBe(0);
    expect(await bring(service, await foreign(TOKEN, { expires_at: null }))).toEqual([
      { outcome: 'already_there' },
    ]);
    expect((await exchange(service)).status).toBe(400);
  });

  it('says of each session what came of it', async () => {
    const service = await startService(UNTIL);
    const outcomes = await bring(
      service,
      await foreign('live'),
      await foreign('live'),
      await foreign('over', { expires_at: NOW }),
      await foreign('of-a-stranger', { client_id: 'nobody' }),
    );
    expect(outcomes).toEqual([
      { outcome: 'taken' },
      { outcome: 'already_there' },
      { outcome: 'left', reason: 'expired' },
      { outcome: 'left', reason: 'invalid_request' },
    ]);
  });

  it('takes nothing while it is not set until when the tokens are accepted', async () => {
    const service = await startService();
    expect(await bring(service, await foreign())).toEqual([
      { outcome: 'left', reason: 'import_over' },
    ]);
  });

  it('signs nobody out for a limit, and reports no new device', async () => {
    const service = await startService({ ...UNTIL, MAX_SESSIONS_PER_USER: '2' });
    const devices = ['Firefox/140.0', 'Chrome/143.0.0.0 Safari/537.36', 'Version/18.0 Safari/605'];
    await bring(
      service,
      ...(await Promise.all(
        devices.map((name) =>
          foreign(name, { user_agent: `Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 ${name}` }),
        ),
      )),
    );
    expect(await countOf('user_sessions')).toBe(3);
    expect(await eventsOf()).toEqual([
      'session_created',
      'sessions_imported',
      'session_created',
      'session_created',
    ]);
  });

  it('costs one round trip, and one for each session that it takes in', async () => {
    const service = await startService(UNTIL);
    await bring(service, await foreign('before'));
    const { roundTrips, rowsWritten } = service.database;
    await bring(service, await foreign('one'), await foreign('two'), await foreign('before'));
    expect(service.database.roundTrips - roundTrips).toBe(3);
    // The session, that it is known, and its event, each with its indexes; and the act of the call.
    expect(service.database.rowsWritten - rowsWritten).toBe(2 * 11 + 4);
  });

  it('and an exchange costs two round trips, and the rows of two changes', async () => {
    const service = await startService(UNTIL);
    await bring(service, await foreign());
    await service.request('/.well-known/jwks.json');
    const { roundTrips, rowsWritten } = service.database;
    await exchange(service);
    expect(service.database.roundTrips - roundTrips).toBe(2);
    expect(service.database.rowsWritten - rowsWritten).toBe(3);
  });

  it('is of people who see and end their sessions from then on', async () => {
    const service = await startService(UNTIL);
    await bring(service, await foreign('phone', { label: 'Phone' }), await foreign('laptop'));
    const { body } = await exchange(service, 'laptop');
    const listed = await service.bearer('GET', '/v1/sessions', body.access_token);
    const { sessions } = await listed.json<{ sessions: { id: string; label: string | null }[] }>();
    expect(sessions.map(({ label }) => label).sort()).toEqual(['Phone', null]);
    const phone = sessions.find(({ label }) => label === 'Phone')?.id;
    const ended = await service.bearer('DELETE', `/v1/sessions/${phone}`, body.access_token);
    expect(ended.status).toBe(204);
    expect((await exchange(service, 'phone')).body).toMatchObject({ reason: 'signed_out' });
  });

  it('of never exchanged sessions leaves nothing but hashes once they have expired', async () => {
    const service = await startService(UNTIL);
    await bring(service, await foreign());
    service.advance(15 * DAY);
    await runScheduled(service.env, service.clock.now);
    expect(await countOf('user_sessions')).toBe(0);
    expect(await countOf('used_assertions')).toBe(1);
  });

  it('names people by issuer and subject, too', async () => {
    const service = await startService(UNTIL);
    const user = { issuer: 'https://old.example', subject: 'k7Qm2' };
    await bring(service, await foreign('a', { user_id: undefined, user }));
    await bring(service, await foreign('b', { user_id: undefined, user }));
    const [a, b] = [await exchange(service, 'a'), await exchange(service, 'b')];
    const subs = [a, b].map(({ body }) => decodeJwt(body.access_token).sub);
    expect(subs[0]).toBe(subs[1]);
    expect(await countOf('users')).toBe(1);
  });

  it('needs the capability, and reaches the clients that the caller acts for', async () => {
    const service = await startService(UNTIL);
    const sessions = [await foreign()];
    const refused = await post(service, '/v1/import/sessions', { sessions }, OTHER_BACKEND);
    expect(refused).toMatchObject({ status: 403, body: { code: 'client_not_allowed' } });
    const allowed = await startService({
      ...UNTIL,
      CLIENTS: clientsWith(service, OTHER_BACKEND.id, { allow: ['import_sessions'] }),
    });
    const answer = await post<{ sessions: Outcome[] }>(
      allowed,
      '/v1/import/sessions',
      { sessions },
      OTHER_BACKEND,
    );
    expect(answer.body.sessions).toEqual([{ outcome: 'left', reason: 'invalid_request' }]);
  });

  it.each([
    ['no session', { sessions: [] }],
    ['more than fifty', { sessions: Array.from({ length: 51 }, () => ({})) }],
    ['a token in place of its hash', { sessions: [{ token_sha256: TOKEN, user_id: USER }] }],
    ['an unknown field', { sessions: [], token: 'x' }],
  ])('refuses %s', async (_, body) => {
    const service = await startService(UNTIL);
    const { roundTrips } = service.database;
    expect((await post(service, '/v1/import/sessions', body)).status).toBe(400);
    expect(service.database.roundTrips).toBe(roundTrips);
  });
});

describe('a session of another system in a browser', () => {
  const ORIGIN = 'https://app.sessions.example';
  const RETURN_URL = `${ORIGIN}/`;
  interface HandedOff {
    session: { id: string };
    browser: { start_url: string };
    code?: string;
    reason?: string;
  }

  async function start() {
    const { env: defaults } = await startService();
    const entries = JSON.parse(defaults.CLIENTS ?? '[]') as { client_id: string }[];
    const web = { client_id: 'web', origins: [ORIGIN], return_urls: [RETURN_URL] };
    const clients = entries.map((entry) =>
      entry.client_id === BACKEND.id ? { ...entry, for_clients: [APP, 'web'] } : entry,
    );
    const service = await startService({ ...UNTIL, CLIENTS: JSON.stringify([...clients, web]) });
    await bring(service, await foreign(TOKEN, { client_id: 'web' }));
    return service;
  }

  const handOff = (service: TestService, returnUrl = RETURN_URL, token = TOKEN) =>
    post<HandedOff>(service, '/v1/import/hand-off', {
      token,
      client_id: 'web',
      browser: { return_url: returnUrl },
    });

  /** The browser follows the start URL from a page of the app. */
  async function follow(service: TestService, startUrl: string, cookie = '') {
    const response = await service.request(startUrl.slice(ISSUER.length), {
      headers: {
        'sec-fetch-mode': 'navigate',
        'sec-fetch-dest': 'document',
        'sec-fetch-site': 'same-site',
        referer: RETURN_URL,
        ...(cookie && { cookie }),
      },
    });
    const cookies = response.headers.getSetCookie().map((one) => one.split(';')[0] ?? '');
    return { status: response.status, cookie: cookies.join('; ') };
  }

  it('goes into its cookies, once', async () => {
    const service = await start();
    const handed = await handOff(service);
    expect(handed.status).toBe(200);
    const followed = await follow(service, handed.body.browser.start_url);
    expect(followed.status).toBe(303);
    expect(followed.cookie).toContain('__Host-session=');
    expect(await readRow(handed.body.session.id)).toMatchObject({
      user_id: USER,
      client_id: 'web',
    });
    // The start was reported at the import.
    expect((await eventsOf()).filter((type) => type === 'session_created')).toHaveLength(1);
    const shown = await service.request('/browser/session', {
      headers: { cookie: followed.cookie, 'sec-fetch-site': 'same-site', origin: ORIGIN },
    });
    expect(await shown.json()).toMatchObject({ session: { id: handed.body.session.id } });
  });

  it('is the same for tabs that open at once, of which one may be late', async () => {
    const service = await start();
    const [a, b] = [await handOff(service), await handOff(service)];
    const first = await follow(service, a.body.browser.start_url);
    expect((await follow(service, b.body.browser.start_url, first.cookie)).status).toBe(303);
    const late = await handOff(service);
    expect(late).toMatchObject({ status: 409, body: { code: 'refresh_token_superseded' } });
    expect(await eventsOf()).not.toContain('reuse_detected');
    expect((await readRow(a.body.session.id))?.revoked_at).toBeNull();
  });

  it('ends when its old token is shown again after the grace period', async () => {
    const service = await start();
    const handed = await handOff(service);
    await follow(service, handed.body.browser.start_url);
    service.advance(60);
    expect(await handOff(service)).toMatchObject({
      status: 409,
      body: { code: 'refresh_token_superseded' },
    });
    expect(await eventsOf()).toContain('reuse_detected');
    expect(await handOff(service)).toMatchObject({
      status: 409,
      body: { code: 'session_over', reason: 'reuse_detected' },
    });
  });

  it('is refused for an unknown token, and for a page of somebody else', async () => {
    const service = await start();
    expect(await handOff(service, RETURN_URL, 'made-up')).toMatchObject({
      status: 404,
      body: { code: 'not_found' },
    });
    expect(await handOff(service, 'https://evil.example/')).toMatchObject({
      status: 400,
      body: { code: 'invalid_request' },
    });
  });
});

describe('by RPC', () => {
  it('a backend brings sessions, and exchanges those of its own', async () => {
    const service = await startService(UNTIL);
    const backend = bind(service, BACKEND.id);
    const sessions = [await foreign(TOKEN, { client_id: undefined })];
    expect(valueIn(await backend.importSessions({ sessions })).sessions).toEqual([
      { outcome: 'taken' },
    ]);
    const exchanged = valueIn(await backend.refresh({ imported_token: TOKEN }));
    expect(decodeJwt(exchanged.access_token)).toMatchObject({ sub: USER, client_id: BACKEND.id });
    service.advance(60);
    expect(refusalOf(await backend.refresh({ imported_token: TOKEN }))).toEqual({
      code: 'invalid_grant',
      reason: 'reuse_detected',
    });
    service.clock.now = Date.UTC(2026, 1, 1);
    const { roundTrips } = service.database;
    expect(refusalOf(await backend.refresh({ imported_token: TOKEN }))).toEqual({
      code: 'invalid_grant',
    });
    expect(service.database.roundTrips).toBe(roundTrips);
    expect(
      refusalOf(await backend.refresh({ imported_token: TOKEN, refresh_token: 'v2.a.b.c' })),
    ).toMatchObject({ code: 'invalid_request' });
  });
});
