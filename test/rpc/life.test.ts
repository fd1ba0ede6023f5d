/** A session by calls alone: what each answers, and what it leaves in the database and the log. */
import { env } from 'cloudflare:test';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { APP, BACKEND, readRow, startService, type TestService } from '../fixtures';
import { type Bound, bind, refusalOf, valueIn } from './door';

const GRACE = 30;
const CHROME =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36';
const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';

let service: TestService;
let backend: Bound;
let app: Bound;
let USER: string;
beforeEach(async () => {
  vi.spyOn(console, 'log').mockImplementation(() => {});
  vi.spyOn(console, 'warn').mockImplementation(() => {});
  USER = crypto.randomUUID();
  service = await startService();
  backend = bind(service, BACKEND.id);
  app = bind(service, APP);
  return () => vi.restoreAllMocks();
});

const start = async (more: object = {}) =>
  valueIn(await backend.create({ user_id: USER, client_id: APP, ...more }));

async function eventsOf(sessionId: string): Promise<string[]> {
  const { results } = await env.DB.prepare(
    'SELECT type FROM session_events WHERE session_id = ? ORDER BY rowid',
  )
    .bind(sessionId)
    .all<{ type: string }>();
  return results.map(({ type }) => type);
}

describe('a session', () => {
  it('is started, refreshed, introspected, stepped up, listed and revoked', async () => {
    const started = await start({ amr: ['pwd'] });
    expect(started).toMatchObject({
      session: { user_id: USER, client_id: APP, amr: ['pwd'] },
      token_type: 'Bearer',
      expires_in: 300,
    });
    service.advance(GRACE);
    const refreshed = valueIn(await app.refresh({ refresh_token: started.refresh_token }));
    expect(refreshed.refresh_token).not.toBe(started.refresh_token);
    expect(refreshed).toMatchObject({ token_type: 'Bearer', refresh_at: expect.any(String) });

    const token = refreshed.access_token;
    expect(valueIn(await backend.introspect({ token }))).toMatchObject({
      active: true,
      sub: USER,
      sid: started.session.id,
    });
    const steppedUp = valueIn(
      await backend.authenticate({
        session_id: started.session.id,
        refresh_token: refreshed.refresh_token,
        amr: ['hwk'],
      }),
    );
    expect(steppedUp.session.amr).toEqual(['hwk']);

    const { sessions } = valueIn(await backend.list({ user_id: USER }));
    expect(sessions).toEqual([steppedUp.session]);
    const own = valueIn(await backend.revokeAll({ user_id: USER }));
    expect(own).toEqual({ revoked: 1 });
    expect(valueIn(await backend.introspect({ token }))).toEqual({ active: false });
    expect(valueIn(await backend.list({ user_id: USER }))).toEqual({
      sessions: [],
      next_cursor: null,
    });
    expect(refusalOf(await app.refresh({ refresh_token: steppedUp.refresh_token }))).toEqual({
      code: 'invalid_grant',
      reason: 'revoked',
    });
  });

  it('is revoked by its own token, once', async () => {
    const { refresh_token: token } = await start();
    expect(valueIn(await app.revoke({ token }))).toEqual({ revoked: true });
    expect(valueIn(await app.revoke({ token }))).toEqual({ revoked: false });
    expect(refusalOf(await app.refresh({ refresh_token: token }))).toEqual({
      code: 'invalid_grant',
      reason: 'signed_out',
    });
  });

  it('is ended by theft, as over HTTP: an old token after the grace period', async () => {
    const { session, refresh_token: stolen } = await start();
    service.advance(GRACE);
    const { refresh_token } = valueIn(await app.refresh({ refresh_token: stolen }));
    service.advance(GRACE);
    const next = valueIn(await app.refresh({ refresh_token }));
    service.advance(GRACE);
    expect(refusalOf(await app.refresh({ refresh_token: stolen }))).toEqual({
      code: 'invalid_grant',
      reason: 'reuse_detected',
    });
    expect(refusalOf(await app.refresh({ refresh_token: next.refresh_token })).reason).toBe(
      'reuse_detected',
    );
    expect((await service.refresh(next.refresh_token)).body.reason).toBe('reuse_detected');
    expect(await eventsOf(session.id)).toEqual(['session_created', 'reuse_detected']);
  });

  it('is the same by every door: a refresh by RPC, then over HTTP, then by RPC', async () => {
    const { refresh_token } = await start();
    service.advance(GRACE);
    const first = valueIn(await app.refresh({ refresh_token }));
    const again = await service.refresh(refresh_token);
    expect(again.body.refresh_token).toBe(first.refresh_token);
    expect(valueIn(await app.refresh({ refresh_token })).refresh_token).toBe(first.refresh_token);
  });

  it('goes to a browser by a URL, with no token in the answer', async () => {
    const web = {
      client_id: 'web',
      origins: ['https://app.example'],
      return_urls: ['https://app.example/'],
    };
    const { CLIENTS } = service.env;
    const clients = JSON.parse(CLIENTS ?? '[]');
    clients[0].for_clients.push('web');
    const withWeb = await startService({ CLIENTS: JSON.stringify([...clients, web]) });
    const answer = await bind(withWeb, BACKEND.id).handOff({
      user_id: USER,
      client_id: 'web',
      browser: { return_url: 'https://app.example/home' },
    });
    expect(valueIn(answer).browser.start_url).toContain('/browser/start?code=');
    expect(JSON.stringify(answer)).not.toContain('refresh_token"');
    const steppedUp = await bind(withWeb, BACKEND.id).authenticateInBrowser({
      session_id: valueIn(answer).session.id,
      amr: ['hwk'],
      browser: { return_url: 'https://app.example/home' },
    });
    expect(valueIn(steppedUp).browser.start_url).toContain('/browser/start?code=');
    expect(JSON.stringify(steppedUp)).not.toContain('refresh_token"');
  });
});

