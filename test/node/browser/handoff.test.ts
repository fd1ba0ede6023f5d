/**
 * The hand-off in a real Chromium: what the browser keeps, what scripts see of it, and where it
 * goes.
 */
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { USER } from '../../people';
import {
  BROWSER_APP,
  type BrowserService,
  launchChromium,
  type Pages,
  servePages,
  startBrowserService,
} from './chromium.ts';

let app: Pages;
/** Another port of the app's host: within the site, and nobody's. */
let sibling: Pages;
/** The app on another site. */
let elsewhere: string;
let service: BrowserService;
let browser: Browser;
let context: BrowserContext;
let page: Page;

beforeAll(async () => {
  app = await servePages({ '/': '<title>home</title>', '/signed-in': '<title>signed in</title>' });
  sibling = await servePages({ '/': '<title>sibling</title>' });
  elsewhere = app.origin.replace('localhost', '127.0.0.1');
  service = await startBrowserService([
    { client_id: BROWSER_APP, origins: [app.origin], return_urls: [`${app.origin}/signed-in`] },
    { client_id: 'elsewhere', origins: [elsewhere], return_urls: [`${elsewhere}/signed-in`] },
  ]);
  browser = await launchChromium();
});
afterAll(async () => {
  await browser?.close();
  await service?.stop();
  await sibling?.stop();
  await app?.stop();
});

beforeEach(async () => {
  context = await browser.newContext();
  page = await context.newPage();
  app.requests.length = 0;
});
afterEach(() => context.close());

/** The app sends the browser to the service. */
const follow = (startUrl: string) =>
  Promise.all([
    page.waitForURL(`${app.origin}/signed-in*`),
    page.evaluate(`location.href = ${JSON.stringify(startUrl)}`),
  ]);

const signIn = async () => {
  const { startUrl, sessionId } = await service.handOff(`${app.origin}/signed-in?next=%2Fcart`, {
    userId: USER,
  });
  await page.goto(`${app.origin}/`);
  await follow(startUrl);
  return sessionId;
};

/** What the app's own page gets from the service. */
const ask = (method: string, path: string) =>
  page.evaluate(`fetch(${JSON.stringify(service.origin + path)}, {
    method: ${JSON.stringify(method)},
    credentials: 'include',
    headers: ${method === 'GET' ? '{}' : "{ 'content-type': 'application/json' }"},
  }).then(async (response) => ({ status: response.status, text: await response.text() }))`) as Promise<{
    status: number;
    text: string;
  }>;

/** The statuses of all requests for a start URL, by the log. */
const startsOf = (of: BrowserService) =>
  [...of.output().matchAll(/"route":"\/browser\/start","status":(\d+)/g)].map(
    ([, status]) => status,
  );

