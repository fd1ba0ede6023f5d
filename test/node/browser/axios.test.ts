/**
 * docs/axios.md: both ways, with axios itself in Chromium, the pages at https://app.example.com,
 * the service at auth., the API at api. (examples/resource-server).
 */
import { randomUUID } from 'node:crypto';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readSnippets } from '../snippets.ts';
import { launchChromium } from './chromium.ts';
import { bundleDocumented } from './documented.ts';
import { type ExampleWorkers, startExampleWorkers } from './example-workers.ts';
import { type Front, startFront } from './tls-front.ts';

const APP = 'https://app.example.com';
const AUTH = 'https://auth.example.com';
const API = 'https://api.example.com';
const ELSEWHERE = 'https://elsewhere.example';

/** What the page has of the documented code, and what that has of it. */
declare const window: {
  api: {
    get(url: string): Promise<{ status: number; data: unknown }>;
    post(url: string): Promise<{ status: number }>;
  };
  signInAgain(challenge: string): Promise<boolean>;
  /** How often a script of the page has been answered 401. */
  refusals: number;
};

let workers: ExampleWorkers;
let front: Front;
let chromium: Browser;
let context: BrowserContext;
let page: Page;
/** What the person is asked with, and what they do. */
let challenges: string[];
let answer: () => Promise<boolean>;

const ways = readSnippets('docs/axios.md').filter(({ language }) => language === 'ts');