describe('an idempotency key', () => {
  it('gives the same session again, in whatever order the members are set', async () => {
    const key = { idempotency_key: crypto.randomUUID() };
    const first = valueIn(await backend.create({ user_id: USER, client_id: APP }, key));
    const again = valueIn(await backend.create({ client_id: APP, user_id: USER }, key));
    expect(again.session.id).toBe(first.session.id);
    expect(again.refresh_token).toBe(first.refresh_token);
    const other = { user_id: USER, client_id: 'other-app' };
    expect(refusalOf(await backend.create(other, key)).code).toBe('idempotency_key_reused');
  });

  it('that is none is refused', async () => {
    const answer = await backend.create({ user_id: USER }, { idempotency_key: 'two words' });
    expect(refusalOf(answer).code).toBe('invalid_request');
  });
});

describe('whose device it is', () => {
  const told = {
    user_agent: CHROME,
    ip_address: '203.0.113.7',
    place: { country: 'DE', asn: 64500 },
  };
  const elsewhere = {
    user_agent: FIREFOX,
    ip_address: '198.51.100.9',
    place: { country: 'BR', asn: 64501 },
  };

  it('is what the caller tells, at the start and at each refresh', async () => {
    const { session, refresh_token } = await start(told);
    expect(session).toMatchObject({
      user_agent: CHROME,
      device: 'Chrome on Windows',
      ip_address: '203.0.113.7',
      location: { country: 'DE' },
    });
    service.advance(GRACE);
    valueIn(await app.refresh({ refresh_token, ...elsewhere }));
    expect(await eventsOf(session.id)).toEqual(['session_created', 'mismatch']);
    const { sessions } = valueIn(await backend.list({ user_id: USER }));
    expect(sessions[0]).toMatchObject({
      device: 'Firefox on Linux',
      last_ip_address: '198.51.100.9',
      location: { country: 'BR' },
    });
  });

  it('is as it was where nothing is told: no event, one round trip, nothing forgotten', async () => {
    const { session, refresh_token } = await start(told);
    const before = await readRow(session.id);
    service.advance(GRACE);
    // An isolate's first call reads the signing keys too.
    valueIn(await app.refresh({ refresh_token: (await start()).refresh_token }));
    service.database.roundTrips = 0;
    service.database.rowsWritten = 0;
    valueIn(await app.refresh({ refresh_token }));
    expect(service.database).toMatchObject({ roundTrips: 1, rowsWritten: 1 });
    expect(await eventsOf(session.id)).toEqual(['session_created']);
    expect(JSON.parse(`${(await readRow(session.id))?.last_signals}`)).toEqual(
      JSON.parse(`${before?.last_signals}`),
    );
  });

  it('is as it was in what is left out, also where something else differs', async () => {
    const { session, refresh_token } = await start(told);
    service.advance(GRACE);
    const { ip_address, place } = elsewhere;
    valueIn(await app.refresh({ refresh_token, ip_address, place }));
    const { events } = valueIn(await backend.listEvents({ user_id: USER }));
    const [mismatch] = events.filter(({ session_id }) => session_id === session.id);
    expect(mismatch?.risk?.reasons).toEqual(expect.arrayContaining(['moved_to_foreign_network']));
    expect(mismatch?.risk?.reasons).not.toContain('browser_changed');
  });

  it('that is said to have told none differs from one that told', async () => {
    const { session, refresh_token } = await start(told);
    service.advance(GRACE);
    valueIn(await app.refresh({ refresh_token, ...told, user_agent: null }));
    expect(await eventsOf(session.id)).toEqual(['session_created', 'mismatch']);
  });

  it('may be passed as the whole `request.cf`, of which the rest is left aside', async () => {
    const place = { country: 'DE', colo: 'FRA', botManagement: { score: 1 }, clientTcpRtt: 4 };
    const { session } = await start({ ...told, place });
    expect(session.location).toMatchObject({ country: 'DE' });
    expect(`${(await readRow(session.id))?.last_signals}`).not.toContain('FRA');
  });

  it('is needed where the client’s risk policy refuses what differs', async () => {
    const strict = await startService({ RISK_POLICY: 'revoke' });
    const bound = bind(strict, APP);
    const { refresh_token } = valueIn(
      await bind(strict, BACKEND.id).create({ user_id: USER, client_id: APP, ...told }),
    );
    strict.advance(GRACE);
    expect(refusalOf(await bound.refresh({ refresh_token }))).toMatchObject({
      code: 'invalid_request',
      detail: expect.stringContaining('user_agent and ip_address'),
    });
    valueIn(await bound.refresh({ refresh_token, ...told }));
    strict.advance(GRACE);
    expect(refusalOf(await bound.refresh({ refresh_token, ...elsewhere })).code).toBe(
      'invalid_grant',
    );
  });

  it('that tells itself comes back for a lost answer; an unknown one is a thief', async () => {
    for (const [signals, outcome] of [
      [told, true],
      [{}, false],
    ] as const) {
      const { refresh_token } = await start(told);
      service.advance(GRACE);
      valueIn(await app.refresh({ refresh_token, ...told }));
      service.advance(GRACE);
      const { ok } = await app.refresh({ refresh_token, ...signals });
      expect([Object.keys(signals).length, ok]).toEqual([Object.keys(signals).length, outcome]);
    }
  });
});

