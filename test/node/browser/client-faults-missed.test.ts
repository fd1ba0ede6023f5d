/** What a page has missed while a browser kept it aside, or kept its storage for itself. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { TokenSessionClient } from '../../../src/client/browser/index.ts';
import {
  type Kind,
  type MissedPages,
  startMissedPages,
  stepIn,
  waitsForOthers,
} from './missed-pages.ts';

declare const window: {
  client: TokenSessionClient;
  states: string[];
  reasons: unknown[];
  failures: string[];
  restore(): void;
};

let pages: MissedPages;
let context: BrowserContext;

beforeAll(async () => {
  pages = await startMissedPages();
});
beforeEach(async () => {
  context = await pages.newContext();
});
afterEach(async () => {
  // Whatever was missed, nothing fails where nobody catches it.
  for (const tab of context.pages()) expect(await tab.evaluate(() => window.failures)).toEqual([]);
  await context.close();
});
afterAll(() => pages?.stop());

const stateOf = (tab: Page) => tab.evaluate(() => window.client.session);
const whoIn = (tab: Page) =>
  tab.evaluate(
    async () => (await window.client.getSession().catch((error) => ({ sub: `${error}` })))?.sub,
  );
const refreshIn = (tab: Page) =>
  tab.evaluate(() => window.client.refresh().catch((error: Error) => error.name));
const cutOff = (tab: Page) =>
  tab.evaluate("void (isDeaf = true, dispatchEvent(new Event('pagehide')))");
const restore = (tab: Page) => tab.evaluate(() => window.restore());
/** Also waits for what the page finds out then. */
const restoreAndWait = (tab: Page) =>
  tab.evaluate(async () => {
    window.restore();
    // It begins after a few promises, and before any answer can come: what is asked for here is
    // the same refresh.
    for (let turn = 0; turn < 100; turn += 1) await null;
    await window.client.refresh();
  });
/** Requests for a refresh that pages make from now on. */
const countRefreshes = () => {
  const counted = { refreshes: 0 };
  context.on('request', (request) => {
    const isOne = /\/(oauth\/token|browser\/refresh)$/.test(request.url());
    if (isOne && request.method() === 'POST') counted.refreshes += 1;
  });
  return counted;
};

describe.each<Kind>(['memory', 'cookie', 'localStorage'])('a page restored by Back: %s', (kind) => {
  /** A page that has somebody's session, or nobody's, and is then cut off; and another one. */
  async function open(isSignedIn: boolean) {
    const behind = await pages.openTab(context, kind);
    const first = isSignedIn ? await pages.signIn(behind, kind) : undefined;
    await expect.poll(() => stateOf(behind)).toBe(isSignedIn ? 'active' : 'signed_out');
    if (first !== undefined) expect(await whoIn(behind)).toBe(first);
    const other = await pages.openTab(context, kind);
    await expect.poll(() => stateOf(other)).toBe(isSignedIn ? 'active' : 'signed_out');
    await cutOff(behind);
    return { behind, other };
  }

  it('is the one’s who signed in meanwhile, for one refresh', async () => {
    const { behind, other } = await open(true);
    const second = await pages.signIn(other, kind);
    expect(await whoIn(other)).toBe(second);
    const counted = countRefreshes();
    await restore(behind);
    await expect.poll(() => whoIn(behind)).toBe(second);
    expect(counted.refreshes).toBeLessThanOrEqual(1);
  });

  it('has a session where it had none, for one refresh', async () => {
    const { behind, other } = await open(false);
    const person = await pages.signIn(other, kind);
    expect(await whoIn(other)).toBe(person);
    const counted = countRefreshes();
    await restore(behind);
    await expect.poll(() => stateOf(behind)).toBe('active');
    expect(await whoIn(behind)).toBe(person);
    expect(counted.refreshes).toBeLessThanOrEqual(1);
  });

  it('shows nobody who has signed out meanwhile, and says so once', async () => {
    const { behind, other } = await open(true);
    await other.evaluate(() => window.client.signOut());
    await restore(behind);
    await expect.poll(() => stateOf(behind)).toBe('signed_out');
    expect(await behind.evaluate(() => window.reasons)).toHaveLength(1);
  });

  it('is still nobody’s where nobody signed in, and says so no second time', async () => {
    const { behind } = await open(false);
    const counted = countRefreshes();
    const before = await behind.evaluate(() => window.reasons);
    await restoreAndWait(behind);
    expect(await stateOf(behind)).toBe('signed_out');
    expect(await behind.evaluate(() => window.reasons)).toEqual(before);
    expect(counted.refreshes).toBe(kind === 'cookie' ? 1 : 0);
  });
});