beforeAll(async () => {
  const returnUrls = [`${APP}/`];
  const web = { client_id: 'web', access_token: 'memory', origins: [APP], return_urls: returnUrls };
  workers = await startExampleWorkers(
    { clients: [web], ISSUER: AUTH, AUDIENCE: API },
    { 'resource-server': { ISSUER: AUTH, AUDIENCE: API, APP_ORIGINS: APP } },
  );
  const targets: Record<string, URL> = {
    [AUTH]: await workers.url('my-sessions'),
    [API]: await workers.url('resource-server'),
  };
  const scripts = await Promise.all(
    ways.map(({ text }) =>
      bundleDocumented(text, `import { api } from './app'; window.api = api;`),
    ),
  );
  front = await startFront((host, path) => {
    const target = targets[`https://${host}`];
    if (target) return target;
    const [, way] = /^\/(\d)\.js$/.exec(path) ?? [];
    if (way !== undefined) return { type: 'text/javascript', body: scripts[Number(way)] ?? '' };
    return { type: 'text/html', body: '<!doctype html><title>My app</title>' };
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
  challenges = [];
  answer = async () => false;
  await page.exposeFunction('signInAgain', (challenge: string) => {
    challenges.push(challenge);
    return answer();
  });
});
afterEach(() => context.close());

const userId = randomUUID();

/** Signs the person in, in a tab, as if so many seconds ago. */
async function signIn(tab: Page, secondsAgo = 0): Promise<void> {
  const created = await fetch(new URL('/v1/sessions', await workers.url('my-sessions')), {
    method: 'POST',
    headers: { authorization: workers.authorization, 'content-type': 'application/json' },
    body: JSON.stringify({
      user_id: userId,
      client_id: 'web',
      auth_time: Math.floor(Date.now() / 1000) - secondsAgo,
      browser: { return_url: `${APP}/` },
    }),
  });
  const { browser } = (await created.json()) as { browser: { start_url: string } };
  await tab.goto(`${APP}/sign-in`);
  await tab.evaluate((url) => void Object.assign(globalThis, { location: url }), browser.start_url);
  await tab.waitForURL(`${APP}/`);
}

/** What a person does who is asked, in a window of its own. */
async function signInBeside(): Promise<boolean> {
  const popup = await context.newPage();
  await signIn(popup);
  await popup.close();
  return true;
}

/** The app with one of the two ways, once its client knows of the session. */
async function load(way: number): Promise<void> {
  front.requests.length = 0;
  await page.addScriptTag({ type: 'module', url: `/${way}.js` });
  await page.waitForFunction(() => window.api !== undefined);
}

/** The statuses of calls, of the axios error where it is one. */
const call = (method: 'get' | 'post', path: string, times = 1) =>
  page.evaluate(
    async ([how, url, count]) => {
      const statuses: unknown[] = [];
      for (let made = 0; made < count; made += 1)
        statuses.push(
          await window.api[how](url).then(
            ({ status }) => status,
            (error) => error.response?.status ?? `${error}`,
          ),
        );
      return statuses;
    },
    [method, path, times] as const,
  );

const asked = (url: string) =>
  front.requests.filter((request) => request.url === url && request.method !== 'OPTIONS');
const refreshes = () => asked(`${AUTH}/browser/refresh`).length;

/**
 * Has the API refuse, the first so many times, or always. The first so many are refused together.
 */
async function refuse(times = Number.POSITIVE_INFINITY): Promise<void> {
  let left = times;
  const { promise: haveCome, resolve: come } = Promise.withResolvers<void>();
  if (!Number.isFinite(times)) come();
  await page.route(`${API}/me`, async (route) => {
    if (route.request().method() === 'OPTIONS' || left <= 0) return route.continue();
    left -= 1;
    if (left === 0) come();
    await haveCome;
    return route.fulfill({ status: 401, headers: { 'access-control-allow-origin': APP } });
  });
}

/** Has the page count, before its scripts come, each 401 that one of them is about to hear of. */
const countRefusals = () =>
  page.evaluate(`{
    window.refusals = 0;
    const { fetch } = window;
    const { send } = XMLHttpRequest.prototype;
    const count = (status) => { if (status === 401) window.refusals += 1; };
    window.fetch = async (...args) => {
      const response = await fetch(...args);
      count(response.status);
      return response;
    };
    XMLHttpRequest.prototype.send = function (body) {
      this.addEventListener('load', () => count(this.status));
      send.call(this, body);
    };
  }`);

describe.each([
  ['the client’s fetch', 0],
  ['interceptors', 1],
])('axios by %s', (_, way) => {
  it('sends the token as Bearer to the API, and to nobody else', async () => {
    await signIn(page);
    await load(way);
    expect(await call('get', '/me', 3)).toEqual([200, 200, 200]);
    for (const { headers } of asked(`${API}/me`)) {
      expect(headers.authorization).toMatch(/^Bearer eyJ/);
      expect(headers.cookie).toBe(undefined);
    }
    expect(refreshes()).toBe(1);
    await call('get', `${ELSEWHERE}/me`);
    const [sent] = asked(`${ELSEWHERE}/me`);
    expect(sent).toBeDefined();
    expect(sent?.headers.authorization).toBe(undefined);
  });

  it('refreshes once after a 401, for all calls that had it, and sends them again', async () => {
    await signIn(page);
    await load(way);
    await call('get', '/me');
    await refuse(3);
    const statuses = await page.evaluate(() =>
      Promise.all([1, 2, 3].map(async () => (await window.api.get('/me')).status)),
    );
    expect(statuses).toEqual([200, 200, 200]);
    expect(refreshes()).toBe(2);
  });

  it('an API that refuses every token costs one refresh, not one a call', async () => {
    await signIn(page);
    await load(way);
    await call('get', '/me');
    await refuse();
    expect(await call('get', '/me', 20)).toEqual(Array(20).fill(401));
    expect(refreshes()).toBe(2);
  });

  it('signed out, a 401 is the answer', async () => {
    await load(way);
    expect(await call('get', '/me', 3)).toEqual([401, 401, 401]);
    expect(refreshes()).toBe(1);
    expect(asked(`${API}/me`)).toHaveLength(3);
  });

  it('has the person authenticate where the API asks for it, and sends the request again', async () => {
    await signIn(page, 3_600);
    await load(way);
    answer = signInBeside;
    expect(await call('post', '/transfers')).toEqual([202]);
    expect(challenges).toEqual([expect.stringContaining('max_age="300"')]);
    expect(await call('post', '/transfers')).toEqual([202]);
    expect(challenges).toHaveLength(1);
  });

  it('asks once, too, where a challenge comes when the person has authenticated already', async () => {
    await signIn(page, 3_600);
    await load(way);
    answer = signInBeside;
    let posts = 0;
    let isAnswered = false;
    await page.route(`${API}/transfers`, async (route) => {
      if (route.request().method() === 'OPTIONS') return route.continue();
      posts += 1;
      if (posts !== 2) return route.continue();
      // The answer to the second one is on its way until the first one was sent again.
      const { authorization = '' } = route.request().headers();
      const url = new URL('/transfers', await workers.url('resource-server'));
      const refusal = await fetch(url, { method: 'POST', headers: { authorization, origin: APP } });
      while (!isAnswered) await new Promise((later) => setTimeout(later, 20));
      const headers = Object.fromEntries(refusal.headers);
      return route.fulfill({ status: refusal.status, headers, body: await refusal.text() });
    });
    const first = page.evaluate(async () => (await window.api.post('/transfers')).status);
    const second = page.evaluate(async () => (await window.api.post('/transfers')).status);
    expect(await first).toBe(202);
    isAnswered = true;
    expect(await second).toBe(202);
    expect(challenges).toHaveLength(1);
  });

  it('answers the 401 where the person declines, after one question for two requests', async () => {
    await signIn(page, 3_600);
    await countRefusals();
    await load(way);
    // They decline once the page has been refused both.
    answer = async () => {
      await page.waitForFunction(() => window.refusals >= 2);
      return false;
    };
    const statuses = await page.evaluate(() => {
      const statusOf = (error: { response: { status: number } }) => error.response.status;
      return Promise.all([1, 2].map(() => window.api.post('/transfers').catch(statusOf)));
    });
    expect(statuses).toEqual([401, 401]);
    expect(challenges).toHaveLength(1);
  });
});
