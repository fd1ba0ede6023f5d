/**
 * How a session gets into a browser: a sealed code, once, within a minute, and back to a URL that
 * the client allows.
 */
import { env } from 'cloudflare:test';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BACKEND, basic, ISSUER, readRow, type TestService } from '../../fixtures';
import { USER } from '../../people';
import {
  APP_ORIGIN,
  handOff,
  type Jar,
  NAVIGATION,
  OTHER_WEB,
  RETURN_URL,
  readSetCookies,
  SSR,
  send,
  signIn,
  start,
  startWithBrowsers,
  WEB,
} from './browser';

let service: TestService;

beforeEach(async () => {
  service = await startWithBrowsers();
});
afterEach(() => vi.restoreAllMocks());

const create = (body: Record<string, unknown>, headers: Record<string, string> = {}) =>
  service.request('/v1/sessions', {
    method: 'POST',
    headers: { authorization: basic(BACKEND), 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ client_id: WEB, ...body }),
  });

const countSessions = async () =>
  (await env.DB.prepare('SELECT count(*) AS n FROM user_sessions').first<{ n: number }>())?.n;

/** The answer to a code that is not good: a page for people, with no cookie and no redirect. */
async function expectRefused(response: Response) {
  expect(response.status).toBe(400);
  expect(response.headers.get('content-type')).toMatch(/^text\/html/);
  expect(await response.text()).toContain('<h1>This sign-in link does not work</h1>');
  expect(response.headers.getSetCookie()).toEqual([]);
  expect(response.headers.get('location')).toBe(null);
}

