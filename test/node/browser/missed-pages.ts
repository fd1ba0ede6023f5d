/**
 * Pages of an app that can be cut off from the others, as one in the back-forward cache is: it
 * hears nothing, and nobody sees it. The service's grace period is a second. Its access tokens live
 * longer than a test, so that no page refreshes because of their age, unless a test wants them to.
 */
import { randomUUID } from 'node:crypto';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { bundleClient } from '../../../scripts/bundle-client.ts';
import type { TokenSessionClient } from '../../../src/client/browser/index.ts';
import { COUNT_ASKS, createBusyPages } from './busy-page.ts';
import {
  BROWSER_APP,
  type BrowserService,
  launchChromium,
  servePages,
  startBrowserService,
} from './chromium.ts';

const PAGE = `<!doctype html><script type="module">
  import { createSessionClient } from '/client.js';
  ${COUNT_ASKS}
  window.failures = [];
  for (const type of ['error', 'unhandledrejection'])
    addEventListener(type, (event) => window.failures.push(String(event.reason ?? event.message)));
  const listen = Object.getOwnPropertyDescriptor(BroadcastChannel.prototype, 'onmessage');
  Object.defineProperty(BroadcastChannel.prototype, 'onmessage', {
    set(heard) { listen.set.call(this, (event) => window.isDeaf || heard(event)); },
  });
  Object.defineProperty(document, 'visibilityState', {
    get: () => (window.isDeaf || window.isUnseen ? 'hidden' : 'visible'),
  });
  window.states = [];
  window.reasons = [];
  window.open = (baseUrl, kind) => {
    const stores = { localStorage, sessionStorage };
    const store = stores[kind];
    const storage = store && {
      get: (key) => store.getItem(key),
      set: (key, value) => store.setItem(key, value),
      remove: (key) => store.removeItem(key),
    };
    window.client = createSessionClient({
      baseUrl,
      mode: kind === 'cookie' ? 'cookie' : 'token',
      clientId: '${BROWSER_APP}',
      ...(storage && { storage }),
    });
    window.client.onChange((state) => window.states.push(state));
    window.client.onSignedOut((reason) => window.reasons.push(reason));
  };
  window.restore = () => {
    window.isDeaf = false;
    dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }));
  };
</script>`;

/** Where the page keeps the session: in cookies, in its memory, or in a storage. */
export type Kind = 'cookie' | 'memory' | 'localStorage' | 'sessionStorage';

declare const window: {
  client: TokenSessionClient;
  asks: number;
  open(baseUrl: string, kind: Kind): void;
};

export interface MissedPages {
  service: BrowserService;
  origin: string;
  openTab(context: BrowserContext, kind: Kind, within?: string): Promise<Page>;
  /** A new person's sign-in, in this tab. */
  signIn(tab: Page, kind: Kind): Promise<string>;
  /** Resolves when the page is busy, and hears nothing, to what lets it go on. */
  keepBusy(tab: Page): Promise<() => Promise<void>>;
  newContext(): Promise<BrowserContext>;
  stop(): Promise<void>;
}

export async function startMissedPages(ttlSeconds = 300): Promise<MissedPages> {
  const { answer, keepBusy } = createBusyPages();
  const pages = await servePages({
    '/': PAGE,
    '/empty': '<!doctype html>',
    '/busy': answer,
    '/client.js': { headers: { 'content-type': 'text/javascript' }, body: await bundleClient() },
  });
  const origins = [pages.origin];
  const app = { client_id: BROWSER_APP, origins, return_urls: [`${pages.origin}/`] };
  const [chromium, service] = await Promise.all<[Promise<Browser>, Promise<BrowserService>]>([
    launchChromium(),
    startBrowserService([app], {
      ACCESS_TOKEN_TTL_SECONDS: `${ttlSeconds}`,
      REFRESH_GRACE_SECONDS: '1',
    }),
  ] as never);
  const openIn = (tab: Page, kind: Kind) =>
    tab.evaluate(([base, given]) => window.open(base, given), [service.origin, kind] as const);
  return {
    service,
    origin: pages.origin,
    openTab: async (context, kind, prepare) => {
      const tab = await context.newPage();
      if (prepare !== undefined) await tab.addInitScript(prepare);
      await tab.goto(pages.origin);
      await openIn(tab, kind);
      return tab;
    },
    signIn: async (tab, kind) => {
      const userId = randomUUID();
      if (kind === 'cookie') {
        const { startUrl } = await service.handOff(`${pages.origin}/`, { userId });
        // A page of the app sends the browser there, so that nobody is asked about the session
        // before.
        await tab.goto(`${pages.origin}/empty`);
        await tab.evaluate((url) => void Object.assign(globalThis, { location: url }), startUrl);
        await tab.waitForURL(`${pages.origin}/`);
        await openIn(tab, kind);
      } else {
        const input = { user_id: userId, client_id: BROWSER_APP };
        const created = await service.asBackend('POST', '/v1/sessions', input);
        const tokens = (await created.json()) as Parameters<TokenSessionClient['start']>[0];
        await tab.evaluate((signedIn) => window.client.start(signedIn), tokens);
      }
      return userId;
    },
    keepBusy,
    newContext: () => chromium.newContext(),
    stop: async () => {
      await chromium.close();
      await service.stop();
      await pages.stop();
    },
  };
}

/** How often the refresh token has been replaced, as far as any tab knows. */
export const stepIn = (tab: Page) =>
  tab.evaluate<number>(`Number(Object.entries(localStorage)
    .find(([key]) => key.endsWith(' step'))?.[1].split(' ')[1])`);

/** Resolves when a page has asked the other tabs, in vain, and asked again. */
export const waitsForOthers = (tab: Page) => tab.waitForFunction(() => window.asks >= 3);
