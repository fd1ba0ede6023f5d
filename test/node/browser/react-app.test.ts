/**
 * docs/react.md: its app under https://app.example.test, rendered by a server that knows whose page
 * it is, hydrated in StrictMode in Chromium, with the service under /auth.
 */
import { randomUUID } from 'node:crypto';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createAccessTokenVerifier } from '../../../src/client/verify/index.ts';
import { launchChromium, type Pages, servePages } from './chromium.ts';
import { type ExampleWorkers, startExampleWorkers } from './example-workers.ts';
import { bundlePage, loadRenderer } from './react-build.ts';
import { type Front, startFront } from './tls-front.ts';

const APP = 'https://app.example.test';
const ISSUER = `${APP}/auth`;

/** What the pages record. */
declare const window: {
  texts: string[];
  answers: number;
  errors: string[];
  rendered: string[];
  commits: string[][];
  held: unknown[];
  hold(): void;
  grow(): void;
};

let workers: ExampleWorkers;
let server: Pages;
let front: Front;
let chromium: Browser;
let context: BrowserContext;
let page: Page;

beforeAll(async () => {
  const web = { client_id: 'web', origins: [APP], return_urls: [`${APP}/`] };
  workers = await startExampleWorkers({ clients: [web], ISSUER, AUDIENCE: APP }, {});
  const service = await workers.url('my-sessions');
  const { getSession } = createAccessTokenVerifier({
    issuer: ISSUER,
    audience: APP,
    cookie: true,
    fetch: (input, init) => {
      const { pathname } = new URL(input instanceof Request ? input.url : input);
      return fetch(new URL(pathname, service), init);
    },
  });
  const render = await loadRenderer();
  server = await servePages({
    '/': async (request) => {
      const initial = await getSession(request);
      return `<!doctype html><div id="root">${render(initial)}</div>
        <script type="application/json" id="initial">${JSON.stringify(initial)}</script>
        <script type="module" src="/hydrate.js"></script>`;
    },
    '/many': '<div id="root"></div><script type="module" src="/many.js"></script>',
    '/empty': '<!doctype html><title>Elsewhere in the app</title>',
  });
  const scripts: Record<string, string> = {
    '/hydrate.js': await bundlePage('hydrate'),
    '/many.js': await bundlePage('many'),
  };
  front = await startFront((_, path) => {
    const body = scripts[path];
    if (body !== undefined) return { type: 'text/javascript', body };
    return path.startsWith('/auth/') ? service : new URL(server.origin);
  });
  chromium = await launchChromium(front.args);
});
afterAll(async () => {
  await chromium?.close();
  await front?.stop();
  await server?.stop();
  await workers?.stop();
});
beforeEach(async () => {
  context = await chromium.newContext();
  page = await context.newPage();
  front.requests.length = 0;
});
afterEach(() => context.close());

/** Signs a person in, in a tab, by the hand-off: where it ends, and who it is. */
async function signIn(tab = page): Promise<string> {
  const userId = randomUUID();
  const created = await fetch(new URL('/auth/v1/sessions', await workers.url('my-sessions')), {
    method: 'POST',
    headers: { authorization: workers.authorization, 'content-type': 'application/json' },
    body: JSON.stringify({
      user_id: userId,
      client_id: 'web',
      amr: ['pwd'],
      browser: { return_url: `${APP}/` },
    }),
  });
  expect(created.status).toBe(201);
  const { browser } = (await created.json()) as { browser: { start_url: string } };
  // From a page of the app, so that a browser with a session in it is not asked.
  await tab.goto(`${APP}/empty`);
  await tab.evaluate((url) => void Object.assign(globalThis, { location: url }), browser.start_url);
  await tab.waitForURL(`${APP}/`);
  return userId;
}

const recordedIn = (tab: Page) => tab.evaluate(() => [window.texts, window.errors] as const);
/** Until the page's own client knows whose session there is, not only the server that rendered it. */
const waitUntilKnown = (tab: Page) => tab.waitForFunction(() => window.answers > 0);
const textOf = (tab: Page) => tab.evaluate(() => window.texts.at(-1));
const asked = (path: string) =>
  front.requests.filter(({ url, method }) => url === ISSUER + path && method === 'POST').length;
const of = (userId: string) => `${userId}, signed in by pwdSign out`;

describe('the documented app', () => {
  it('shows whose page it is from the server’s HTML on, without a moment of anything else', async () => {
    const userId = await signIn();
    await waitUntilKnown(page);
    // For whatever would come after it.
    await page.waitForTimeout(500);
    const [texts, errors] = await recordedIn(page);
    expect(errors).toEqual([]);
    expect(new Set(texts)).toEqual(new Set([of(userId)]));
    // StrictMode renders and mounts everything twice: there is one client.
    expect(asked('/browser/refresh')).toBe(1);
  });

  it('shows nobody where there is no session', async () => {
    await page.goto(APP);
    await waitUntilKnown(page);
    await page.waitForTimeout(500);
    expect(await recordedIn(page)).toEqual([['Sign in '], []]);
  });

  it('waits for the client where the server cannot tell', async () => {
    const userId = await signIn();
    // The first answer brings cookies, which would come after those below had gone.
    await waitUntilKnown(page);
    const cookies = (await context.cookies()).filter(({ name }) => name !== '__Host-access');
    await context.clearCookies();
    await context.addCookies(cookies);
    await page.reload();
    await expect.poll(() => textOf(page)).toBe(of(userId));
    expect(await recordedIn(page)).toEqual([['One moment…', of(userId)], []]);
  });

  it('signs out once, and every tab says why', async () => {
    const userId = await signIn();
    const other = await context.newPage();
    await other.goto(APP);
    expect(await textOf(other)).toBe(of(userId));
    for (const tab of [page, other]) await waitUntilKnown(tab);
    await page.click('text="Sign out"');
    for (const tab of [page, other]) {
      await expect.poll(() => textOf(tab)).toBe('Sign in (signed_out)');
      expect((await recordedIn(tab))[1]).toEqual([]);
    }
    expect(asked('/browser/sign-out')).toBe(1);
    expect(await context.cookies()).toEqual([]);
  });

  it('shows another person who signed in in another tab', async () => {
    const first = await signIn();
    await waitUntilKnown(page);
    expect(await textOf(page)).toBe(of(first));
    const other = await context.newPage();
    const second = await signIn(other);
    await expect.poll(() => textOf(other)).toBe(of(second));
    await expect.poll(() => textOf(page)).toBe(of(second));
  });
});

it('components that are rendered while the session changes all show the same', async () => {
  const userId = await signIn();
  const many = await context.newPage();
  await many.goto(`${APP}/many`);
  await many.waitForSelector(`li:text-is("active ${userId}")`);
  await waitUntilKnown(page);
  await many.evaluate(() => window.hold());
  await page.click('text="Sign out"');
  // That the other tab is leaving, and that it has left.
  await many.waitForFunction(() => window.held.length >= 2);
  const from = await many.evaluate(() => {
    window.grow();
    return window.rendered.length;
  });
  await many.waitForSelector('li:nth-child(60):text-is("signed_out null")');
  const [rendered, commits] = await many.evaluate(() => [window.rendered, window.commits] as const);
  // The change came between two of them.
  const states = rendered.slice(from);
  expect(new Set(states)).toEqual(new Set(['active', 'signed_out']));
  expect(states.indexOf('signed_out')).toBeLessThan(60);
  for (const texts of commits) expect(texts).toHaveLength(1);
  expect(commits.at(-1)).toEqual(['signed_out null']);
});
