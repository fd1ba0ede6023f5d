/** `/verify`, as gateways ask it: by which credentials, and what each answer means to a gateway. */
import { env } from 'cloudflare:test';
import { decodeJwt } from 'jose';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { BACKEND, basic, ISSUER, readRow, sha256Hex, type TestService } from '../../fixtures';
import { USER } from '../../people';
import {
  APP_ORIGIN,
  type Jar,
  OTHER_WEB,
  RETURN_URL,
  signIn,
  startWithBrowsers,
  WEB,
} from '../browser/browser';
import { passedOn } from '../browser/passed-on-forms';

const GATEWAY = { id: 'gateway', secret: 'gateway-secret-of-the-tests' };
const BROWSER =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/130.0 Safari/537.36';

let service: TestService;
let jar: Jar;
let sessionId: string;

/** A service with a gateway, which acts for one of the browser clients. */
async function startWithGateway(variables: Record<string, unknown> = {}, allow: string[] = []) {
  const { CLIENTS } = (await startWithBrowsers()).env;
  const clients = [
    ...JSON.parse(CLIENTS ?? '[]'),
    {
      client_id: GATEWAY.id,
      secret_sha256: await sha256Hex(GATEWAY.secret),
      allow: ['verify_cookies', ...allow],
      browser_clients: [WEB],
    },
  ];
  return startWithBrowsers({ CLIENTS: JSON.stringify(clients), ...variables });
}

beforeEach(async () => {
  await env.DB.exec('DELETE FROM user_sessions; DELETE FROM users; DELETE FROM outdated_tokens');
  for (const level of ['log', 'warn', 'error'] as const)
    vi.spyOn(console, level).mockImplementation(() => {});
  service = await startWithGateway();
  const signedIn = await signIn(service, { user_id: USER });
  jar = signedIn.jar;
  sessionId = signedIn.session.id;
  return () => vi.restoreAllMocks();
});

const cookieOf = (own: Jar) => [...own].map(([name, value]) => `${name}=${value}`).join('; ');

/** As a gateway asks about a request with the cookies. */
const ask = (headers: Record<string, string> = {}, { method = 'GET', path = '/verify' } = {}) =>
  service.request(path, {
    method,
    headers: {
      cookie: cookieOf(jar),
      'user-agent': BROWSER,
      'x-gateway-authorization': basic(GATEWAY),
      'x-gateway-visitor-address': '192.0.2.7',
      ...headers,
    },
  });

const identity = ({ status, headers }: Response) => ({
  status,
  user: headers.get('x-user-id'),
  session: headers.get('x-session-id'),
  client: headers.get('x-client-id'),
});

describe('by an access token', () => {
  const bearer = (token: string, headers: Record<string, string> = {}) =>
    service.request('/verify', { headers: { authorization: `Bearer ${token}`, ...headers } });

  it('tells whose request it is, at once after a sign-out no more, for one round trip and no write', async () => {
    const { access_token, session } = await service.create({ user_id: USER, client_id: 'app' });
    Object.assign(service.database, { roundTrips: 0, rowsWritten: 0 });
    const response = await bearer(access_token);
    expect(identity(response)).toEqual({
      status: 200,
      user: USER,
      session: session.id,
      client: 'app',
    });
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(response.headers.get('authorization')).toBe(null);
    expect(await response.text()).toBe('');
    expect(service.database).toMatchObject({ roundTrips: 1, rowsWritten: 0 });
    await service.bearer('DELETE', '/v1/sessions/current', access_token);
    const refused = await bearer(access_token);
    expect(identity(refused)).toEqual({ status: 401, user: null, session: null, client: null });
    expect(refused.headers.get('www-authenticate')).toContain('error="invalid_token"');
  });

  it('of a guest: the user is empty, which replaces what a visitor may have sent', async () => {
    const { access_token, session } = await service.create();
    expect(identity(await bearer(access_token))).toMatchObject({
      status: 200,
      user: '',
      session: session.id,
    });
  });

  it.each(['', 'a.b.c', 'x'.repeat(20_000)])(
    'that is none (%.10s) is 401, and the cookies beside it do not count',
    async (token) => {
      const { status, headers } = await ask({ authorization: `Bearer ${token}` });
      expect(status).toBe(401);
      expect(headers.get('www-authenticate')).toMatch(/^Bearer error="invalid_token"/);
    },
  );

  it('is 503 when the database does not answer, so that nobody is signed out by that', async () => {
    const { access_token } = await service.create({ user_id: USER });
    await bearer(access_token);
    service.database.faults = Array(3).fill({ before: 'D1_ERROR: internal error' });
    const { status, headers } = await bearer(access_token);
    expect(status).toBe(503);
    expect(headers.get('retry-after')).not.toBe(null);
  });
});

