/** What only tabs of a real browser do to the client: they miss messages, are busy, or go. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { bundleClient } from '../../../scripts/bundle-client.ts';
import type { TokenSessionClient } from '../../../src/client/browser/index.ts';
import {
  BROWSER_APP,
  type BrowserService,
  launchChromium,
  type Pages,
  servePages,
  startBrowserService,
} from './chromium.ts';

/** What a page in the back-forward cache is: it hears nothing, and nobody sees it. */
const PAGE = `<!doctype html><script type="module">
  import { createSessionClient } from '/client.js';
  const listen = Object.getOwnPropertyDescriptor(BroadcastChannel.prototype, 'onmessage');
  Object.defineProperty(BroadcastChannel.prototype, 'onmessage', {
    set(heard) { listen.set.call(this, (event) => window.isDeaf || heard(event)); },
  });
  Object.defineProperty(document, 'visibilityState', {
    get: () => (window.isDeaf ? 'hidden' : 'visible'),
  });
  window.states = [];
  window.open = (baseUrl, mode) => {
    window.client = createSessionClient({ baseUrl, mode, clientId: '${BROWSER_APP}' });
    window.client.onChange((state) => window.states.push(state));
  };
  window.beBusy = (ms) => {
    const until = performance.now() + ms;
    while (performance.now() < until);
  };
</script>`;

declare const window: {
  client: TokenSessionClient;
  states: string[];
  isDeaf: boolean;
  open(baseUrl: string, mode: string): void;
  beBusy(ms: number): void;
};

let chromium: Browser;
let pages: Pages;
let service: BrowserService;
let context: BrowserContext;

beforeAll(async () => {
  pages = await servePages({
    '/': PAGE,
    '/empty': '<!doctype html>',
    '/client.js': { headers: { 'content-type': 'text/javascript' }, body: await bundleClient() },
  });
  const app = {
    client_id: BROWSER_APP,
    origins: [pages.origin],
    return_urls: [`${pages.origin}/`],
  };
  [chromium, service] = await Promise.all([
    launchChromium(),
    startBrowserService([app], { ACCESS_TOKEN_TTL_SECONDS: '3', REFRESH_GRACE_SECONDS: '1' }),
  ]);
});
afterEach(() => context?.close());
afterAll(async () => {
  await chromium?.close();
  await service?.stop();
  await pages?.stop();
});

async function openTab(mode: 'token' | 'cookie'): Promise<Page> {
  const tab = await context.newPage();
  await tab.goto(pages.origin);
  await tab.evaluate(([origin, kind]) => window.open(origin, kind), [
    service.origin,
    mode,
  ] as const);
  return tab;
}

const stateOf = (tab: Page) => tab.evaluate(() => window.client.session);
const refreshIn = (tab: Page) =>
  tab.evaluate(() => window.client.refresh().catch((error: Error) => error.name));

/** A tab with a session in its memory. */
async function signIn(): Promise<{ tab: Page; userId: string }> {
  context = await chromium.newContext();
  const userId = randomUUID();
  const input = { user_id: userId, client_id: BROWSER_APP };
  const created = await service.asBackend('POST', '/v1/sessions', input);
  const tokens = (await created.json()) as Parameters<TokenSessionClient['start']>[0];
  const tab = await openTab('token');
  await tab.evaluate((signedIn) => window.client.start(signedIn), tokens);
  return { tab, userId };
}

/** Two tabs, of which the first has missed that the second went on by two steps. */
async function fallBehind() {
  const { tab: behind, userId } = await signIn();
  const ahead = await openTab('token');
  await sleep(500);
  expect(await stateOf(ahead)).toBe('active');
  await behind.evaluate(() => {
    window.isDeaf = true;
  });
  for (let step = 0; step < 2; step += 1) {
    await sleep(1_500);
    expect(await refreshIn(ahead)).toBe('active');
  }
  await sleep(1_500);
  await behind.evaluate(() => {
    window.isDeaf = false;
  });
  return { behind, ahead, userId };
}

