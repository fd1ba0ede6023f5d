/**
 * docs/arrangements.md, hosts of their own: the app at https://app.example.test
 * (examples/own-host), the service at auth., the API at api. (examples/resource-server), in
 * Chromium.
 */
import { decodeJwt } from 'jose';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { bundleClient, bundleModule } from '../../../scripts/bundle-client.ts';
import { launchChromium } from './chromium.ts';
import { type ExampleWorkers, startExampleWorkers } from './example-workers.ts';
import { pressAndRead } from './press.ts';
import { type Front, startFront } from './tls-front.ts';

const APP = 'https://app.example.test';
const AUTH = 'https://auth.example.test';
const API = 'https://api.example.test';
const WWW = 'https://www.example.test';
const OTHER_API = 'https://stock.example.test';
const NEIGHBOUR = 'https://blog.example.test';
const ELSEWHERE = 'https://elsewhere.test';

let workers: ExampleWorkers;
let front: Front;
let chromium: Browser;
let context: BrowserContext;
let page: Page;

beforeAll(async () => {
  const returnUrls = [`${APP}/`, `${WWW}/`];
  const web = { client_id: 'web', access_token: 'memory', origins: [APP], return_urls: returnUrls };
  const elsewhere = { client_id: 'elsewhere', access_token: 'memory', origins: [ELSEWHERE] };
  const app = { client_id: 'app', origins: [ELSEWHERE] };
  workers = await startExampleWorkers(
    { clients: [web, elsewhere, app], ISSUER: AUTH, AUDIENCE: JSON.stringify([API, OTHER_API]) },
    {
      'own-host': { ORIGIN: APP, ISSUER: AUTH, API },
      'resource-server': { ISSUER: AUTH, AUDIENCE: API, APP_ORIGINS: APP },
    },
  );
  const targets: Record<string, URL> = {
    [APP]: await workers.url('own-host'),
    [AUTH]: await workers.url('my-sessions'),
    [API]: await workers.url('resource-server'),
  };
  const scripts: Record<string, string> = {
    '/page.js': await bundleModule('examples/own-host/src/page.ts'),
    '/client.js': await bundleClient(),
    '/audience.js': await bundleModule('src/client/browser/audience.ts'),
  };
  front = await startFront((host, path) => {
    const script = scripts[path];
    if (script !== undefined) return { type: 'text/javascript', body: script };
    if (path === '/moved')
      return { type: 'text/html', body: '', status: 301, headers: { location: `${WWW}/home` } };
    return targets[`https://${host}`] ?? { type: 'text/html', body: '<title>other</title>' };
  });
  chromium = await launchChromium(front.args);
});
afterAll(async () => {
  await chromium?.close();
  await front?.stop();
  await workers?.stop();
});

beforeEach(async () => {
  context = await chromium.newContext();
  page = await context.newPage();
  await page.goto(APP);
});
afterEach(() => context.close());

/** It ends at the URL at which it begins, so what the page says is what tells that it is over. */
async function signIn(): Promise<void> {
  await page.click('text="Sign in"');
  await page.waitForSelector('#state:text-is("active")');
}

const asked = (url: string) =>
  front.requests.filter((request) => request.url === url && request.method !== 'OPTIONS');
const load = () => pressAndRead(page, 'load');

/** What a script that got into the page can ask the service for. */
const steal = () =>
  page.evaluate(`fetch('${AUTH}/browser/refresh', {
    method: 'POST', credentials: 'include', headers: { 'content-type': 'application/json' },
  }).then(async (response) => [response.status, await response.text()], () => ['unreadable', ''])`) as Promise<
    [number | string, string]
  >;

/** The API for whoever brings a token, from anywhere. */
async function askApi(token: string): Promise<number> {
  const target = await workers.url('resource-server');
  return (await fetch(new URL('/me', target), { headers: { authorization: `Bearer ${token}` } }))
    .status;
}

