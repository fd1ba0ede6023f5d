/** The client for apps in the tabs of a real browser, over a network that fails. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { createRemoteJWKSet, jwtVerify } from 'jose';
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
import { type Network, startProxy } from './proxy.ts';

const AUDIENCE = 'urn:example:api';
const MODES = ['cookies', 'tokens in memory', 'tokens in localStorage'] as const;
type Mode = (typeof MODES)[number];

const PAGE = `<!doctype html><script type="module">
  import { createSessionClient } from '/client.js';
  window.reasons = [];
  window.endedAt = [];
  window.open = (baseUrl, kind) => {
    const storage = kind.endsWith('localStorage') && {
      get: (key) => localStorage.getItem(key),
      set: (key, value) => localStorage.setItem(key, value),
      remove: (key) => localStorage.removeItem(key),
    };
    window.client = createSessionClient({
      baseUrl,
      mode: kind === 'cookies' ? 'cookie' : 'token',
      clientId: '${BROWSER_APP}',
      resources: [location.origin],
      timeoutMs: 1500,
      ...(storage && { storage }),
    });
    window.client.onSignedOut((reason) => {
      window.reasons.push(reason);
      window.endedAt.push(Date.now());
    });
  };
</script>`;

/** What PAGE has put there. */
declare const window: {
  client: TokenSessionClient;
  reasons: (string | null)[];
  /** When it was told each of them, in milliseconds by the machine's clock. */
  endedAt: number[];
  open(baseUrl: string, mode: Mode): void;
};
declare const localStorage: { length: number };

let chromium: Browser;
let pages: Pages;
let service: BrowserService;
let proxy: Network;
let context: BrowserContext;

beforeAll(async () => {
  pages = await servePages({
    '/': PAGE,
    '/client.js': { headers: { 'content-type': 'text/javascript' }, body: await bundleClient() },
    '/api': async ({ headers }) => ({
      status: (await isGood(headers.authorization, headers.cookie)) ? 200 : 401,
    }),
  });
  const app = {
    client_id: BROWSER_APP,
    origins: [pages.origin],
    return_urls: [`${pages.origin}/`],
  };
  [chromium, service] = await Promise.all([
    launchChromium(),
    startBrowserService([app], {
      ACCESS_TOKEN_TTL_SECONDS: '2',
      REFRESH_GRACE_SECONDS: '2',
      AUDIENCE,
    }),
  ]);
  proxy = await startProxy(service.origin);
  jwks = createRemoteJWKSet(new URL(`${service.origin}/.well-known/jwks.json`));
});
afterEach(async () => {
  proxy.decide = () => 'pass';
  await context?.close();
});
afterAll(async () => {
  await chromium?.close();
  await proxy?.stop();
  await service?.stop();
  await pages?.stop();
});

let jwks: ReturnType<typeof createRemoteJWKSet>;

/** The app's own API: takes the access token from either place, and nothing but a good one. */
async function isGood(authorization = '', cookie = ''): Promise<boolean> {
  const token =
    /^Bearer (.+)$/.exec(authorization)?.[1] ?? /__Host-access=([^;]+)/.exec(cookie)?.[1] ?? '';
  return jwtVerify(token, jwks, { issuer: service.origin, audience: AUDIENCE, typ: 'at+jwt' }).then(
    () => true,
    () => false,
  );
}

/**
 * Signs in, in a browser of its own, and opens this many tabs, which all know that there is a
 * session.
 */
