/** Two people signed in in one Chromium: who is current, in every tab, and who stays. */
import { randomUUID } from 'node:crypto';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { bundleClient, bundleModule } from '../../../scripts/bundle-client.ts';
import type { Accounts } from '../../../src/client/browser/accounts.ts';
import type { SessionClient } from '../../../src/client/browser/index.ts';
import {
  BROWSER_APP,
  type BrowserService,
  launchChromium,
  type Pages,
  servePages,
  startBrowserService,
} from './chromium.ts';

const PAGE = `<!doctype html><title>app</title><script type="module">
  import { createSessionClient } from '/client.js';
  import { createAccounts } from '/accounts.js';
  window.seen = [];
  const see = (who) => window.seen.push([who, Date.now()]);
  window.begin = async (baseUrl) => {
    window.client = createSessionClient({ baseUrl, mode: 'cookie' });
    window.accounts = createAccounts(window.client, { baseUrl });
    window.client.onChange(async () =>
      see((await window.client.getSession())?.sub ?? window.client.session));
    await window.client.refresh();
  };
</script>`;

declare const window: {
  client: SessionClient;
  accounts: Accounts;
  /** Whom the page has had, or what state where there was nobody, and since when. */
  seen: [who: string, at: number][];
  begin(baseUrl: string): Promise<void>;
};

let chromium: Browser;
let pages: Pages;
let service: BrowserService;
let context: BrowserContext;

beforeAll(async () => {
  const script = { 'content-type': 'text/javascript' };
  pages = await servePages({
    '/': PAGE,
    '/client.js': { headers: script, body: await bundleClient() },
    '/accounts.js': {
      headers: script,
      body: await bundleModule('src/client/browser/accounts.ts'),
    },
  });
  const app = {
    client_id: BROWSER_APP,
    several_accounts: true,
    origins: [pages.origin],
    return_urls: [`${pages.origin}/`],
  };
  [chromium, service] = await Promise.all([launchChromium(), startBrowserService([app])]);
});
afterEach(() => context?.close());
afterAll(async () => {
  await chromium?.close();
  await service?.stop();
  await pages?.stop();
});

/** Somebody signs in in this tab, as by the redirect of the app's backend. */
async function signIn(tab: Page, name: string): Promise<{ userId: string; sessionId: string }> {
  const userId = randomUUID();
  const claims = { name };
  const back = `${pages.origin}/?${name}`;
  const { startUrl, sessionId } = await service.handOff(back, { userId, claims });
  const isBack = tab.waitForURL(back);
  await tab.evaluate((url) => void setTimeout(() => location.assign(url)), startUrl);
  await isBack;
  return { userId, sessionId };
}
declare const location: { assign(url: string): void };

const begin = (tab: Page) => tab.evaluate((origin) => window.begin(origin), service.origin);
const shown = (tab: Page) => tab.evaluate(async () => (await window.client.getSession())?.sub);
/** When the tab first had this person, or this state, by the clock that all tabs share. */
async function whenSeen(tab: Page, who: string): Promise<number> {
  await tab.waitForFunction((id) => window.seen.some(([each]) => each === id), who);
  return tab.evaluate((id) => window.seen.find(([each]) => each === id)?.[1] as number, who);
}
const forget = (tab: Page) =>
  tab.evaluate(() => {
    window.seen.length = 0;
  });
const isLive = async ({ userId, sessionId }: { userId: string; sessionId: string }) =>
  (await service.sessionsOf(userId)).some(({ id, revoked_at }) => id === sessionId && !revoked_at);

async function withTwo() {
  context = await chromium.newContext();
  const first = await context.newPage();
  await first.goto(pages.origin);
  const ada = await signIn(first, 'Ada');
  const bob = await signIn(first, 'Bob');
  await begin(first);
  const second = await context.newPage();
  await second.goto(pages.origin);
  await begin(second);
  return { first, second, ada, bob };
}

it('a second person is added, and all tabs follow a switch within a second', async () => {
  const { first, second, ada, bob } = await withTwo();
  const listed = await first.evaluate(() => window.accounts.list());
  expect(listed).toMatchObject([
    { index: 0, userId: ada.userId, displayName: 'Ada', isCurrent: false },
    { index: 1, userId: bob.userId, displayName: 'Bob', isCurrent: true },
  ]);
  expect([await shown(first), await shown(second)]).toEqual([bob.userId, bob.userId]);
  for (const tab of [first, second]) await forget(tab);

  expect(await first.evaluate(() => window.accounts.switchTo(0))).toBe(true);
  const switched = await whenSeen(first, ada.userId);
  expect(await whenSeen(second, ada.userId)).toBeLessThanOrEqual(switched + 1_000);
  expect([await shown(first), await shown(second)]).toEqual([ada.userId, ada.userId]);
  expect(await second.evaluate(() => window.seen.map(([who]) => who))).not.toContain('signed_out');
  // What the browser sends is of the same account as what both tabs show.
  const own = (await second.evaluate(async (origin) => {
    const answer = await fetch(`${origin}/browser/session`, { credentials: 'include' });
    return answer.json();
  }, service.origin)) as { session: { user_id: string } };
  expect(own.session.user_id).toBe(ada.userId);
});

it('one signs out, the other lives, and is chosen by the person alone', async () => {
  const { first, second, ada, bob } = await withTwo();
  for (const tab of [first, second]) await forget(tab);
  await first.evaluate(() => window.accounts.signOut(1));
  expect([await isLive(ada), await isLive(bob)]).toEqual([true, false]);
  const left = await whenSeen(first, 'signed_out');
  expect(await whenSeen(second, 'signed_out')).toBeLessThanOrEqual(left + 1_000);
  await second.reload();
  await begin(second).catch(() => {});
  expect(await second.evaluate(() => window.client.session)).toBe('signed_out');
  expect(await second.evaluate(() => window.accounts.list())).toMatchObject([
    { userId: ada.userId, isCurrent: false },
  ]);
  expect(await second.evaluate(() => window.accounts.switchTo(0))).toBe(true);
  expect(await shown(second)).toBe(ada.userId);
  const switched = await whenSeen(second, ada.userId);
  expect(await whenSeen(first, ada.userId)).toBeLessThanOrEqual(switched + 1_000);
  expect(await shown(first)).toBe(ada.userId);
});

it('the page for people says which account it is, switches, and signs out one', async () => {
  const { first, second, ada, bob } = await withTwo();
  await first.goto(`${service.origin}/account`);
  expect(await first.textContent('main')).toContain('Signed in as Bob');
  await first.click('text=Accounts in this browser');
  await first.waitForURL(`${service.origin}/account/accounts`);
  expect(await first.locator('li h2').allTextContents()).toEqual(['Ada', 'Bob']);
  await first.click('role=button[name="Switch to Ada"]');
  await first.waitForURL(`${service.origin}/account`);
  expect(await first.textContent('main')).toContain('Signed in as Ada');
  await first.click('text=Accounts in this browser');
  await first.waitForURL(`${service.origin}/account/accounts`);
  await first.click('role=button[name="Sign out Bob"]');
  await expect.poll(() => first.locator('li h2').allTextContents()).toEqual(['Ada']);
  expect([await isLive(ada), await isLive(bob)]).toEqual([true, false]);
  // An app's tab goes by its next refresh.
  await second.evaluate(() => window.client.refresh());
  expect(await shown(second)).toBe(ada.userId);
});