describe('hosts of their own', () => {
  it('five calls to the API succeed with one refresh, as Bearer and without a cookie', async () => {
    await signIn();
    front.requests.length = 0;
    await page.reload();
    for (let call = 0; call < 5; call += 1)
      expect(await load()).toMatch(/^200 \{"user":"[0-9a-f-]{36}"/);
    expect(asked(`${AUTH}/browser/refresh`)).toHaveLength(1);
    const calls = asked(`${API}/me`);
    expect(calls).toHaveLength(5);
    for (const { headers } of calls) {
      expect(headers.authorization).toMatch(/^Bearer eyJ/);
      expect(headers.cookie).toBe(undefined);
    }
    expect(await page.textContent('#state')).toBe('active');
  });

  it('an API can be sent a token for itself alone, beside the session’s own', async () => {
    await signIn();
    const [status, forApi, forBoth] = (await page.evaluate(`Promise.all([
      import('/client.js'), import('/audience.js'),
    ]).then(async ([{ createSessionClient }, { withAudience }]) => {
      const session = createSessionClient({ mode: 'memory', baseUrl: '${AUTH}', resources: ['${API}'] });
      const api = withAudience(session, '${API}');
      const { status } = await api.fetch('${API}/me');
      return [status, await api.getAccessToken(), await session.getAccessToken()];
    })`)) as [number, string, string];
    expect(status).toBe(200);
    expect(decodeJwt(forApi).aud).toBe(API);
    expect(decodeJwt(forBoth).aud).toEqual([API, OTHER_API]);
    expect(asked(`${API}/me`).at(-1)?.headers.authorization).toBe(`Bearer ${forApi}`);
  });

  it('the browser has one cookie, which goes to the service alone: the server of the app has none', async () => {
    await signIn();
    const cookies = await context.cookies();
    expect(cookies.map(({ name, domain, httpOnly }) => [name, domain, httpOnly])).toEqual([
      ['__Host-session', 'auth.example.test', true],
    ]);
    await page.reload();
    for (const { url, headers } of front.requests)
      if (url.startsWith(APP)) expect(headers.cookie).toBe(undefined);
  });

  it('whoever is asked goes on to the return URL, and on to where that leads', async () => {
    const created = await fetch(new URL('/v1/sessions', await workers.url('my-sessions')), {
      method: 'POST',
      headers: { authorization: workers.authorization, 'content-type': 'application/json' },
      body: JSON.stringify({ client_id: 'web', browser: { return_url: `${APP}/moved` } }),
    });
    const { browser } = (await created.json()) as { browser: { start_url: string } };
    await page.goto(ELSEWHERE);
    await page.evaluate(
      (url) => void Object.assign(globalThis, { location: url }),
      browser.start_url,
    );
    await page.getByRole('heading', { name: 'Continue signing in?' }).waitFor();
    await page.click('button');
    await page.waitForURL(`${WWW}/home`);
  });

  it('signed out, the API is closed and the cookie gone', async () => {
    await signIn();
    await page.click('#sign-out');
    await page.waitForSelector('#state:text-is("signed_out")');
    expect(await load()).toMatch(/^401/);
    expect(await context.cookies()).toEqual([]);
  });

  it('a script in the page gets an access token that is good elsewhere, and never the refresh token', async () => {
    await signIn();
    await load();
    const kept = await page.evaluate(
      `JSON.stringify([localStorage, sessionStorage, document.cookie])`,
    );
    expect(kept).not.toMatch(/eyJ|v2\./);
    const [status, text] = await steal();
    expect(status).toBe(200);
    expect(text).not.toContain('v2.');
    const { access_token: token, expires_in: life } = JSON.parse(text);
    expect(life).toBeLessThanOrEqual(300);
    expect(await askApi(token)).toBe(200);
    // Once the person has signed out there is no more to be had.
    await page.click('#sign-out');
    await page.waitForSelector('#state:text-is("signed_out")');
    expect((await steal())[0]).toBe(401);
  });

  it.each([
    ['another site', ELSEWHERE],
    ['a neighbouring host', NEIGHBOUR],
  ])('%s gets no token, and ends nothing', async (_, origin) => {
    await signIn();
    await page.goto(origin);
    const [status, text] = await steal();
    // A page of a client of its own is told why; nobody else reads an answer.
    if (origin === NEIGHBOUR) expect(status).toBe('unreadable');
    else expect([status, JSON.parse(text).code]).toEqual([403, 'third_party_cookies_blocked']);
    for (const path of ['/browser/sign-out', '/browser/sign-out-everywhere'])
      await page.evaluate(
        `fetch('${AUTH}${path}', { method: 'POST', credentials: 'include', mode: 'no-cors' }).catch(() => {})`,
      );
    await page.goto(APP);
    expect(await load()).toMatch(/^200/);
  });
});

describe('a page on another site', () => {
  beforeEach(() => page.goto(ELSEWHERE));

  it('is told why it has no session in the mode memory', async () => {
    const said = await page.evaluate(`import('/client.js').then(async ({ createSessionClient }) => {
      const session = createSessionClient({ mode: 'memory', baseUrl: '${AUTH}' });
      const code = await session.refresh().catch((error) => error.code);
      return [code, session.session];
    })`);
    expect(said).toEqual(['third_party_cookies_blocked', 'unknown']);
  });

  it('works in the mode token: five calls to the service succeed with no refresh', async () => {
    const created = await fetch(new URL('/v1/sessions', await workers.url('my-sessions')), {
      method: 'POST',
      headers: { authorization: workers.authorization, 'content-type': 'application/json' },
      body: JSON.stringify({ client_id: 'app' }),
    });
    expect(created.status).toBe(201);
    front.requests.length = 0;
    const outcomes = await page.evaluate(`import('/client.js').then(async (client) => {
      const session = client.createSessionClient({
        mode: 'token', clientId: 'app', baseUrl: '${AUTH}', resources: ['${AUTH}'],
      });
      await session.start(${await created.text()});
      const statuses = [];
      for (let call = 0; call < 5; call += 1)
        statuses.push((await session.fetch('${AUTH}/v1/sessions/current')).status);
      return [statuses, document.cookie, JSON.stringify(localStorage).includes('eyJ')];
    })`);
    expect(outcomes).toEqual([Array(5).fill(200), '', false]);
    expect(asked(`${AUTH}/oauth/token`)).toHaveLength(0);
    expect(await context.cookies()).toEqual([]);
  });
});