describe('the hand-off in Chromium', () => {
  it('stores two __Host- cookies and lands on the return URL; scripts see neither', async () => {
    await signIn();
    expect(page.url()).toBe(`${app.origin}/signed-in?next=%2Fcart`);
    expect(await page.title()).toBe('signed in');
    const cookies = await context.cookies();
    expect(cookies.map(({ name }) => name).sort()).toEqual(['__Host-access', '__Host-session']);
    for (const cookie of cookies)
      expect(cookie).toMatchObject({
        domain: 'localhost',
        path: '/',
        httpOnly: true,
        secure: true,
        sameSite: 'Lax',
      });
    expect(await page.evaluate('document.cookie')).toBe('');
    expect(await page.evaluate('cookieStore.getAll().then((all) => all.length)')).toBe(0);
    await page.goto(`${service.origin}/browser/session`);
    expect(await page.evaluate('document.cookie')).toBe('');
  });

  it("the app's page refreshes, sees the session and signs out, and no answer holds a token", async () => {
    const sessionId = await signIn();
    const [before] = await context.cookies();
    const refreshed = await ask('POST', '/browser/refresh');
    expect(refreshed.status).toBe(200);
    expect(JSON.parse(refreshed.text)).toMatchObject({
      session: { id: sessionId },
      expires_in: 300,
    });
    expect(refreshed.text).not.toMatch(/eyJ|v2\./);
    expect((await context.cookies()).length).toBe(2);
    expect(before).toBeDefined();
    const session = await ask('GET', '/browser/session');
    expect(JSON.parse(session.text)).toMatchObject({ session: { id: sessionId, user_id: USER } });
    expect((await ask('POST', '/browser/sign-out')).status).toBe(204);
    expect(await context.cookies()).toEqual([]);
    expect(await ask('POST', '/browser/refresh')).toMatchObject({ status: 401 });
    const ended = (await service.sessionsOf(USER)).find(({ id }) => id === sessionId);
    expect(ended).toMatchObject({ revoked_reason: 'signed_out' });
  });

  it('the code is in no Referer', async () => {
    const { startUrl } = await service.handOff(`${app.origin}/signed-in`);
    await page.goto(`${app.origin}/`);
    await Promise.all([
      page.waitForURL(`${app.origin}/signed-in`),
      page.evaluate(`location.href = ${JSON.stringify(startUrl)}`),
    ]);
    const arrived = app.requests.find(({ url }) => url === '/signed-in');
    expect(arrived).toBeDefined();
    expect(JSON.stringify(arrived)).not.toContain('code=');
  });

  it('a link that is opened again goes on, and leaves the browser signed in', async () => {
    const { startUrl } = await service.handOff(`${app.origin}/signed-in`);
    await page.goto(startUrl);
    const cookies = await context.cookies();
    await page.goto(startUrl);
    expect(page.url()).toBe(`${app.origin}/signed-in`);
    expect(await context.cookies()).toEqual(cookies);
  });

  it.each([
    ["another site's link", () => elsewhere],
    ['a link of another host of the site', () => sibling.origin],
  ])("%s asks, and the answer is the person's", async (_, origin) => {
    const first = await signIn();
    const { startUrl, sessionId: second } = await service.handOff(`${app.origin}/signed-in`);
    const cookies = await context.cookies();
    await page.goto(origin());
    await page.evaluate(`location.href = ${JSON.stringify(startUrl)}`);
    await page.waitForURL(startUrl);
    expect(await page.textContent('h1')).toBe('Continue signing in?');
    expect(await context.cookies()).toEqual(cookies);
    const kept = (await service.sessionsOf(USER)).find(({ id }) => id === first);
    expect(kept).toMatchObject({ revoked_at: null });
    await page.click('button');
    await page.waitForURL(`${app.origin}/signed-in`);
    expect(JSON.parse((await ask('GET', '/browser/session')).text)).toMatchObject({
      session: { id: second },
    });
  });

  it("a form of the app's page starts a session without asking", async () => {
    await signIn();
    const { startUrl, sessionId } = await service.handOff(`${app.origin}/signed-in`);
    const { origin, pathname, searchParams } = new URL(startUrl);
    await page.setContent(
      `<form method="post" action="${origin}${pathname}"><input type="hidden" name="code" value="${searchParams.get('code')}"><button>Continue</button></form>`,
    );
    await page.click('button');
    await page.waitForURL(`${app.origin}/signed-in`);
    expect(JSON.parse((await ask('GET', '/browser/session')).text)).toMatchObject({
      session: { id: sessionId },
    });
  });

  it('a form of the app on another site does, too, and ends the session that there was', async () => {
    const first = await signIn();
    const { startUrl, sessionId } = await service.handOff(`${elsewhere}/signed-in`, {
      clientId: 'elsewhere',
      userId: USER,
    });
    const { origin, pathname, searchParams } = new URL(startUrl);
    await page.goto(elsewhere);
    await page.setContent(
      `<form method="post" action="${origin}${pathname}"><input type="hidden" name="code" value="${searchParams.get('code')}"><button>Continue</button></form>`,
    );
    await page.click('button');
    await page.waitForURL(`${elsewhere}/signed-in`);
    const sessions = await service.sessionsOf(USER);
    const byId = (id: string) => sessions.find((session) => session.id === id);
    expect(byId(first)).toMatchObject({ revoked_reason: 'signed_out' });
    expect(byId(sessionId)).toMatchObject({ revoked_at: null });
    const cookies = (await context.cookies(service.origin)).map(({ name }) => name);
    expect(cookies.sort()).toEqual(['__Host-access', '__Host-session']);
  });

  it.each([
    ['a prefetch', (url: string) => `<link rel="prefetch" href="${url}">`],
    [
      'speculation rules',
      (url: string) =>
        `<script type="speculationrules">{"prefetch":[{"source":"list","urls":["${url}"],"eagerness":"immediate"}],"prerender":[{"source":"list","urls":["${url}"],"eagerness":"immediate"}]}</script>`,
    ],
    ['an image', (url: string) => `<img src="${url}">`],
    ['a frame', (url: string) => `<iframe src="${url}"></iframe>`],
    ['an object', (url: string) => `<object data="${url}"></object>`],
  ])('%s of the start URL uses no code up and sets no cookie', async (_, html) => {
    const { startUrl } = await service.handOff(`${app.origin}/signed-in`);
    await page.goto(`${app.origin}/`);
    const before = startsOf(service).length;
    await page.setContent(html(startUrl));
    // It comes to the service, and is refused.
    await expect.poll(() => startsOf(service).slice(before)).toContain('400');
    expect(new Set(startsOf(service).slice(before))).toEqual(new Set(['400']));
    expect(await context.cookies()).toEqual([]);
    await page.goto(startUrl);
    expect(page.url()).toBe(`${app.origin}/signed-in`);
    expect(await context.cookies()).toHaveLength(2);
  });

  it('a sign-in over another session replaces the cookies and ends that session', async () => {
    const first = await signIn();
    const second = await signIn();
    expect(JSON.parse((await ask('GET', '/browser/session')).text)).toMatchObject({
      session: { id: second },
    });
    const ended = (await service.sessionsOf(USER)).find(({ id }) => id === first);
    expect(ended).toMatchObject({ revoked_reason: 'signed_out' });
  });

  it('ten tabs that refresh at once stay signed in', async () => {
    const sessionId = await signIn();
    const tabs = await Promise.all(Array.from({ length: 10 }, () => context.newPage()));
    await Promise.all(tabs.map((tab) => tab.goto(`${app.origin}/`)));
    const statuses = await Promise.all(
      tabs.map((tab) =>
        tab.evaluate(
          `fetch(${JSON.stringify(`${service.origin}/browser/refresh`)}, { method: 'POST', credentials: 'include', headers: { 'x-requested-with': 'fetch' } }).then(({ status }) => status)`,
        ),
      ),
    );
    expect(statuses).toEqual(Array(10).fill(200));
    expect(JSON.parse((await ask('GET', '/browser/session')).text)).toMatchObject({
      session: { id: sessionId },
    });
  });
});
