/**
 * Taking the access token from the service's cookie, as an app does that has the service mounted
 * under its own host: who may change something with it, and what a page that is rendered learns.
 */
import { env } from 'cloudflare:test';
import { Hono } from 'hono';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { VerifierOptions } from '../../src/client/verify';
import { cookiesNamed } from '../../src/client/verify/cookie-header';
import { requireAccessToken, type VerifiedEnv } from '../../src/client/verify/middleware';
import { basic, startService, type TestService } from '../fixtures';
import { type Jar, readSetCookies, SSR, startWithBrowsers } from '../http/browser/browser';
import { passedOn } from '../http/browser/passed-on-forms';
import { USER } from '../people';
import { verifierOf } from './verifier';

const APP = 'https://app.example';
const MOUNTED = `${APP}/auth`;

beforeEach(async () => {
  await env.DB.exec('DELETE FROM user_sessions; DELETE FROM users; DELETE FROM outdated_tokens');
  for (const level of ['log', 'warn', 'error'] as const)
    vi.spyOn(console, level).mockImplementation(() => {});
  return () => vi.restoreAllMocks();
});

const verifierFor = (service: TestService, options: Partial<VerifierOptions> = {}) =>
  verifierOf(service, { issuer: MOUNTED, cookie: true, ...options });

/** The cookies of a browser that has signed in at the app's own host. */
async function signIn(service: TestService, body: Record<string, unknown> = { user_id: USER }) {
  const created = await service.app.request(`${MOUNTED}/v1/sessions`, {
    method: 'POST',
    headers: { authorization: basic(SSR), 'content-type': 'application/json' },
    body: JSON.stringify({ ...body, browser: { return_url: 'https://ssr.example/' } }),
  });
  const { session, browser } = (await created.json()) as {
    session: { id: string };
    browser: { start_url: string };
  };
  const started = await service.app.request(browser.start_url, {
    headers: { 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'navigate' },
  });
  const jar: Jar = new Map(readSetCookies(started).map(({ name, value }) => [name, value]));
  return { jar, session };
}

const cookieOf = (jar: Jar) => [...jar].map(([name, value]) => `${name}=${value}`).join('; ');

async function start(options: Partial<VerifierOptions> = {}) {
  const service = await startWithBrowsers({ ISSUER: MOUNTED });
  const verifier = verifierFor(service, options);
  const { jar, session } = await signIn(service);
  return { service, verifier, jar, session, cookie: cookieOf(jar) };
}

