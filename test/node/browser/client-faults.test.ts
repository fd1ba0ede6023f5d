/** What only tabs of a real browser do to the client: they miss messages, are busy, or go. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { TokenSessionClient } from '../../../src/client/browser/index.ts';
import { type MissedPages, startMissedPages, stepIn, waitsForOthers } from './missed-pages.ts';

declare const window: {
  client: TokenSessionClient;
  states: string[];
  asks: number;
  isDeaf: boolean;
  open(baseUrl: string, kind: 'memory' | 'cookie'): void;
};

/** Of an access token. Half of it is longer than the grace period. */
const TTL_SECONDS = 3;
/** So that a page refreshes when it is told to, and never by itself. */
const UNSEEN = 'window.isUnseen = true';
const UNSEEN_ONCE_IT_KNOWS = `Object.defineProperty(window, 'isUnseen', {
  get: () => window.states?.length > 0,
})`;

let pages: MissedPages;
let context: BrowserContext;

beforeAll(async () => {
  pages = await startMissedPages(TTL_SECONDS);
});
beforeEach(async () => {
  context = await pages.newContext();
});
afterEach(() => context.close());
afterAll(() => pages?.stop());

const stateOf = (tab: Page) => tab.evaluate(() => window.client.session);
const whoIn = (tab: Page) => tab.evaluate(async () => (await window.client.getSession())?.sub);
const refreshIn = (tab: Page) =>
  tab.evaluate(() => window.client.refresh().catch((error: Error) => error.name));
const lookAt = async (userId: string) => (await pages.service.sessionsOf(userId))[0];

/** A tab of the app that has no client yet. */
async function openEmpty(): Promise<Page> {
  const tab = await context.newPage();
  await tab.goto(pages.origin);
  return tab;
}
const begin = (tab: Page) =>
  tab.evaluate((origin) => window.open(origin, 'memory'), pages.service.origin);

/** A tab with a session in its memory. */
async function signIn(): Promise<{ tab: Page; userId: string }> {
  const tab = await pages.openTab(context, 'memory', UNSEEN);
  return { tab, userId: await pages.signIn(tab, 'memory') };
}

/**
 * Two tabs, of which the first has missed that the second went on by two steps. What it has is out
 * of date: its access token has expired, and the grace period of its refresh token is over.
 */
async function fallBehind() {
  const { tab: behind, userId } = await signIn();
  const ahead = await pages.openTab(context, 'memory', UNSEEN);
  await expect.poll(() => stateOf(ahead)).toBe('active');
  await behind.evaluate(() => {
    window.isDeaf = true;
  });
  const before = await stepIn(ahead);
  for (const step of [1, 2]) {
    // A refresh within the grace period of the one before is no step.
    await expect.poll(() => refreshIn(ahead).then(() => stepIn(ahead))).toBe(before + step);
    await sleep((TTL_SECONDS * 1_000) / 2);
  }
  await behind.evaluate(() => {
    window.asks = 0;
    window.isDeaf = false;
  });
  return { behind, ahead, userId };
}

describe('tokens in memory: a tab that has missed what another did', () => {
  it('takes over what the other has, however busy that is', async () => {
    const { behind, ahead, userId } = await fallBehind();
    const letGo = await pages.keepBusy(ahead);
    const refreshed = refreshIn(behind);
    await waitsForOthers(behind);
    await letGo();
    expect(await refreshed).toBe('active');
    expect(await lookAt(userId)).toMatchObject({ revoked_at: null });
  });

  it('says that it cannot tell yet while the other does not answer', async () => {
    const { behind, ahead, userId } = await fallBehind();
    const letGo = await pages.keepBusy(ahead);
    expect(await refreshIn(behind)).toBe('SessionUnavailableError');
    await letGo();
    expect(await refreshIn(behind)).toBe('active');
    expect(await lookAt(userId)).toMatchObject({ revoked_at: null });
  });

  it('is signed out when the other is gone, and never presents what is superseded', async () => {
    const { behind, ahead, userId } = await fallBehind();
    await ahead.close();
    expect(await refreshIn(behind)).toBe('signed_out');
    expect(await lookAt(userId)).toMatchObject({ revoked_at: null });
  });
});

describe('tokens in memory: a new tab', () => {
  it('is never signed out while its elder is busy', async () => {
    const { tab: elder } = await signIn();
    const young = await openEmpty();
    const letGo = await pages.keepBusy(elder);
    await begin(young);
    const token = young.evaluate(() => window.client.getAccessToken());
    await waitsForOthers(young);
    await letGo();
    expect(await token).not.toBe(null);
    // Told twice where its claims came after it.
    expect(new Set(await young.evaluate(() => window.states))).toEqual(new Set(['active']));
  });

  it('is signed out soon where there is no other', async () => {
    const { tab: elder } = await signIn();
    const other = await openEmpty();
    await elder.close();
    // The browser knows that nobody has a session any more.
    const countLocks = 'navigator.locks.query().then(({ held }) => held.length)';
    await expect.poll(() => other.evaluate(countLocks)).toBe(0);
    const ms = await other.evaluate(async (origin) => {
      const begun = performance.now();
      window.open(origin, 'memory');
      await new Promise((changed) => window.client.onChange(changed));
      return performance.now() - begun;
    }, pages.service.origin);
    expect(await stateOf(other)).toBe('signed_out');
    expect(await other.evaluate(() => window.asks)).toBe(1);
    // One that was there, and silent, would be asked for as long as this.
    expect(ms).toBeLessThan(3_000);
  });
});

it('a sign-in while the browser is slow to say whether another tab has a session stays', async () => {
  const tab = await openEmpty();
  await tab.evaluate(`(() => {
    const query = navigator.locks.query.bind(navigator.locks);
    const go = new Promise((answer) => { window.answer = answer; });
    window.asked = new Promise((asked) => {
      navigator.locks.query = async () => {
        // The last question before the page would be signed out.
        asked();
        await go;
        return query();
      };
    });
  })()`);
  await begin(tab);
  await tab.evaluate('window.asked');
  await pages.signIn(tab, 'memory');
  await tab.evaluate('answer()');
  // Waits until the page knows what it begins with.
  await tab.evaluate(() => window.client.getAccessToken());
  expect(await tab.evaluate(() => [window.client.session, window.states])).toEqual([
    'active',
    ['active'],
  ]);
});

describe('cookies', () => {
  it('a page finds out by itself whether there is a session, with one request', async () => {
    const stranger = await pages.openTab(context, 'cookie');
    await expect.poll(() => stateOf(stranger)).toBe('signed_out');
    const tab = await context.newPage();
    // The next refresh, ahead of the token's end, may come sooner than this test's.
    await tab.addInitScript(UNSEEN_ONCE_IT_KNOWS);
    let requests = 0;
    tab.on('request', (request) => {
      if (request.url().startsWith(pages.service.origin) && request.method() === 'POST')
        requests += 1;
    });
    await pages.signIn(tab, 'cookie');
    await expect.poll(() => stateOf(tab)).toBe('active');
    expect(requests).toBe(1);
  });

  it('a page that comes from another person’s sign-in is theirs, and so is the older tab', async () => {
    const older = await openEmpty();
    const first = await pages.signIn(older, 'cookie');
    expect(await whoIn(older)).toBe(first);
    const newer = await openEmpty();
    const second = await pages.signIn(newer, 'cookie');
    expect(await whoIn(newer)).toBe(second);
    await expect.poll(() => whoIn(older)).toBe(second);
  });
});
