/**
 * The exchange for servers: a browser's cookies and the server's own credentials give an access
 * token, and nothing moves.
 */
import { env } from 'cloudflare:test';
import { decodeJwt } from 'jose';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BACKEND, basic, readRow, sha256Hex, type TestService } from '../../fixtures';
import { USER } from '../../people';
import {
  APP_ORIGIN,
  asBackend,
  type Jar,
  OTHER_WEB,
  SAME_ORIGIN,
  SSR,
  send,
  signIn,
  start,
  startWithBrowsers,
  WEB,
} from './browser';

let service: TestService;
let jar: Jar;
let sessionId: string;

beforeEach(async () => {
  await env.DB.exec('DELETE FROM user_sessions; DELETE FROM outdated_tokens');
  service = await startWithBrowsers();
  const signedIn = await signIn(service, { user_id: USER });
  jar = signedIn.jar;
  sessionId = signedIn.session.id;
  service.advance(31);
});
afterEach(() => vi.restoreAllMocks());

const exchange = (headers: Record<string, string>, init: RequestInit = {}) =>
  service.request('/browser/token', { method: 'POST', headers, ...init });

describe('POST /browser/token', () => {
  it('gives an access token, and no refresh token and no cookie, in one round trip with no write', async () => {
    const before = await readRow(sessionId);
    service.database.roundTrips = 0;
    service.database.rowsWritten = 0;
    const response = await exchange(asBackend(jar));
    expect(response.status).toBe(200);
    const body = (await response.json()) as { access_token: string };
    expect(body).toEqual({
      access_token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
      token_type: 'Bearer',
      expires_in: 300,
      session: expect.objectContaining({ id: sessionId, user_id: USER, current: true }),
    });
    expect(decodeJwt(body.access_token)).toMatchObject({
      sid: sessionId,
      sub: USER,
      client_id: WEB,
    });
    expect((await service.bearer('GET', '/v1/sessions/current', body.access_token)).status).toBe(
      200,
    );
    expect(response.headers.getSetCookie()).toEqual([]);
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(service.database).toMatchObject({ rowsWritten: 0 });
    expect(await readRow(sessionId)).toEqual(before);
  });

  it('costs one round trip', async () => {
    await exchange(asBackend(jar));
    service.database.roundTrips = 0;
    await exchange(asBackend(jar));
    expect(service.database.roundTrips).toBe(1);
  });

  it('of 20 at once gives 20 tokens and moves nothing: the browser refreshes afterwards', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => exchange(asBackend(jar))));
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect((await send(service, jar, 'POST', '/browser/refresh')).status).toBe(200);
  });

  it('takes a superseded cookie within the grace period, and after it refuses without ending the session', async () => {
    const old = new Map(jar);
    await send(service, jar, 'POST', '/browser/refresh');
    expect((await exchange(asBackend(old))).status).toBe(200);
    service.advance(30);
    const late = await exchange(asBackend(old));
    expect(late.status).toBe(401);
    expect(await late.json()).toMatchObject({ code: 'session_ended' });
    expect(await readRow(sessionId)).toMatchObject({ revoked_at: null });
    expect((await exchange(asBackend(jar))).status).toBe(200);
  });

  it('says that the session is over, and why', async () => {
    await service.backend('DELETE', `/v1/users/${USER}/sessions`);
    const response = await exchange(asBackend(jar));
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({ code: 'session_ended', reason: 'revoked' });
    expect((await exchange(asBackend(new Map()))).status).toBe(401);
  });

  it('is 503 while the database is away', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => {});
    service.database.faults = [{ before: 'D1_ERROR: internal error' }];
    const response = await exchange(asBackend(jar));
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('1');
  });

  it('refuses two cookies of the same name', async () => {
    const { cookie, authorization } = asBackend(jar);
    const refused = await exchange({ authorization, cookie: `${cookie}; ${cookie}` });
    expect(refused.status).toBe(401);
    expect(await refused.json()).toMatchObject({ code: 'ambiguous_cookie' });
  });
});