async function openTabs(mode: Mode, count: number): Promise<{ tabs: Page[]; userId: string }> {
  context = await chromium.newContext();
  const userId = randomUUID();
  const first = await context.newPage();
  if (mode === 'cookies') {
    const { startUrl } = await service.handOff(`${pages.origin}/`, { userId });
    await first.goto(startUrl);
    await first.evaluate(([origin, kind]) => window.open(origin, kind), [
      proxy.origin,
      mode,
    ] as const);
    expect(await first.evaluate(() => window.client.refresh())).toBe('active');
  } else {
    const created = await service.asBackend('POST', '/v1/sessions', {
      user_id: userId,
      client_id: BROWSER_APP,
    });
    const tokens = (await created.json()) as Parameters<TokenSessionClient['start']>[0];
    await first.goto(pages.origin);
    await first.evaluate(([origin, kind]) => window.open(origin, kind), [
      proxy.origin,
      mode,
    ] as const);
    await first.evaluate((signedIn) => window.client.start(signedIn), tokens);
  }
  const others = await Promise.all(
    Array.from({ length: count - 1 }, async () => {
      const tab = await context.newPage();
      await tab.goto(pages.origin);
      await tab.evaluate(([origin, kind]) => window.open(origin, kind), [
        proxy.origin,
        mode,
      ] as const);
      return tab;
    }),
  );
  const tabs = [first, ...others];
  for (const tab of tabs) await tab.waitForFunction(() => window.client.session === 'active');
  return { tabs, userId };
}

/** Outcomes of refreshes in the service's log, since `from`. */
const outcomes = (from: number) =>
  [
    ...service
      .output()
      .slice(from)
      .matchAll(/"route":"\/(?:oauth\/token|browser\/refresh)".*?"outcome":"(\w+)"/g),
  ].map(([, outcome]) => outcome);

async function expectOneLiveSession(userId: string): Promise<void> {
  const sessions = await service.sessionsOf(userId);
  expect(sessions).toHaveLength(1);
  expect(sessions[0]).toMatchObject({ revoked_at: null, revoked_reason: null });
}