describe('a cookie that a server forwards', () => {
  const ORIGIN = 'https://app.example';
  let own: TestService;
  let cookie: string;
  let sessionId: string;
  beforeEach(async () => {
    const clients = JSON.parse(service.env.CLIENTS ?? '[]');
    clients[0].for_clients.push('web');
    const web = { client_id: 'web', origins: [ORIGIN], return_urls: [`${ORIGIN}/`] };
    own = await startService({ CLIENTS: JSON.stringify([...clients, web]) });
    const { browser, session } = valueIn(
      await bind(own, BACKEND.id).handOff({
        user_id: USER,
        client_id: 'web',
        browser: { return_url: `${ORIGIN}/` },
      }),
    );
    sessionId = session.id;
    const started = await own.app.request(browser.start_url, {
      headers: {
        'sec-fetch-site': 'same-site',
        'sec-fetch-mode': 'navigate',
        referer: `${ORIGIN}/`,
      },
    });
    cookie = started.headers
      .getSetCookie()
      .map((line) => line.split(';')[0])
      .join('; ');
  });

  it('is exchanged for an access token, and rotates nothing', async () => {
    const before = await readRow(sessionId);
    own.advance(GRACE);
    const { access_token, session } = valueIn(
      await bind(own, BACKEND.id).exchangeCookie({ cookie }),
    );
    expect(session).toMatchObject({ id: sessionId, user_id: USER, current: true });
    expect((await own.bearer('GET', '/v1/sessions/current', access_token)).status).toBe(200);
    expect((await readRow(sessionId))?.refresh_token).toBe(before?.refresh_token);
  });

  it('is nobody’s when there is none, when there are two, and when its session is over', async () => {
    const bound = bind(own, BACKEND.id);
    expect(refusalOf(await bound.exchangeCookie({ cookie: '' }))).toEqual({
      code: 'session_ended',
    });
    expect(refusalOf(await bound.exchangeCookie({ cookie: `${cookie}; ${cookie}` })).code).toBe(
      'ambiguous_cookie',
    );
    own.advance(1);
    valueIn(await bound.revokeAll({ user_id: USER }));
    expect(refusalOf(await bound.exchangeCookie({ cookie }))).toEqual({
      code: 'session_ended',
      reason: 'revoked',
    });
  });

  it('of a client that the binding does not act for is refused', async () => {
    const other = { client_id: 'other', bound: true, allow: ['browser_tokens'] };
    const clients = [...JSON.parse(own.env.CLIENTS ?? '[]'), other];
    const wider = await startService({ CLIENTS: JSON.stringify(clients) });
    expect(refusalOf(await bind(wider, 'other').exchangeCookie({ cookie })).code).toBe(
      'client_not_allowed',
    );
  });
});