describe('by cookies', () => {
  it('tells whose request it is, rotates nothing and sets no cookie, for one round trip and no write', async () => {
    const before = await readRow(sessionId);
    await ask();
    service.advance(3600);
    Object.assign(service.database, { roundTrips: 0, rowsWritten: 0 });
    const answers = await Promise.all(Array.from({ length: 10 }, () => ask()));
    for (const response of answers) {
      expect(identity(response)).toEqual({
        status: 200,
        user: USER,
        session: sessionId,
        client: WEB,
      });
      expect(response.headers.getSetCookie()).toEqual([]);
      expect(response.headers.get('authorization')).toBe(null);
    }
    expect(service.database).toMatchObject({ roundTrips: 10, rowsWritten: 0 });
    expect(await readRow(sessionId)).toEqual(before);
  });

  it('HEAD, any other method, and a path of the visitor in the query are answered alike', async () => {
    const own = { origin: ISSUER, 'sec-fetch-site': 'same-origin' };
    for (const method of ['HEAD', 'POST', 'PUT', 'DELETE'])
      expect((await ask(own, { method, path: '/verify?of=/cart/7?a=1&a=2' })).status).toBe(200);
  });

  it('no path behind it is answered, so that none a visitor may choose leads to another page', async () => {
    for (const path of ['/verify/cart/7', '/verify/cart/%2e%2e/%2e%2e/healthz%2f', '/verifyx'])
      expect((await ask({}, { path })).status).toBe(404);
    expect((await ask({}, { path: '/verify?of=/cart/%2e%2e/%2e%2e/healthz' })).status).toBe(200);
  });

  it('an access token comes along where it is asked for, by a gateway that may have it', async () => {
    service = await startWithGateway({}, ['browser_tokens']);
    const header = (await ask({ 'x-gateway-wants': 'access-token' })).headers.get('authorization');
    const [, token = ''] = /^Bearer (.+)$/.exec(header ?? '') ?? [];
    expect(decodeJwt(token)).toMatchObject({ sub: USER, sid: sessionId, client_id: WEB });
    expect((await service.bearer('GET', '/v1/sessions/current', token)).status).toBe(200);
    service = await startWithGateway();
    const refused = await ask({ 'x-gateway-wants': 'access-token' });
    expect(refused.status).toBe(403);
    expect(await refused.json()).toMatchObject({ code: 'client_not_allowed' });
  });

  it('is 401 without a session, and after it has ended, with the reason', async () => {
    expect(identity(await ask({ cookie: '' })).status).toBe(401);
    expect((await ask({ cookie: '__Host-session=x' })).status).toBe(401);
    await service.backend('DELETE', `/v1/users/${USER}/sessions`);
    const ended = await ask();
    expect(identity(ended)).toEqual({ status: 401, user: null, session: null, client: null });
    expect(ended.headers.get('www-authenticate')).toMatch(/^Cookie /);
    expect(await ended.json()).toMatchObject({ code: 'session_ended', reason: 'revoked' });
  });

  it('is 503 when the database does not answer', async () => {
    await ask();
    service.database.faults = Array(3).fill({ before: 'D1_ERROR: internal error' });
    expect((await ask()).status).toBe(503);
  });

  it('of a client that the gateway does not act for, the browser has no session', async () => {
    const other = await signIn(service, {
      client_id: OTHER_WEB,
      browser: { return_url: 'https://other.sessions.example' },
    });
    expect((await ask({ cookie: cookieOf(other.jar) })).status).toBe(401);
  });
});

describe('who asks by cookies', () => {
  it('has to say that it is a gateway; a page, or a stranger, hears nothing of the session', async () => {
    const none: Record<string, string> = {};
    for (const headers of [none, { authorization: basic(GATEWAY) }]) {
      const response = await service.request('/verify', {
        headers: { cookie: cookieOf(jar), ...headers },
      });
      expect(identity(response)).toEqual({ status: 401, user: null, session: null, client: null });
      expect(response.headers.get('www-authenticate')).toBe('Bearer');
    }
  });

  it.each([
    ['a wrong secret', basic({ ...GATEWAY, secret: 'wrong' })],
    ['an unknown client', basic({ ...GATEWAY, id: 'nobody' })],
    ['a public client', basic({ id: WEB, secret: '' })],
    ['a backend that may not', basic({ id: 'ssr', secret: 'ssr-secret-of-the-tests' })],
    ['a token', 'Bearer a.b.c'],
    ['rubbish', 'x'],
  ])('with %s is 403, never 401, which a gateway would tell the visitor', async (_, header) => {
    const { access_token } = await service.create({ user_id: USER });
    const none: Record<string, string> = {};
    for (const headers of [none, { authorization: `Bearer ${access_token}` }]) {
      const response = await ask({ 'x-gateway-authorization': header, ...headers });
      expect(response.status).toBe(403);
      expect(await response.json()).toMatchObject({ code: 'client_not_allowed' });
    }
  });
});