describe('the middleware with `cookie: true`', () => {
  /** A form that the app's service worker passes on, as each engine was seen to send it. */
  const PASSED_ON = passedOn(APP, 'https://blog.app.example');

  async function ask(
    method: string,
    headers: Record<string, string>,
    options: Partial<VerifierOptions> = {},
  ) {
    const { verifier, cookie } = await start(options);
    const api = new Hono<VerifiedEnv>();
    api.use(requireAccessToken(verifier));
    api.all('/', (c) => c.text(c.get('accessToken').sub));
    const all = { cookie, ...headers };
    return api.request(`${APP}/`, { method, headers: all });
  }

  const OWN = { 'sec-fetch-site': 'same-origin', origin: APP };
  const FORM = { ...OWN, 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };

  type Case = [string, string, Record<string, string>, number];

  it.each<Case>([
    ['GET of the own page', 'GET', OWN, 200],
    ['GET by a link of another site', 'GET', { 'sec-fetch-site': 'cross-site' }, 200],
    ['GET without any metadata', 'GET', {}, 200],
    ['HEAD of a neighbour', 'HEAD', { 'sec-fetch-site': 'same-site' }, 200],
    ['POST of the own page', 'POST', OWN, 200],
    ['DELETE of the own page', 'DELETE', OWN, 200],
    ['POST that the person repeats', 'POST', { 'sec-fetch-site': 'none' }, 200],
    ['POST of an older browser, by Origin', 'POST', { origin: APP }, 200],
    [
      'POST of another site',
      'POST',
      { 'sec-fetch-site': 'cross-site', origin: 'https://x.y' },
      403,
    ],
    ['POST of a neighbour', 'POST', { 'sec-fetch-site': 'same-site', origin: `${APP}.y` }, 403],
    ['POST whose Origin says otherwise', 'POST', { ...OWN, origin: 'https://x.y' }, 403],
    ['POST of a sandboxed frame', 'POST', { ...OWN, origin: 'null' }, 403],
    ['POST of an older browser elsewhere', 'POST', { origin: 'https://api.app.example' }, 403],
    ['POST of nobody knows whom', 'POST', {}, 403],
    ['PATCH of another site', 'PATCH', { 'sec-fetch-site': 'cross-site' }, 403],
    ['OPTIONS with a cookie', 'OPTIONS', { 'sec-fetch-site': 'cross-site' }, 403],
    ['WebSocket of the own page', 'GET', { ...OWN, upgrade: 'websocket' }, 200],
    [
      'WebSocket of a neighbour',
      'GET',
      { 'sec-fetch-site': 'same-site', upgrade: 'websocket' },
      403,
    ],
    ['a made-up value', 'POST', { 'sec-fetch-site': 'same-origin, none' }, 403],
    ['POST by a form of an own page with `no-referrer`', 'POST', { ...FORM, origin: 'null' }, 200],
    [
      'POST by a form of a neighbour with `no-referrer`',
      'POST',
      { ...FORM, 'sec-fetch-site': 'same-site', origin: 'null' },
      403,
    ],
    ...Object.entries(PASSED_ON).flatMap(([engine, form]): Case[] => [
      [`POST of the own page, by a service worker (${engine})`, 'POST', form.own, 200],
      [`POST of a neighbour, by a service worker (${engine})`, 'POST', form.neighbour, 403],
      [`the same with \`no-referrer\` (${engine})`, 'POST', form.hiding, 403],
    ]),
  ])('%s: %s %o is %i', async (_, method, headers, status) => {
    const response = await ask(method, headers);
    expect(response.status).toBe(status);
    if (status === 403) expect(response.headers.get('cache-control')).toBe('no-store');
  });

  it('of several accounts the current one’s cookie counts', async () => {
    const { verifier, jar } = await start();
    const token = jar.get('__Host-access');
    const head = (cookie: string) => ({ method: 'GET', headers: new Headers({ cookie }) });
    const verdictOf = async (cookie: string) => {
      const verdict = await verifier.verifyRequest(head(cookie));
      return verdict.ok ? verdict.claims.sub : verdict.error;
    };
    expect(await verdictOf(`__Host-access=x; __Host-access-2=${token}; __Host-account=2`)).toBe(
      USER,
    );
    expect(await verdictOf(`__Host-access=${token}; __Host-access-2=x`)).toBe(USER);
    expect(await verdictOf(`__Host-access=${token}; __Host-account=2`)).toBe('no_token');
    // What is no index names the first; of two nobody knows which is planted.
    for (const said of ['', '0', '5', '01', '1x', '-1'])
      expect(await verdictOf(`__Host-access=${token}; __Host-account=${said}`)).toBe(USER);
    const two = `__Host-access=${token}; __Host-account=0; __Host-account=2`;
    expect(await verdictOf(two)).toBe('invalid_request');
    expect(await verdictOf(`__Host-access=${token}; __Host-session-2=x`)).toBe('invalid_request');
    const page = await verifier.getSession(head('__Host-session-2=x; __Host-account=2'));
    expect(page.state).toBe('unknown');
    expect((await verifier.getSession(head('__Host-session=x; __Host-account=2'))).state).toBe(
      'signed_out',
    );
  });

  it('without the option no cookie is read', async () => {
    const response = await ask('GET', OWN, { cookie: false });
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toBe('Bearer');
  });

  it('two access cookies are 400: one of them may be planted, and neither is chosen', async () => {
    const { cookie } = await start();
    for (const two of [`${cookie}; __Host-access=planted`, `__Host-access=planted; ${cookie}`]) {
      const response = await ask('GET', { cookie: two });
      expect(response.status).toBe(400);
      expect(response.headers.get('www-authenticate')).toContain('error="invalid_request"');
    }
  });

  it('a token in the header is judged alone: no good cookie helps a bad one', async () => {
    expect((await ask('GET', { ...OWN, authorization: 'Bearer a.b.c' })).status).toBe(401);
    expect((await ask('GET', { ...OWN, authorization: 'Bearer' })).status).toBe(401);
    expect((await ask('GET', { ...OWN, authorization: 'Basic eDp5' })).status).toBe(200);
  });

  it('a good token in the header needs no origin', async () => {
    const { service, verifier } = await start();
    const api = new Hono<VerifiedEnv>().use(requireAccessToken(verifier));
    api.post('/', (c) => c.text('done'));
    const { jar } = await signIn(service);
    const headers = {
      authorization: `Bearer ${jar.get('__Host-access')}`,
      'sec-fetch-site': 'cross-site',
      origin: 'https://elsewhere.example',
    };
    expect((await api.request('/', { method: 'POST', headers })).status).toBe(200);
  });

  it.each([
    ['none', ''],
    ['an empty one', '__Host-access='],
    ['rubbish', '__Host-access=a.b.c'],
    ['of another spelling', '__host-access=a'],
    ['a longer name', '__Host-access2=a; x__Host-access=b'],
  ])('%s is 401', async (_, cookie) => {
    expect((await ask('GET', { cookie })).status).toBe(401);
  });

  it('a session that was ended is refused within the poll', async () => {
    const { service, verifier, cookie, session } = await start({ revocations: {} });
    const head = { method: 'GET', headers: new Headers({ cookie }) };
    expect(await verifier.verifyRequest(head)).toMatchObject({ ok: true });
    await service.app.request(`${MOUNTED}/browser/sign-out`, {
      method: 'POST',
      headers: { cookie, ...OWN, 'content-type': 'application/json' },
    });
    service.advance(15);
    expect(await verifier.verifyRequest(head)).toMatchObject({ error: 'invalid_token' });
    expect(session.id).toBeDefined();
  });
});