describe('a storage that each tab has for itself', () => {
  /** A tab that was duplicated, and then closed while the other went on by two steps. */
  async function fallBehind() {
    const ahead = await pages.openTab(context, 'sessionStorage');
    const userId = await pages.signIn(ahead, 'sessionStorage');
    const kept = await ahead.evaluate('JSON.stringify(sessionStorage)');
    const before = await stepIn(ahead);
    for (const step of [1, 2]) {
      // A refresh within the grace period of the one before is no step.
      await expect.poll(() => refreshIn(ahead).then(() => stepIn(ahead))).toBe(before + step);
      await sleep(1_500);
    }
    const reopen = () =>
      pages.openTab(context, 'sessionStorage', `Object.assign(sessionStorage, ${kept})`);
    return { ahead, userId, reopen };
  }

  it('a tab that is opened again has what the other has, however busy that is', async () => {
    const { ahead, userId, reopen } = await fallBehind();
    const letGo = await pages.keepBusy(ahead);
    const behind = await reopen();
    const refreshed = refreshIn(behind);
    await waitsForOthers(behind);
    await letGo();
    expect(await refreshed).toBe('active');
    expect((await pages.service.sessionsOf(userId))[0]).toMatchObject({ revoked_at: null });
    expect(await whoIn(behind)).toBe(userId);
  });

  it('never presents what is superseded where the other is gone', async () => {
    const { ahead, userId, reopen } = await fallBehind();
    await ahead.close();
    const behind = await reopen();
    expect(await refreshIn(behind)).toBe('signed_out');
    expect(await behind.evaluate(() => window.states)).toEqual(['signed_out']);
    expect((await pages.service.sessionsOf(userId))[0]).toMatchObject({ revoked_at: null });
  });

  it('a new tab is not signed out while its elder is busy', async () => {
    const elder = await pages.openTab(context, 'sessionStorage');
    const userId = await pages.signIn(elder, 'sessionStorage');
    const letGo = await pages.keepBusy(elder);
    const young = await pages.openTab(context, 'sessionStorage');
    const who = whoIn(young);
    await waitsForOthers(young);
    await letGo();
    expect(await who).toBe(userId);
    expect(new Set(await young.evaluate(() => window.states))).toEqual(new Set(['active']));
  });
});

describe('who says that it has a session', () => {
  /** Locks that pages hold to say so, once those that a page has asked for before are given. */
  const signsIn = (tab: Page) =>
    tab.evaluate<number>(`navigator.locks.request('last', () => navigator.locks.query()).then(
      ({ held }) => held.filter(({ name }) => name.endsWith(' held')).length)`);

  it.each<[Kind, number]>([
    ['memory', 1],
    ['sessionStorage', 1],
    ['cookie', 0],
  ])('a page with its session in: %s', async (kind, signs) => {
    const tab = await pages.openTab(context, kind);
    await pages.signIn(tab, kind);
    await expect.poll(() => stateOf(tab)).toBe('active');
    expect(await signsIn(tab)).toBe(signs);
  });

  it('no page in the back-forward cache, until it is restored', async () => {
    const tab = await pages.openTab(context, 'memory');
    await pages.signIn(tab, 'memory');
    // In this order (HTML, "unload a document").
    for (const type of ['pagehide', 'visibilitychange'])
      await tab.evaluate(`void dispatchEvent(new Event('${type}'))`);
    await expect.poll(() => signsIn(tab)).toBe(0);
    // Whether or not anybody sees it, so that no refresh says so in its place.
    await tab.evaluate(`void (isDeaf = true,
      dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true })))`);
    await expect.poll(() => signsIn(tab)).toBe(1);
  });
});

it('a sign-in stays that comes while a refresh asks whether another tab has a session', async () => {
  const tab = await pages.openTab(context, 'memory');
  await expect.poll(() => stateOf(tab)).toBe('signed_out');
  await tab.evaluate(`(() => {
    const query = navigator.locks.query.bind(navigator.locks);
    const go = new Promise((answer) => { window.answer = answer; });
    window.asked = new Promise((asked) => {
      navigator.locks.query = async () => {
        asked();
        await go;
        return query();
      };
    });
    window.refreshing = client.refresh();
  })()`);
  await tab.evaluate('window.asked');
  await pages.signIn(tab, 'memory');
  await tab.evaluate('answer()');
  expect(await tab.evaluate('window.refreshing')).toBe('active');
  expect(await tab.evaluate(() => [window.client.session, window.states, window.reasons])).toEqual([
    'active',
    ['signed_out', 'active'],
    [],
  ]);
});

it('a page works where channels between pages are off limits', async () => {
  const refuse = `window.BroadcastChannel = class {
    constructor() { throw new DOMException('off limits', 'SecurityError'); }
  };`;
  const tab = await pages.openTab(context, 'memory', refuse);
  const userId = await pages.signIn(tab, 'memory');
  expect(await whoIn(tab)).toBe(userId);
});