describe('requests that another site makes with the visitor’s cookies', () => {
  const CROSS = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' };
  const OTHER_APP = { origin: 'https://other.sessions.example', 'sec-fetch-site': 'same-site' };
  const APP = { origin: APP_ORIGIN, 'sec-fetch-site': 'same-site' };

  it.each([
    ['a link to a page', 200, { 'sec-fetch-site': 'cross-site', 'x-forwarded-method': 'GET' }],
    ['a form of another site', 403, { ...CROSS, 'x-forwarded-method': 'POST' }],
    ['a form of another site, by ingress-nginx', 403, { ...CROSS, 'x-original-method': 'POST' }],
    ['a page of another app of the site', 403, { ...OTHER_APP, 'x-forwarded-method': 'DELETE' }],
    [
      'a method that says two things',
      403,
      { ...CROSS, 'x-original-method': 'PUT', 'x-forwarded-method': 'GET' },
    ],
    ['a POST that names no origin', 403, { 'x-forwarded-method': 'POST' }],
    ['a WebSocket of another site', 403, { ...CROSS, 'sec-fetch-mode': 'websocket' }],
    ['a WebSocket of an older browser', 403, { origin: CROSS.origin, 'sec-websocket-key': 'x' }],
    ['a page of the client', 200, { ...APP, 'x-forwarded-method': 'POST' }],
    ['a WebSocket of the client', 200, { ...APP, 'sec-websocket-key': 'x' }],
    [
      'a page of this host',
      200,
      { origin: ISSUER, 'sec-fetch-site': 'same-origin', 'x-forwarded-method': 'POST' },
    ],
  ])('%s: %i', async (_, status, headers) => {
    service.database.roundTrips = 0;
    const response = await ask(headers as Record<string, string>);
    expect(response.status).toBe(status);
    if (status === 403) {
      expect(await response.json()).toMatchObject({ code: 'cross_site_request' });
      expect(service.database.roundTrips).toBe(0);
    }
  });

  it.each(Object.entries(passedOn(ISSUER, 'https://blog.sessions.example')))(
    'a form that the app’s service worker passes on, in %s',
    async (_, { own, neighbour, hiding }) => {
      const post = { 'x-forwarded-method': 'POST' };
      expect((await ask({ ...own, ...post })).status).toBe(200);
      for (const form of [neighbour, hiding]) {
        expect((await ask({ ...form, ...post })).status).toBe(403);
        // A gateway that hands no `Referer` on has none of them pass.
        const { referer: __, ...less } = form as Record<string, string>;
        expect((await ask({ ...less, ...post })).status).toBe(403);
      }
    },
  );

  it('a form of a page with `no-referrer`, which is of this host', async () => {
    const form = { origin: 'null', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
    const ofSite = (site: string) =>
      ask({ ...form, 'sec-fetch-site': site, 'x-forwarded-method': 'POST' });
    expect((await ofSite('same-origin')).status).toBe(200);
    for (const site of ['same-site', 'cross-site', 'none'])
      expect((await ofSite(site)).status).toBe(403);
  });

  it('a form of another site, by Envoy, which asks by the method itself', async () => {
    expect((await ask(CROSS, { method: 'POST', path: '/verify?of=/cart' })).status).toBe(403);
    expect((await ask(APP, { method: 'POST', path: '/verify?of=/cart' })).status).toBe(200);
  });
});

describe('what the gateway says of the visitor', () => {
  it('is weighed as at a refresh: a stolen cookie from elsewhere opens nothing under the policy revoke', async () => {
    service = await startWithGateway({ RISK_POLICY: 'revoke' });
    const headers = { 'cf-connecting-ip': '192.0.2.7', 'user-agent': BROWSER };
    const { browser } = (await service.create({
      client_id: WEB,
      user_id: USER,
      user_agent: BROWSER,
      ip_address: '192.0.2.7',
      browser: { return_url: RETURN_URL },
    })) as unknown as { browser: { start_url: string } };
    const started = await service.request(browser.start_url.slice(ISSUER.length), {
      headers: { ...headers, 'sec-fetch-site': 'none' },
    });
    jar = new Map(
      started.headers.getSetCookie().map((line) => {
        const [pair = ''] = line.split(';');
        return [pair.split('=')[0] ?? '', pair.slice(pair.indexOf('=') + 1)];
      }),
    );
    expect((await ask()).status).toBe(200);
    for (const address of ['', '192.0.2.7, 10.0.0.1', 'unknown', 'unix:']) {
      const silent = await ask({ 'x-gateway-visitor-address': address });
      expect(silent.status).toBe(400);
      expect(await silent.json()).toMatchObject({
        detail:
          'user_agent and ip_address of the visitor are needed where the risk policy is revoke',
      });
    }
    const thief = { 'x-gateway-visitor-address': '203.0.113.9', 'user-agent': 'curl/8.0' };
    expect((await ask(thief)).status).toBe(401);
    expect((await ask()).status).toBe(401);
  });

  it('may be no address that can be read: nothing is taken from it then', async () => {
    for (const address of ['192.0.2.7, 10.0.0.1', 'unknown', 'unix:', '']) {
      expect((await ask({ 'x-gateway-visitor-address': address })).status).toBe(200);
    }
  });
});

it('a backend that may exchange cookies is no gateway, and the reverse', async () => {
  const response = await service.request('/browser/token', {
    method: 'POST',
    headers: { cookie: cookieOf(jar), authorization: basic(GATEWAY) },
  });
  expect(response.status).toBe(403);
  expect((await ask({ 'x-gateway-authorization': basic(BACKEND) })).status).toBe(200);
});