describe('no page reaches it', () => {
  it.each<[string, Record<string, string>]>([
    ['its own origin', SAME_ORIGIN],
    ["the client's origin", { 'sec-fetch-site': 'same-site', origin: APP_ORIGIN }],
    ['another site', { 'sec-fetch-site': 'cross-site' }],
    ['the address bar', { 'sec-fetch-site': 'none' }],
    ['a browser without fetch metadata', { origin: APP_ORIGIN }],
    ['a sandboxed frame', { origin: 'null' }],
  ])('with a cookie alone, %s is refused', async (_, headers) => {
    service.database.roundTrips = 0;
    const response = await exchange({ cookie: asBackend(jar).cookie, ...headers });
    expect(response.status).toBe(403);
    expect(await response.json()).toMatchObject({ code: 'cross_site_request' });
    expect(response.headers.get('access-control-allow-origin')).toBe(null);
    expect(service.database.roundTrips).toBe(0);
  });

  it('nor reads the answer, had it credentials: there is no CORS', async () => {
    for (const origin of [APP_ORIGIN, 'https://evil.example']) {
      const preflight = await service.request('/browser/token', {
        method: 'OPTIONS',
        headers: { origin, 'access-control-request-method': 'POST' },
      });
      expect(preflight.status).toBe(405);
      const answer = await exchange({ ...asBackend(jar), origin, 'sec-fetch-site': 'cross-site' });
      for (const response of [preflight, answer])
        expect(response.headers.get('access-control-allow-origin')).toBe(null);
    }
  });

  it.each<[string, Record<string, string>]>([
    ["of a page's fetch", SAME_ORIGIN],
    [
      'of a navigation from another site',
      {
        'sec-fetch-site': 'cross-site',
        'sec-fetch-mode': 'navigate',
        'sec-fetch-dest': 'document',
        'sec-fetch-user': '?1',
        referer: 'https://other.example/',
      },
    ],
    ['of a form', { origin: 'https://other.example', 'sec-fetch-site': 'cross-site' }],
    ['of a sandboxed frame', { origin: 'null' }],
  ])('a server may pass on the headers %s', async (_, headers) => {
    const response = await exchange({ ...headers, ...asBackend(jar) });
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ session: { id: sessionId } });
    // But it has to be a server.
    const wrong = basic({ ...BACKEND, secret: 'wrong' });
    const refused = await exchange({ ...headers, ...asBackend(jar), authorization: wrong });
    expect(refused.status).toBe(401);
  });

  it.each<[string, string, Record<string, string>, string | undefined]>([
    ['POST', '/v1/sessions', { 'content-type': 'application/json' }, '{}'],
    ['GET', `/v1/users/${USER}/sessions`, {}, undefined],
    [
      'POST',
      '/oauth/introspect',
      { 'content-type': 'application/x-www-form-urlencoded' },
      'token=x',
    ],
    ['DELETE', `/v1/users/${USER}/sessions`, {}, undefined],
  ])('so it may on every route of backends: %s %s', async (method, path, own, body = '') => {
    const authorization = basic(BACKEND);
    const browsers = { ...SAME_ORIGIN, origin: 'https://other.example', cookie: 'a=b' };
    const headers = { ...browsers, 'sec-fetch-site': 'cross-site', ...own, authorization };
    const response = await service.request(path, { method, headers, body: body || null });
    expect([200, 201]).toContain(response.status);
  });

  it("Node's own fetch is let in: it sends Sec-Fetch-Mode alone", async () => {
    expect((await exchange({ ...asBackend(jar), 'sec-fetch-mode': 'cors' })).status).toBe(200);
  });
});

describe('who may exchange', () => {
  it.each<[string, number, string, string | undefined]>([
    ['nobody', 401, 'invalid_client', undefined],
    ['a wrong secret', 401, 'invalid_client', basic({ ...BACKEND, secret: 'wrong' })],
    // It has no secret, so it is known, and may not.
    ['a public client', 403, 'client_not_allowed', basic({ id: WEB, secret: '' })],
    ['the cookie as a secret', 401, 'invalid_client', basic({ id: WEB, secret: 'x' })],
  ])('%s is %i with no database call', async (_, status, code, authorization) => {
    service.database.roundTrips = 0;
    const response = await exchange({
      cookie: asBackend(jar).cookie,
      ...(authorization && { authorization }),
    });
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ code });
    expect(service.database.roundTrips).toBe(0);
  });

  it('a backend acts for the clients that it lists, and no other', async () => {
    const other = await signIn(service, {
      client_id: OTHER_WEB,
      browser: { return_url: 'https://other.sessions.example/' },
    });
    service.database.roundTrips = 0;
    const response = await exchange(asBackend(other.jar));
    expect(response.status).toBe(403);
    expect(await response.json()).toMatchObject({ code: 'client_not_allowed' });
    expect((await exchange(asBackend(jar, SSR))).status).toBe(403);
    expect(service.database.roundTrips).toBe(0);
  });

  it("does not take a session under an allowed client's name for that client's", async () => {
    const other = await signIn(service, {
      client_id: OTHER_WEB,
      browser: { return_url: 'https://other.sessions.example/' },
    });
    const token = other.jar.get('__Host-session')?.split('~')[1];
    const response = await exchange(
      asBackend(new Map([['__Host-session', `${btoa(WEB)}~${token}`]])),
    );
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({ code: 'session_ended' });
  });

  it('a server-rendered app acts for itself', async () => {
    const created = await service.request('/v1/sessions', {
      method: 'POST',
      headers: { authorization: basic(SSR), 'content-type': 'application/json' },
      body: JSON.stringify({
        user_id: USER,
        browser: { return_url: 'https://ssr.example/welcome' },
      }),
    });
    const { browser } = (await created.json()) as { browser: { start_url: string } };
    const own: Jar = new Map();
    await start(service, own, browser.start_url);
    const response = await exchange(asBackend(own, SSR));
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ session: { client_id: SSR.id } });
  });

  it('a client without the capability is 403', async () => {
    const limited = await startWithBrowsers({
      CLIENTS: JSON.stringify([
        {
          client_id: BACKEND.id,
          secret_sha256: await sha256Hex(BACKEND.secret),
          allow: ['create_sessions'],
          browser_clients: [WEB],
        },
        { client_id: WEB, origins: [APP_ORIGIN] },
      ]),
    });
    const response = await limited.request('/browser/token', {
      method: 'POST',
      headers: asBackend(jar),
    });
    expect(response.status).toBe(403);
    expect(await response.json()).toMatchObject({ code: 'client_not_allowed' });
  });
});