describe('POST /v1/sessions with browser', () => {
  it('answers with a start URL and no tokens', async () => {
    const response = await create({ user_id: USER, browser: { return_url: RETURN_URL } });
    expect(response.status).toBe(201);
    const body = (await response.json()) as Record<string, never>;
    expect(body).toEqual({
      session: expect.objectContaining({ user_id: USER, client_id: WEB }),
      browser: {
        start_url: expect.stringMatching(/^https:\/\/sessions\.example\/browser\/start\?code=/),
        expires_in: 60,
      },
    });
    expect(JSON.stringify(body)).not.toMatch(/eyJ|v2\./);
  });

  it('is for clients with origins alone', async () => {
    for (const client_id of ['app', BACKEND.id]) {
      const response = await create({ client_id, browser: { return_url: RETURN_URL } });
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ code: 'invalid_request' });
    }
  });

  it('takes no return URL of another client, and each only as the other is allowed to', async () => {
    const other = 'https://other.sessions.example/';
    expect((await create({ browser: { return_url: other } })).status).toBe(400);
    expect((await create({ client_id: OTHER_WEB, browser: { return_url: other } })).status).toBe(
      201,
    );
    expect(
      (await create({ client_id: OTHER_WEB, browser: { return_url: RETURN_URL } })).status,
    ).toBe(400);
  });

  it.each([
    `${RETURN_URL}`,
    `${RETURN_URL}/there`,
    `${RETURN_URL}?next=%2Fcart&x=https://evil.example//a%0d%0a`,
    `${APP_ORIGIN}/deep/`,
    `${APP_ORIGIN}/deep/a/b%20c`,
  ])('returns to %s', async (returnUrl) => {
    const { browser } = await handOff(service, { browser: { return_url: returnUrl } });
    const response = await start(service, new Map(), browser.start_url);
    expect(response.headers.get('location')).toBe(returnUrl);
  });

  // Threat 51. RETURN_URL is https://app.sessions.example/signed-in
  const hostile = [
    '',
    '/signed-in',
    '//evil.example/signed-in',
    '\\\\evil.example/signed-in',
    '/\\evil.example',
    'https:evil.example',
    'https:///evil.example/signed-in',
    'https://evil.example/signed-in',
    'https://evil.example/https://app.sessions.example/signed-in',
    'https://app.sessions.example.evil.example/signed-in',
    'https://evilapp.sessions.example/signed-in',
    'https://appXsessions.example/signed-in',
    'https://app.sessions.example@evil.example/signed-in',
    'https://user:password@app.sessions.example/signed-in',
    'https://@app.sessions.example/signed-in',
    'https://app.sessions.example\\@evil.example/signed-in',
    'https://app.sessions.example%2f@evil.example/signed-in',
    'https://app.sessions.example%00.evil.example/signed-in',
    'https://app.sessions.example:8443/signed-in',
    'https://app.sessions.example:443/signed-in',
    'https://app.sessions.example./signed-in',
    'http://app.sessions.example/signed-in',
    'javascript:alert(document.domain)//https://app.sessions.example/signed-in',
    'data:text/html,<script>alert(1)</script>',
    'blob:https://app.sessions.example/signed-in',
    'https://app.sessions.example/signed-in#fragment',
    'https://app.sessions.example/signed-in#',
    'https://app.sessions.example/signed-in\r\nSet-Cookie: a=b',
    'https://app.sessions.example/\tsigned-in',
    ' https://app.sessions.example/signed-in',
    'https://app.sessions.example/signed-in\0',
    'https://аpp.sessions.example/signed-in',
    'https://app。sessions.example/signed-in',
    'https://APP.sessions.example/signed-in',
    'https://xn--pp-6kc.sessions.example/signed-in',
    'https://app.sessions.example/signed-in-elsewhere',
    'https://app.sessions.example/signed-in/../admin',
    'https://app.sessions.example/signed-in/%2e%2e/admin',
    'https://app.sessions.example/signed-in/..%2fadmin',
    'https://app.sessions.example/signed-in/%2E%2E%5Cadmin',
    'https://app.sessions.example/signed-in/%252e%252e/admin',
    'https://app.sessions.example/signed-in%2f..%2fadmin',
    'https://app.sessions.example/signed-in/%0d%0aLocation:x',
    'https://app.sessions.example//evil.example/signed-in',
    'https://app.sessions.example/signed-in//evil.example',
    'https://app.sessions.example/signed-in\\..\\admin',
    'https://app.sessions.example/deep',
    'https://app.sessions.example/Signed-in',
    'https://app.sessions.example/',
    'https://app.sessions.example',
    `https://app.sessions.example/signed-in?${'x'.repeat(2048)}`,
  ];

  it.each(hostile)('refuses the return URL %j and creates nothing', async (returnUrl) => {
    const before = await countSessions();
    service.database.roundTrips = 0;
    const response = await create({ browser: { return_url: returnUrl } });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: 'invalid_request' });
    expect(await countSessions()).toBe(before);
  });

  it('refuses claims whose access token no cookie would hold, and creates nothing', async () => {
    const longAudience = { AUDIENCE: `urn:${'a'.repeat(800)}` };
    const long = await startWithBrowsers(longAudience);
    const before = await countSessions();
    const request = (bytes: number) =>
      long.request('/v1/sessions', {
        method: 'POST',
        headers: { authorization: basic(BACKEND), 'content-type': 'application/json' },
        body: JSON.stringify({
          client_id: WEB,
          claims: { note: 'x'.repeat(bytes) },
          browser: { return_url: RETURN_URL },
        }),
      });
    const refused = await request(2000);
    expect(refused.status).toBe(400);
    expect(((await refused.json()) as { detail: string }).detail).toContain(
      'too long for a cookie',
    );
    expect(await countSessions()).toBe(before);
    // The longest that passes does fit, also when ACCESS_TOKEN_ALG is changed to the one with the
    // longest signatures before the code is used.
    let bytes = 2000;
    let response = refused;
    while (response.status === 400) {
      bytes -= 1;
      response = await request(bytes);
    }
    expect(response.status).toBe(201);
    const { browser } = (await response.json()) as { browser: { start_url: string } };
    await env.DB.exec('DELETE FROM signing_keys');
    const longest = await startWithBrowsers({ ...longAudience, ACCESS_TOKEN_ALG: 'RS256' });
    const started = await start(longest, new Map(), browser.start_url);
    expect(started.status).toBe(303);
    const sizes = readSetCookies(started).map(({ name, value }) => name.length + value.length);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(4096);
    expect(Math.max(...sizes)).toBeGreaterThan(4092);
  });

  it('repeated with an Idempotency-Key hands over the same session, once', async () => {
    const key = { 'idempotency-key': crypto.randomUUID() };
    const first = await handOff(service, { user_id: USER }, key);
    service.advance(50);
    const again = await handOff(service, { user_id: USER }, key);
    expect(again.session.id).toBe(first.session.id);
    expect(again.browser.expires_in).toBe(60);
    service.advance(50);
    await expectRefused(await start(service, new Map(), first.browser.start_url));
    expect((await start(service, new Map(), again.browser.start_url)).status).toBe(303);
    const late = await create({ browser: { return_url: RETURN_URL }, user_id: USER }, key);
    expect(late.status).toBe(409);
    expect(await late.json()).toMatchObject({ code: 'idempotent_session_moved_on' });
  });
});

