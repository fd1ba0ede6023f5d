/**
 * docs/arrangements.md, apps with tokens: the app at https://app.elsewhere.test
 * (examples/other-site) is on another site than the service at https://auth.example.test and the
 * API at api. (examples/resource-server), in Chromium.
 */
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { bundleModule } from '../../../scripts/bundle-client.ts';
import { launchChromium } from './chromium.ts';
import { type ExampleWorkers, startExampleWorkers } from './example-workers.ts';
import { pressAndRead } from './press.ts';
import { type Front, startFront } from './tls-front.ts';

const APP = 'https://app.elsewhere.test';
const AUTH = 'https://auth.example.test';
const API = 'https://api.example.test';
const STRANGER = 'https://stranger.test';

let workers: ExampleWorkers;
let front: Front;
let chromium: Browser;
let context: BrowserContext;
let page: Page;

beforeAll(async () => {
  workers = await startExampleWorkers(
    {
      clients: [{ client_id: 'app', origins: [APP] }],
      ISSUER: AUTH,
      AUDIENCE: API,
      // Each refresh gives another token, so that its answer can be seen to be used.
      REFRESH_GRACE_SECONDS: '0',
    },
    {
      'other-site': { ORIGIN: APP, ISSUER: AUTH, API },
      'resource-server': { ISSUER: AUTH, AUDIENCE: API, APP_ORIGINS: APP },
    },
  );
  const targets: Record<string, URL> = {
    [APP]: await workers.url('other-site'),
    [AUTH]: await workers.url('my-sessions'),
    [API]: await workers.url('resource-server'),
  };
  const script = await bundleModule('examples/other-site/src/page.ts');
  front = await startFront((host, path) =>
    path === '/page.js'
      ? { type: 'text/javascript', body: script }
      : (targets[`https://${host}`] ?? { type: 'text/html', body: '<title>other</title>' }),
  );
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
  front.requests.length = 0;
});
afterEach(() => context.close());

async function signIn(): Promise<void> {
  await page.click('#sign-in');
  await page.waitForSelector('#state:text-is("active")');
}

const asked = (url: string) =>
  front.requests.filter((request) => request.url === url && request.method !== 'OPTIONS');
const load = () => pressAndRead(page, 'load');

describe('an app on another site, with tokens', () => {
  it('five calls to the API succeed without a refresh and without a cookie', async () => {
    await signIn();
    for (let call = 0; call < 5; call += 1)
      expect(await load()).toMatch(/^200 \{"user":"[0-9a-f-]{36}"/);
    expect(asked(`${AUTH}/oauth/token`)).toHaveLength(0);
    for (const { headers } of asked(`${API}/me`)) {
      expect(headers.authorization).toMatch(/^Bearer eyJ/);
      expect(headers.cookie).toBe(undefined);
    }
    expect(await context.cookies()).toEqual([]);
  });

  it('goes on by a refresh of its own, across sites, where the API refuses the token once', async () => {
    await signIn();
    let refusals = 0;
    await page.route(`${API}/me`, (route) => {
      if (route.request().method() === 'OPTIONS' || refusals > 0) return route.continue();
      refusals += 1;
      const headers = { 'access-control-allow-origin': APP };
      return route.fulfill({ status: 401, headers, body: '' });
    });
    expect(await load()).toMatch(/^200/);
    expect(refusals).toBe(1);
    const refreshes = asked(`${AUTH}/oauth/token`);
    expect(refreshes).toHaveLength(1);
    expect(refreshes[0]?.headers.origin).toBe(APP);
    expect(refreshes[0]?.headers['sec-fetch-site']).toBe('cross-site');
    expect(await page.textContent('#state')).toBe('active');
  });

  it('keeps the tokens in memory alone: nothing is stored, and a reload signs out', async () => {
    await signIn();
    const kept = await page.evaluate(
      `JSON.stringify([localStorage, sessionStorage, document.cookie])`,
    );
    expect(kept).not.toMatch(/eyJ|v2\./);
    await page.reload();
    expect(await load()).toMatch(/^401/);
  });

  it('signed out, the API is closed to its tokens, wherever they went', async () => {
    await signIn();
    await load();
    const { authorization = '' } = asked(`${API}/me`)[0]?.headers ?? {};
    await page.click('#sign-out');
    await page.waitForSelector('#state:text-is("signed_out")');
    expect(await load()).toMatch(/^401/);
    const target = new URL('/me', await workers.url('resource-server'));
    await expect
      .poll(async () => (await fetch(target, { headers: { authorization } })).status)
      .toBe(401);
  });

  it('a page of a stranger reads no answer of the service, of the API or of the app', async () => {
    await page.goto(STRANGER);
    const read = (url: string, method: string) =>
      page.evaluate(
        `fetch('${url}', { method: '${method}', headers: { Authorization: 'Bearer x' } }).then(() => 'read', () => 'unreadable')`,
      );
    expect(await read(`${AUTH}/oauth/token`, 'POST')).toBe('unreadable');
    expect(await read(`${API}/me`, 'GET')).toBe('unreadable');
    expect(await read(`${APP}/sign-in`, 'POST')).toBe('unreadable');
    expect(asked(`${APP}/sign-in`)).toHaveLength(0);
  });
});
