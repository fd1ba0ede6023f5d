/**
 * docs/arrangements.md, one host: the app, its API and the service under https://app.example.test,
 * as examples/one-host has them, in Chromium.
 */
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { bundleModule } from '../../../scripts/bundle-client.ts';
import { launchChromium } from './chromium.ts';
import { type ExampleWorkers, startExampleWorkers } from './example-workers.ts';
import { pressAndRead } from './press.ts';
import { type Front, startFront } from './tls-front.ts';

const APP = 'https://app.example.test';
const NEIGHBOUR = 'https://blog.example.test';
const ELSEWHERE = 'https://elsewhere.test';

/** What an installable app has at least. */
const PASSES_ON = `
  oninstall = () => skipWaiting();
  onactivate = (event) => event.waitUntil(clients.claim());
  onfetch = (event) => event.respondWith(fetch(event.request));
`;

let workers: ExampleWorkers;
let front: Front;
let chromium: Browser;
let context: BrowserContext;
let page: Page;

beforeAll(async () => {
  const web = { client_id: 'web', origins: [APP], return_urls: [`${APP}/`] };
  workers = await startExampleWorkers(
    { clients: [web], ISSUER: `${APP}/auth`, AUDIENCE: APP, ACCESS_TOKEN_TTL_SECONDS: '60' },
    { 'one-host': { ORIGIN: APP } },
  );
  const app = await workers.url('one-host');
  const script = await bundleModule('examples/one-host/src/page.ts');
  front = await startFront((host, path) => {
    if (host !== 'app.example.test') return { type: 'text/html', body: '<title>other</title>' };
    if (path === '/worker.js') return { type: 'text/javascript', body: PASSES_ON };
    return path === '/page.js' ? { type: 'text/javascript', body: script } : app;
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
  front.requests.length = 0;
}

const asked = (path: string) => front.requests.filter(({ url }) => url === APP + path);
const click = (id: string) => pressAndRead(page, id);

describe('one host', () => {
  it('the server that renders the page knows whose it is, and asks nobody', async () => {
    expect(await page.textContent('#server')).toBe('signed_out ');
    await signIn();
    const [state, sessionId] = ((await page.textContent('#server')) ?? '').split(' ');
    expect([state, sessionId]).toEqual(['active', expect.stringMatching(/^[0-9a-f-]{36}$/)]);
  });

  it('five calls to the API succeed, and none costs a refresh', async () => {
    await signIn();
    for (let call = 0; call < 5; call += 1) expect(await click('load')).toBe('200 {"things":0}');
    expect(asked('/api/cart')).toHaveLength(5);
    expect(asked('/auth/browser/refresh')).toHaveLength(0);
    expect(await click('add')).toBe('201 {"things":1}');
  });

  it('where the access cookie has gone, the page is unknown to the server, and one refresh mends it', async () => {
    await signIn();
    const cookies = (await context.cookies()).filter(({ name }) => name !== '__Host-access');
    await context.clearCookies();
    await context.addCookies(cookies);
    await page.reload();
    expect(await page.textContent('#server')).toBe('unknown ');
    for (let call = 0; call < 5; call += 1) expect(await click('load')).toBe('200 {"things":0}');
    expect(asked('/auth/browser/refresh')).toHaveLength(1);
  });

  it('signed out, the API is closed', async () => {
    await signIn();
    await page.click('#sign-out');
    await page.waitForSelector('#state:text-is("signed_out")');
    expect(await click('load')).toMatch(/^401/);
    expect(await context.cookies()).toEqual([]);
  });

  it('a script in the page can act while the page is open, and reads no token', async () => {
    await signIn();
    const loot = (await page.evaluate(`(async () => ({
      cookie: document.cookie,
      storage: JSON.stringify([localStorage, sessionStorage]),
      refresh: await (await fetch('/auth/browser/refresh', {
        method: 'POST', headers: { 'content-type': 'application/json' },
      })).text(),
      session: await (await fetch('/auth/browser/session')).text(),
      acts: (await fetch('/api/cart', { method: 'POST' })).status,
    }))()`)) as Record<string, string | number>;
    expect(loot.acts).toBe(201);
    expect(loot.cookie).toBe('');
    expect(loot.refresh).toContain('"session"');
    expect(JSON.stringify(loot)).not.toMatch(/eyJ|v2\./);
  });

  it('an app whose service worker passes everything on works, and others do nothing through it', async () => {
    await page.evaluate(`navigator.serviceWorker.register('/worker.js')
      .then(() => navigator.serviceWorker.ready)`);
    await page.reload();
    expect(await page.evaluate('navigator.serviceWorker.controller !== null')).toBe(true);
    await signIn();
    expect(await click('add')).toBe('201 {"things":1}');
    for (const origin of [ELSEWHERE, NEIGHBOUR]) {
      const other = await context.newPage();
      await other.goto(origin);
      await other.setContent(
        `<form method="post" action="${APP}/api/cart"><button>win</button></form>`,
      );
      front.requests.length = 0;
      await Promise.all([other.waitForResponse(`${APP}/api/cart`), other.click('button')]);
      expect(asked('/api/cart')).toHaveLength(1);
      expect(asked('/api/cart')[0]?.headers['sec-fetch-dest']).toBe('empty');
      await other.close();
    }
    await page.reload();
    await page.waitForSelector('#state:text-is("active")');
    expect(await click('load')).toBe('200 {"things":1}');
  });

  it('a form of the app’s own page changes something, also with `no-referrer`', async () => {
    await signIn();
    for (const policy of ['strict-origin', 'no-referrer']) {
      await page.goto(APP);
      await page.setContent(`<meta name="referrer" content="${policy}">
        <form method="post" action="/api/cart"><button>add</button></form>`);
      const [sent] = await Promise.all([
        page.waitForResponse(`${APP}/api/cart`),
        page.click('button'),
      ]);
      expect(sent.status()).toBe(201);
    }
  });

  it.each([
    ['another site', ELSEWHERE],
    ['a neighbouring host', NEIGHBOUR],
  ])('%s reads and changes nothing', async (_, origin) => {
    await signIn();
    await page.goto(origin);
    const outcomes = await page.evaluate(`(async () => {
      const outcome = async (path, init) => {
        try {
          return (await fetch('${APP}' + path, { credentials: 'include', ...init })).status;
        } catch {
          return 'unreadable';
        }
      };
      return [
        await outcome('/api/cart'),
        await outcome('/api/cart', { method: 'POST', mode: 'no-cors', body: 'a=b' }),
        await outcome('/auth/browser/refresh', { method: 'POST' }),
        await outcome('/auth/browser/session'),
      ];
    })()`);
    expect(outcomes).toEqual(Array(4).fill('unreadable'));
    const other = await context.newPage();
    await other.goto(origin);
    await other.setContent(
      `<form method="post" action="${APP}/api/cart"><button>win</button></form>`,
    );
    const [sent] = await Promise.all([
      other.waitForResponse(`${APP}/api/cart`),
      other.click('button'),
    ]);
    await other.close();
    // A neighbour's form brings the cookies (`SameSite=Lax`), another site's does not.
    expect(sent.status()).toBe(origin === NEIGHBOUR ? 403 : 401);
    await page.goto(APP);
    await page.waitForSelector('#state:text-is("active")');
    expect(await click('load')).toBe('200 {"things":0}');
  });
});