describe.each(MODES)('%s', (mode) => {
  it('8 tabs make 20 calls each while access tokens live for 2 seconds', async () => {
    const from = service.output().length;
    const { tabs, userId } = await openTabs(mode, 8);
    const results = await Promise.all(
      tabs.map((tab) =>
        tab.evaluate(async () => {
          const statuses: number[] = [];
          for (let call = 0; call < 20; call += 1) {
            statuses.push((await window.client.fetch('/api')).status);
            // Eight seconds in all, in which four lives of an access token end.
            await new Promise((resolve) => setTimeout(resolve, 400));
          }
          return { statuses, reasons: window.reasons };
        }),
      ),
    );
    for (const { statuses, reasons } of results) {
      expect(statuses).toEqual(Array(20).fill(200));
      expect(reasons).toEqual([]);
    }
    await expectOneLiveSession(userId);
    expect(outcomes(from).filter((outcome) => outcome === 'rotated').length).toBeGreaterThanOrEqual(
      2,
    );
    expect(outcomes(from)).not.toContain('reuse_detected');
  });

  it('8 tabs over a network that is cut 100 times, before and after the answer', async () => {
    const from = service.output().length;
    const { tabs, userId } = await openTabs(mode, 8);
    proxy.cuts = { before: 0, after: 0 };
    let turn = 0;
    proxy.decide = () => {
      if (Math.random() > 0.4) return 'pass';
      turn += 1;
      return turn % 2 === 0 ? 'cut before' : 'cut after';
    };
    let isOver = false;
    const running = tabs.map(async (tab) => {
      while (!isOver) {
        // What cannot be refreshed right now rejects; the next one may work.
        await tab.evaluate(async () => {
          await window.client.refresh().catch(() => {});
          await new Promise((resolve) => setTimeout(resolve, 20));
        });
      }
    });
    for (let waited = 0; waited < 400 && proxy.cuts.before + proxy.cuts.after < 100; waited += 1)
      await sleep(100);
    isOver = true;
    proxy.decide = () => 'pass';
    await Promise.all(running);
    expect(proxy.cuts.before + proxy.cuts.after).toBeGreaterThanOrEqual(100);
    expect(Math.abs(proxy.cuts.before - proxy.cuts.after)).toBeLessThanOrEqual(10);
    for (const tab of tabs) {
      expect(await tab.evaluate(() => window.client.refresh())).toBe('active');
      expect(await tab.evaluate(async () => (await window.client.fetch('/api')).status)).toBe(200);
      expect(await tab.evaluate(() => window.reasons)).toEqual([]);
    }
    await expectOneLiveSession(userId);
    expect(outcomes(from)).not.toContain('reuse_detected');
  });

  it('signing out in one tab is seen by the others within a second', async () => {
    const { tabs, userId } = await openTabs(mode, 3);
    for (const tab of tabs)
      expect(await tab.evaluate(async () => (await window.client.fetch('/api')).status)).toBe(200);
    const leftAt = await tabs[0]?.evaluate(() => window.client.signOut().then(Date.now));
    for (const tab of tabs) {
      await tab.waitForFunction(() => window.endedAt.length > 0);
      expect(await tab.evaluate(() => [window.client.session, window.reasons])).toEqual([
        'signed_out',
        ['signed_out'],
      ]);
      const [endedAt] = await tab.evaluate(() => window.endedAt);
      expect(endedAt).toBeLessThanOrEqual(Number(leftAt) + 1_000);
      expect(await tab.evaluate(async () => (await window.client.fetch('/api')).status)).toBe(401);
      expect(await tab.evaluate(() => localStorage.length)).toBe(0);
    }
    expect(await context.cookies()).toEqual([]);
    expect((await service.sessionsOf(userId))[0]).toMatchObject({ revoked_reason: 'signed_out' });
  });

  it('a refresh in flight at sign-out stores nothing, in any tab', async () => {
    const { tabs } = await openTabs(mode, 2);
    const [leaving, waiting] = tabs as [Page, Page];
    for (const tab of tabs)
      expect(await tab.evaluate(async () => (await window.client.fetch('/api')).status)).toBe(200);
    let letGo = () => {};
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    let isHeld = () => {};
    const reached = new Promise<void>((resolve) => {
      isHeld = resolve;
    });
    proxy.decide = (path) => {
      if (!/token|refresh/.test(path)) return 'pass';
      isHeld();
      return held;
    };
    const refreshed = waiting.evaluate(() => window.client.refresh().catch(() => 'failed'));
    await reached;
    await leaving.evaluate(() => window.client.signOut());
    letGo();
    await refreshed;
    for (const tab of tabs) {
      await tab.waitForFunction(() => window.client.session === 'signed_out');
      expect(await tab.evaluate(() => localStorage.length)).toBe(0);
      // An answer that the browser had begun to read may still set cookies, which no page can
      // prevent: of a session that is over.
      const path = mode === 'cookies' ? `${proxy.origin}/browser/session` : '/api';
      const status = await tab.evaluate(
        async ([url]) => (await fetch(url, { credentials: 'include' })).status,
        [path] as const,
      );
      expect(status).toBe(401);
    }
  });

  it('a tab that holds the lock for ever does not stop the others', async () => {
    const { tabs } = await openTabs(mode, 3);
    const [holder, ...others] = tabs as [Page, Page, Page];
    const name = `session ${BROWSER_APP} ${proxy.origin}`;
    await holder.evaluate((lock) => {
      // biome-ignore lint/suspicious/noExplicitAny: Node's types have no page's navigator.
      const { locks } = (globalThis as any).navigator;
      return new Promise<void>((held) => {
        locks.request(lock, () => {
          held();
          return new Promise(() => {});
        });
      });
    }, name);
    const waits = await Promise.all(
      others.map((tab) =>
        tab.evaluate(async () => {
          const started = performance.now();
          const state = await window.client.refresh();
          return { state, ms: performance.now() - started };
        }),
      ),
    );
    for (const { state, ms } of waits) {
      expect(state).toBe('active');
      // It was the lock that was held, and the wait for it had an end.
      expect(ms).toBeGreaterThan(250);
      expect(ms).toBeLessThan(10_000);
    }
  });
});