describe('a Cookie header', () => {
  it.each(['\u2000', '\u00a0', '\u3000', '\ufeff', '\u000b', '\u000c', '\u0085'])(
    'a name that begins with the white space %j is another name: any host can set it',
    (space) => {
      expect(cookiesNamed(`a=b; ${space}__Host-access=planted`, '__Host-access')).toEqual([]);
      expect(cookiesNamed(`${space}__Host-access=x;__Host-access=y`, '__Host-access')).toEqual([
        'y',
      ]);
    },
  );

  it('holds pairs with spaces or tabs around them, and values with any sign but a semicolon', () => {
    expect(cookiesNamed(' \ta=1\t ;  a=x=y=; b=a=3;a=', 'a')).toEqual(['1', 'x=y=', '']);
    expect(cookiesNamed(null, 'a')).toEqual([]);
  });
});

describe('getSession', () => {
  const NONE = { state: 'signed_out', userId: null, claims: null };
  const UNKNOWN = { ...NONE, state: 'unknown' };
  const get = (headers: Record<string, string>) => new Request(`${APP}/`, { headers });

  it('tells whose page it is, for no request but the keys, and rotates nothing', async () => {
    const { service, verifier, cookie, session } = await start();
    const { getSession } = verifier;
    service.database.rowsWritten = 0;
    const found = await Promise.all(Array.from({ length: 20 }, () => getSession(get({ cookie }))));
    for (const one of found)
      expect(one).toMatchObject({ state: 'active', userId: USER, claims: { sid: session.id } });
    expect(service.database.rowsWritten).toBe(0);
  });

  it('takes what has headers and a method, as a server component has them', async () => {
    const { verifier, cookie } = await start();
    const headers = new Headers({ cookie });
    expect(await verifier.getSession({ method: 'GET', headers })).toMatchObject({ userId: USER });
  });

  it('takes a request of Node, whose headers are an object, by the same rules', async () => {
    const { verifier, jar, cookie } = await start();
    const stateOf = async (
      method: string | undefined,
      headers: Record<string, string | string[]>,
    ) => (await verifier.getSession({ method, headers })).state;
    expect(await stateOf('GET', { cookie })).toBe('active');
    // As some servers have a header that came in several parts.
    expect(await stateOf('GET', { cookie: cookie.split('; ') })).toBe('active');
    expect(await stateOf('GET', { cookie: `__Host-session=${jar.get('__Host-session')}` })).toBe(
      'unknown',
    );
    expect(await stateOf('GET', {})).toBe('signed_out');
    expect(await stateOf('POST', { cookie })).toBe('signed_out');
    expect(await stateOf(undefined, { cookie })).toBe('signed_out');
    expect(await stateOf('POST', { cookie, origin: APP })).toBe('active');
    expect(await stateOf('GET', { cookie, upgrade: 'websocket' })).toBe('signed_out');
    const bearer = { authorization: `Bearer ${jar.get('__Host-access')}` };
    expect(await verifier.verifyRequest({ method: 'POST', headers: bearer })).toMatchObject({
      ok: true,
    });
  });

  it('has no user for a guest', async () => {
    const { service, verifier } = await start();
    const { jar, session } = await signIn(service, {});
    expect(await verifier.getSession(get({ cookie: cookieOf(jar) }))).toMatchObject({
      state: 'active',
      userId: null,
      claims: { sub: session.id, guest: true },
    });
  });

  it('without cookies is signed out', async () => {
    const { verifier } = await start();
    expect(await verifier.getSession(get({}))).toEqual(NONE);
    expect(await verifier.getSession(get({ cookie: 'theme=dark' }))).toEqual(NONE);
  });

  it('once the access token has gone the session is unknown, not over', async () => {
    const { service, verifier, jar, cookie } = await start();
    const left = `__Host-session=${jar.get('__Host-session')}`;
    expect(await verifier.getSession(get({ cookie: left }))).toEqual(UNKNOWN);
    service.advance(400);
    expect(await verifier.getSession(get({ cookie }))).toEqual(UNKNOWN);
  });

  it('while the keys cannot be read the session is unknown', async () => {
    const { service, cookie } = await start();
    const verifier = verifierFor(service, { fetch: async () => new Response('', { status: 500 }) });
    expect(await verifier.getSession(get({ cookie }))).toEqual(UNKNOWN);
  });

  it('a form of another site finds nobody, and a link finds the person', async () => {
    const { verifier, cookie } = await start();
    const headers = { cookie, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' };
    const post = new Request(`${APP}/`, { method: 'POST', headers });
    expect(await verifier.getSession(post)).toEqual(NONE);
    expect(await verifier.getSession(get(headers))).toMatchObject({ state: 'active' });
  });

  it('two access cookies find nobody', async () => {
    const { verifier, cookie } = await start();
    expect(await verifier.getSession(get({ cookie: `${cookie}; __Host-access=a` }))).toEqual(NONE);
  });

  it('needs the option `cookie`', async () => {
    const service = await startService();
    const { getSession } = verifierFor(service, { cookie: false });
    await expect(getSession(get({}))).rejects.toThrow(TypeError);
  });
});