describe('GET /browser/start', () => {
  it('sets both cookies and goes to the return URL', async () => {
    const { browser, session } = await handOff(service, { user_id: USER, expires_in: 86_400 });
    const response = await start(service, new Map(), browser.start_url);
    expect(response.status).toBe(303);
    expect(response.headers.get('location')).toBe(RETURN_URL);
    expect(response.headers.get('referrer-policy')).toBe('no-referrer');
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(await response.text()).toBe('');
    const [sessionCookie, accessCookie, ...rest] = readSetCookies(response);
    expect(rest).toEqual([]);
    const common = { path: '/', httponly: true, secure: true, samesite: 'Lax' };
    expect(sessionCookie).toEqual({
      name: '__Host-session',
      value: expect.stringMatching(/^d2Vi~v2\.[\w-]+\.[\w-]+\.[\w-]+$/),
      attributes: { ...common, 'max-age': '86400' },
    });
    expect(accessCookie).toEqual({
      name: '__Host-access',
      value: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
      attributes: { ...common, 'max-age': '300' },
    });
    expect(await readRow(session.id)).toMatchObject({
      rotated_at: service.clock.now,
      revoked_at: null,
    });
  });

  it('gives no cookie a longer life than browsers do: 400 days', async () => {
    service = await startWithBrowsers({
      SESSION_LIFETIME_SECONDS: '0',
      INACTIVITY_TIMEOUT_SECONDS: '0',
    });
    const { browser } = await handOff(service, { expires_in: null });
    const [cookie] = readSetCookies(await start(service, new Map(), browser.start_url));
    expect(cookie?.attributes['max-age']).toBe(String(400 * 86_400));
  });

  it('gives no cookie a longer life than the session', async () => {
    const { browser } = await handOff(service, { expires_in: 100 });
    const cookies = readSetCookies(await start(service, new Map(), browser.start_url));
    expect(cookies.map(({ attributes }) => attributes['max-age'])).toEqual(['100', '100']);
  });

  it('is good once', async () => {
    const { browser } = await handOff(service);
    expect((await start(service, new Map(), browser.start_url)).status).toBe(303);
    await expectRefused(await start(service, new Map(), browser.start_url));
  });

  it('is good once, of 20 at once', async () => {
    const others = await Promise.all([1, 2, 3].map(() => startWithBrowsers()));
    const { browser, session } = await handOff(service, { user_id: USER });
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, turn) =>
        start([service, ...others][turn % 4] as TestService, new Map(), browser.start_url),
      ),
    );
    const started = answers.filter(({ status }) => status === 303);
    expect(started).toHaveLength(1);
    for (const answer of answers.filter((one) => one !== started[0])) await expectRefused(answer);
    const jar: Jar = new Map(
      readSetCookies(started[0] as Response).map(({ name, value }) => [name, value]),
    );
    const current = await send(service, jar, 'GET', '/browser/session');
    expect(await current.json()).toMatchObject({ session: { id: session.id } });
  });

  it('once used signs nobody out', async () => {
    const { browser } = await handOff(service);
    const jar: Jar = new Map();
    await start(service, jar, browser.start_url);
    service.advance(31);
    await start(service, jar, browser.start_url);
    expect((await send(service, jar, 'POST', '/browser/refresh')).status).toBe(200);
  });

  it('is good for a minute', async () => {
    const [inTime, late] = [await handOff(service), await handOff(service)];
    service.clock.now += 59_999;
    expect((await start(service, new Map(), inTime.browser.start_url)).status).toBe(303);
    service.clock.now += 1;
    service.database.roundTrips = 0;
    await expectRefused(await start(service, new Map(), late.browser.start_url));
    expect(service.database.roundTrips).toBe(0);
  });

  it('a changed code is refused with no database call, each byte of it', async () => {
    const { browser } = await handOff(service);
    const code = new URL(browser.start_url).searchParams.get('code') as string;
    service.database.roundTrips = 0;
    const changed = Array.from({ length: code.length }, (_, at) => {
      const other = code[at] === 'A' ? 'B' : 'A';
      return code.slice(0, at) + other + code.slice(at + 1);
    });
    const odd = [
      'x',
      'x.y',
      `${code}A`,
      code.slice(1),
      code.replace('.', ''),
      'A'.repeat(9000),
      '%00',
      '😀',
      `${code}.`,
    ];
    for (const bad of [...changed.slice(0, -1), ...odd])
      await expectRefused(
        await start(service, new Map(), `${ISSUER}/browser/start?code=${encodeURIComponent(bad)}`),
      );
    expect(service.database.roundTrips).toBe(0);
    expect((await start(service, new Map(), browser.start_url)).status).toBe(303);
  });

  it('a code of another deployment is refused', async () => {
    const foreign = await startWithBrowsers({
      SESSION_SECRET: 'another-session-secret-0123456789abcdef',
    });
    await expectRefused(
      await start(service, new Map(), (await handOff(foreign)).browser.start_url),
    );
  });

  it('a code outlives the change of SESSION_SECRET', async () => {
    const { browser } = await handOff(service);
    const next = await startWithBrowsers({
      SESSION_SECRET: 'another-session-secret-0123456789abcdef',
      SESSION_SECRET_PREVIOUS: service.env.SESSION_SECRET,
    });
    const jar: Jar = new Map();
    expect((await start(next, jar, browser.start_url)).status).toBe(303);
    expect((await send(next, jar, 'POST', '/browser/refresh')).status).toBe(200);
  });

  it('a code is good for the client and the return URL that are still configured', async () => {
    const { browser } = await handOff(service);
    const stricter = JSON.stringify([
      { client_id: WEB, origins: [APP_ORIGIN], return_urls: [`${APP_ORIGIN}/elsewhere`] },
    ]);
    await expectRefused(
      await start(await startWithBrowsers({ CLIENTS: stricter }), new Map(), browser.start_url),
    );
    await expectRefused(
      await start(await startWithBrowsers({ CLIENTS: '[]' }), new Map(), browser.start_url),
    );
    expect((await start(service, new Map(), browser.start_url)).status).toBe(303);
  });

  it('a code of a session that is over is refused', async () => {
    const { browser } = await handOff(service, { user_id: USER });
    await service.backend('DELETE', `/v1/users/${USER}/sessions`);
    await expectRefused(await start(service, new Map(), browser.start_url));
    const short = await handOff(service, { expires_in: 10 });
    service.advance(10);
    await expectRefused(await start(service, new Map(), short.browser.start_url));
  });

  it.each<[string, string, Record<string, string>, number]>([
    ['HEAD', 'HEAD', {}, 204],
    ['a prefetch', 'GET', { 'sec-purpose': 'prefetch' }, 400],
    ['a prerender', 'GET', { 'sec-purpose': 'prefetch;prerender' }, 400],
    ['an older prefetch', 'GET', { purpose: 'prefetch' }, 400],
    ["Firefox's prefetch", 'GET', { 'x-moz': 'prefetch' }, 400],
    ["Safari's preview", 'GET', { 'x-purpose': 'preview' }, 400],
    ['an image', 'GET', { 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' }, 400],
    ['a frame', 'GET', { 'sec-fetch-dest': 'iframe' }, 400],
    ['a script', 'GET', { 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' }, 400],
    ['POST', 'POST', {}, 400],
    ['PUT', 'PUT', {}, 405],
    ['OPTIONS', 'OPTIONS', { origin: APP_ORIGIN, 'access-control-request-method': 'GET' }, 405],
  ])('%s does not use a code up', async (_, method, headers, status) => {
    const { browser } = await handOff(service);
    service.database.roundTrips = 0;
    const path = browser.start_url.slice(ISSUER.length);
    const response = await send(service, new Map(), method, path, { ...NAVIGATION, ...headers });
    expect(response.status).toBe(status);
    expect(response.headers.getSetCookie()).toEqual([]);
    expect(response.headers.get('location')).toBe(null);
    expect(service.database.roundTrips).toBe(0);
    expect((await start(service, new Map(), browser.start_url)).status).toBe(303);
  });

  it.each([
    '?code=a&code=b',
    '?code=a&next=https://evil.example',
    '?return_url=https://evil.example',
    '',
  ])('with the query %j is a plain 400', async (query) => {
    const response = await service.request(`/browser/start${query}`);
    expect(response.status).toBe(400);
    expect(response.headers.get('location')).toBe(null);
  });

  it('ends the session that the browser had before, and no other', async () => {
    const { jar, session } = await signIn(service, { user_id: USER });
    const elsewhere = await signIn(service, { user_id: USER });
    const { browser, session: next } = await handOff(service, { user_id: USER });
    expect(await readRow(session.id)).toMatchObject({ revoked_at: null });
    const before = jar.get('__Host-session');
    expect((await start(service, jar, browser.start_url)).status).toBe(303);
    expect(jar.get('__Host-session')).not.toBe(before);
    expect(await readRow(session.id)).toMatchObject({ revoked_reason: 'signed_out' });
    expect(await readRow(elsewhere.session.id)).toMatchObject({ revoked_at: null });
    expect(await readRow(next.id)).toMatchObject({ revoked_at: null });
  });

  it('refused, ends no session: a code used up elsewhere signs nobody out', async () => {
    const { jar, session } = await signIn(service, { user_id: USER });
    const { browser } = await handOff(service);
    await start(service, new Map(), browser.start_url);
    await expectRefused(await start(service, jar, browser.start_url));
    expect(await readRow(session.id)).toMatchObject({ revoked_at: null });
    expect((await send(service, jar, 'POST', '/browser/refresh')).status).toBe(200);
  });

  it('takes no session id, token or cookie from outside: the cookies are its own', async () => {
    const { browser } = await handOff(service);
    const planted = `d2Vi~v2.${'a'.repeat(40)}.${'b'.repeat(40)}.${'c'.repeat(40)}`;
    const jar: Jar = new Map([
      ['__Host-session', planted],
      ['__Host-access', 'planted'],
    ]);
    await start(service, jar, browser.start_url);
    expect([...jar.values()].join()).not.toContain('planted');
    expect(jar.get('__Host-session')).not.toBe(planted);
  });

  it('sets no cookie while the database is away, and the code is good afterwards', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => {});
    const { browser } = await handOff(service);
    service.database.faults = [{ before: 'D1_ERROR: internal error' }];
    const response = await start(service, new Map(), browser.start_url);
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('1');
    expect(response.headers.getSetCookie()).toEqual([]);
    expect((await start(service, new Map(), browser.start_url)).status).toBe(303);
  });

  it("is good once also where the database's answer was lost", async () => {
    const { browser } = await handOff(service);
    service.database.faults = [{ after: 'D1_ERROR: Network connection lost' }];
    const jar: Jar = new Map();
    expect((await start(service, jar, browser.start_url)).status).toBe(303);
    expect((await send(service, jar, 'GET', '/browser/session')).status).toBe(200);
    // A rerun of another request at the very same time recognises its own exchange only.
    service.database.faults = [{ after: 'D1_ERROR: Network connection lost' }];
    await expectRefused(await start(service, new Map(), browser.start_url));
  });

  it('takes one round trip', async () => {
    const { browser } = await handOff(service);
    service.database.roundTrips = 0;
    service.database.rowsWritten = 0;
    await start(service, new Map(), browser.start_url);
    // The session, and the event that it started: the row, and the indexes on id and subject.
    expect(service.database).toMatchObject({ roundTrips: 1, rowsWritten: 4 });
  });

  it('is of the mounted path', async () => {
    const mounted = await startWithBrowsers({ ISSUER: `${ISSUER}/auth` });
    const response = await mounted.request('/auth/v1/sessions', {
      method: 'POST',
      headers: { authorization: basic(SSR), 'content-type': 'application/json' },
      body: JSON.stringify({ browser: { return_url: 'https://ssr.example/x' } }),
    });
    const { browser } = (await response.json()) as { browser: { start_url: string } };
    expect(browser.start_url).toMatch(/^https:\/\/sessions\.example\/auth\/browser\/start\?code=/);
    expect((await start(mounted, new Map(), browser.start_url)).status).toBe(303);
  });

  it('puts the code into no line of the log and no answer', async () => {
    const lines: string[] = [];
    for (const method of ['log', 'info', 'warn', 'error'] as const)
      vi.spyOn(console, method).mockImplementation((...parts) => void lines.push(parts.join(' ')));
    const { browser } = await handOff(service);
    const code = new URL(browser.start_url).searchParams.get('code') as string;
    const jar: Jar = new Map();
    await start(service, jar, browser.start_url);
    const refused = await start(service, jar, browser.start_url);
    const text = lines.join('\n') + (await refused.text());
    for (const secret of [code, code.split('.')[1] as string, ...jar.values()])
      expect(text).not.toContain(secret);
    expect(lines.length).toBeGreaterThan(2);
  });
});