describe('tokens in memory: a tab that has missed what another did', () => {
  it('takes over what the other has, however busy that is', async () => {
    const { behind, ahead, userId } = await fallBehind();
    const busy = ahead.evaluate(() => window.beBusy(1_500));
    expect(await refreshIn(behind)).toBe('active');
    await busy;
    expect((await service.sessionsOf(userId))[0]).toMatchObject({ revoked_at: null });
  });

  it('says that it cannot tell yet while the other does not answer', async () => {
    const { behind, ahead, userId } = await fallBehind();
    const busy = ahead.evaluate(() => window.beBusy(8_000));
    expect(await refreshIn(behind)).toBe('SessionUnavailableError');
    await busy;
    expect(await refreshIn(behind)).toBe('active');
    expect((await service.sessionsOf(userId))[0]).toMatchObject({ revoked_at: null });
  });

  it('is signed out when the other is gone, and never presents what is superseded', async () => {
    const { behind, ahead, userId } = await fallBehind();
    await ahead.close();
    expect(await refreshIn(behind)).toBe('signed_out');
    expect((await service.sessionsOf(userId))[0]).toMatchObject({ revoked_at: null });
  });
});

describe('tokens in memory: a new tab', () => {
  it('is never signed out while its elder is busy', async () => {
    const { tab: elder } = await signIn();
    const young = await context.newPage();
    await young.goto(pages.origin);
    const busy = elder.evaluate(() => window.beBusy(1_500));
    await young.evaluate((origin) => window.open(origin, 'token'), service.origin);
    expect(await young.evaluate(() => window.client.getAccessToken())).not.toBe(null);
    await busy;
    // Told twice where its claims came after it.
    expect(new Set(await young.evaluate(() => window.states))).toEqual(new Set(['active']));
  });

  it('is signed out soon where there is no other', async () => {
    const { tab: elder } = await signIn();
    const other = await context.newPage();
    await other.goto(pages.origin);
    await elder.close();
    await other.evaluate((origin) => window.open(origin, 'token'), service.origin);
    await sleep(600);
    expect(await stateOf(other)).toBe('signed_out');
  });
});

it('a sign-in while the browser is slow to say whether another tab has a session stays', async () => {
  context = await chromium.newContext();
  const created = await service.asBackend('POST', '/v1/sessions', { client_id: BROWSER_APP });
  const tokens = (await created.json()) as Parameters<TokenSessionClient['start']>[0];
  const tab = await context.newPage();
  await tab.goto(pages.origin);
  await tab.evaluate(`(() => {
    const query = navigator.locks.query.bind(navigator.locks);
    window.asked = new Promise((asked) => {
      navigator.locks.query = async () => {
        // The last question before the page would be signed out.
        asked();
        await new Promise((go) => setTimeout(go, 500));
        return query();
      };
    });
  })()`);
  await tab.evaluate((origin) => window.open(origin, 'token'), service.origin);
  await tab.evaluate('window.asked');
  await tab.evaluate((signedIn) => window.client.start(signedIn), tokens);
  await sleep(1_000);
  expect(await tab.evaluate(() => [window.client.session, window.states])).toEqual([
    'active',
    ['active'],
  ]);
});

describe('cookies', () => {
  it('a page finds out by itself whether there is a session, with one request', async () => {
    context = await chromium.newContext();
    const stranger = await openTab('cookie');
    await expect.poll(() => stateOf(stranger)).toBe('signed_out');
    const { startUrl } = await service.handOff(`${pages.origin}/`, { userId: randomUUID() });
    const tab = await context.newPage();
    await tab.goto(startUrl);
    let requests = 0;
    tab.on('request', (request) => {
      if (request.url().startsWith(service.origin) && request.method() === 'POST') requests += 1;
    });
    await tab.evaluate((origin) => window.open(origin, 'cookie'), service.origin);
    await expect.poll(() => stateOf(tab)).toBe('active');
    expect(requests).toBe(1);
  });

  it('a page that comes from another person’s sign-in is theirs, and so is the older tab', async () => {
    context = await chromium.newContext();
    const signInAs = async (tab: Page) => {
      const userId = randomUUID();
      const { startUrl } = await service.handOff(`${pages.origin}/`, { userId });
      // A page of the app sends the browser there, so that nobody is asked about the session
      // before.
      await tab.goto(`${pages.origin}/empty`);
      await tab.evaluate((url) => void Object.assign(globalThis, { location: url }), startUrl);
      await tab.waitForURL(`${pages.origin}/`);
      await tab.evaluate((origin) => window.open(origin, 'cookie'), service.origin);
      return userId;
    };
    const whoIn = (tab: Page) => tab.evaluate(async () => (await window.client.getSession())?.sub);
    const older = await context.newPage();
    const first = await signInAs(older);
    expect(await whoIn(older)).toBe(first);
    const newer = await context.newPage();
    const second = await signInAs(newer);
    expect(await whoIn(newer)).toBe(second);
    await expect.poll(() => whoIn(older)).toBe(second);
  });
});
