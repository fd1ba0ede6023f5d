/**
 * Each state of the pages for people in each language, in a real Chromium: it fits 320 pixels, with
 * text of twice the size and with wide spacing too (WCAG 2.2 §1.4.4, §1.4.10, §1.4.12), and axe
 * finds nothing.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { findViolations } from './axe.ts';
import {
  BROWSER_APP,
  type BrowserService,
  launchChromium,
  type Pages,
  servePages,
  startBrowserService,
} from './chromium.ts';

const DEVICES = {
  iphone:
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1',
  firefox: 'Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0',
  edge: 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0',
};
const ARABIC = 'هاتف أحمد (2026)';
/** Longer than any that are shown, and without a place to break at. */
const UNBROKEN = 'W'.repeat(80);
const PLACE = { country: 'GB', city: 'Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch' };
const SUPPORT = { id: 'support', secret: randomBytes(32).toString('base64url') };

let app: Pages;
let service: BrowserService;
let browser: Browser;
beforeAll(async () => {
  app = await servePages({ '/': '<title>home</title>', '/favicon.ico': '', '/hook': '' });
  const secret = `whsec_${randomBytes(32).toString('base64')}`;
  const url = `http://127.0.0.1:${app.port}/hook`;
  service = await startBrowserService(
    [
      {
        client_id: BROWSER_APP,
        name: 'Acme Shop',
        several_accounts: true,
        origins: [app.origin],
        return_urls: [`${app.origin}/`],
        recovery_url: `${app.origin}/password`,
      },
      { client_id: 'phone-app', name: 'Acme for iPhone' },
      {
        client_id: SUPPORT.id,
        secret_sha256: createHash('sha256').update(SUPPORT.secret).digest('hex'),
        allow: ['impersonate'],
        for_clients: ['phone-app'],
      },
    ],
    {
      BRAND_NAME: 'Acme',
      REAUTHENTICATE_TO_REVOKE_SECONDS: '3600',
      WEBHOOKS: JSON.stringify([{ name: 'mail', url, secret }]),
    },
  );
  browser = await launchChromium();
});
afterAll(async () => {
  await browser?.close();
  await service?.stop();
  await app?.stop();
});

const hoursAgo = (hours: number) => Math.floor(Date.now() / 1000) - hours * 3_600;

async function create(body: object, authorization?: string): Promise<string> {
  const input = { client_id: 'phone-app', ...body };
  const response = await (authorization === undefined
    ? service.asBackend('POST', '/v1/sessions', input)
    : fetch(`${service.origin}/v1/sessions`, {
        method: 'POST',
        headers: { authorization, 'content-type': 'application/json' },
        body: JSON.stringify(input),
      }));
  const answer = (await response.json()) as { session: { id: string } };
  if (response.status !== 201) throw new Error(JSON.stringify(answer));
  return answer.session.id;
}

/** A browser in which these are signed in, the last of them as the current account. */
async function signIn(lang: string, ...people: object[]): Promise<BrowserContext> {
  const colorScheme = ['de', 'ja', 'ar'].includes(lang) ? 'dark' : 'light';
  const context = await browser.newContext({
    viewport: { width: 320, height: 800 },
    colorScheme,
    bypassCSP: true,
  });
  const page = await context.newPage();
  for (const body of people) await enter(page, body);
  await page.close();
  return context;
}
async function enter(page: Page, body: object): Promise<void> {
  const auth_time = hoursAgo(0);
  const { startUrl } = await service.handOff(`${app.origin}/`, { auth_time, ...body });
  await page.goto(startUrl);
  // Who is signed in already is asked.
  if (page.url().includes('/browser/start')) await page.getByRole('button').click();
  await page.waitForURL(`${app.origin}/`);
}

/** Of a person, what webhooks were told that a mail can link to. */
const reviewsOf = (userId: string) =>
  vi.waitFor(
    () => {
      const told = app.requests
        .filter(({ url, body }) => url === '/hook' && body.includes(userId))
        .map(({ body }) => JSON.parse(body).data.review_url as string | undefined)
        .filter((url) => url !== undefined);
      if (told.length < 2) throw new Error(`${told.length} links for a mail`);
      return told;
    },
    { timeout: 60_000 },
  );

/** Someone with a device of each kind, and the addresses of what can be seen of them. */
async function startRich(lang: string) {
  const user_id = crypto.randomUUID();
  const long = await create({ user_id, user_agent: DEVICES.iphone, label: UNBROKEN, place: PLACE });
  const named = await create({ user_id, user_agent: DEVICES.iphone, label: ARABIC, amr: ['pwd'] });
  for (const city of ['Kyōto', 'القاهرة'])
    await create({ user_id, user_agent: DEVICES.edge, place: { country: 'JP', city } });
  await create({ user_id });
  const basic = `Basic ${Buffer.from(`${SUPPORT.id}:${SUPPORT.secret}`).toString('base64')}`;
  const act = { act: { sub: 'agent-7' }, reason: 'Ticket 4711' };
  const support = await create({ user_id, user_agent: DEVICES.firefox, ...act }, basic);
  const over = await create({ user_id, user_agent: DEVICES.firefox });
  const context = await signIn(lang, { user_id, metadata: { display_name: ARABIC } });
  const page = await context.newPage();
  await page.goto(`${service.origin}/account`);
  await page.locator(`form[action*="${over}"] button`).click();
  await page.getByRole('status').waitFor();
  await page.close();
  const of = (id: string) => `/account/sessions/${id}`;
  return { context, paths: [of(long), of(named), of(support), of(over)] };
}

const SPACED =
  '* { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important } p { margin-bottom: 2em !important }';
const REACHING_OUT = `[...document.querySelectorAll('body *')].filter((element) => {
  const { left, right } = element.getBoundingClientRect();
  return right > innerWidth + 0.5 || left < -0.5;
}).map((element) => element.tagName + ' ' + element.textContent.slice(0, 40))`;

/** The titles of the states that were seen, to tell them apart by. */
async function check(page: Page, lang: string, titles: Map<string, string>, state: string) {
  const at = `${lang}: ${state}`;
  const h1 = (await page.getByRole('heading', { level: 1 }).innerText()).trim();
  expect(await page.locator('html').getAttribute('lang'), at).toBe(lang);
  expect(await page.title(), at).toBe(`${h1} – Acme`);
  titles.set(state, h1);
  await page.evaluate('document.querySelectorAll("details").forEach((e) => (e.open = true))');
  expect(await page.evaluate(REACHING_OUT), at).toEqual([]);
  expect(await findViolations(page), at).toEqual([]);
  for (const content of ['html { font-size: 200% !important }', SPACED]) {
    await page.addStyleTag({ content });
    expect(await page.evaluate(REACHING_OUT), `${at}, ${content}`).toEqual([]);
  }
}

describe.each(['en', 'de', 'fr', 'es', 'pt-BR', 'ja', 'ar'])('in %s', (lang) => {
  it('every state fits, has its own title, and axe finds nothing', {
    timeout: 240_000,
  }, async () => {
    const titles = new Map<string, string>();
    const { context, paths } = await startRich(lang);
    const page = await context.newPage();
    const go = (path: string) =>
      page.goto(`${service.origin}${path}${path.includes('?') ? '&' : '?'}lang=${lang}`);
    const see = (state: string) => check(page, lang, titles, state);

    await go('/account?done=device');
    expect(await page.getByRole('status').count()).toBe(1);
    expect(await page.locator('.ask').count()).toBeGreaterThan(0);
    expect(await page.locator('details').count()).toBeGreaterThan(0);
    await see('open questions, a group, support, and something done');
    await go('/account');
    await page.locator('.ask button').first().click();
    await see('devices');
    for (const path of paths) {
      await go(path);
      await see(path === paths[0] ? 'a device' : `${path}`);
    }
    for (const path of ['/account/activity', '/account/sign-out-others', '/account/not-you']) {
      await go(path);
      await see(path);
    }
    for (const path of ['/account/nothing', '/account/sign-out', '/account/sessions/x']) {
      await go(path);
      await see('nothing');
    }
    await go('/account/activity?before=x');
    await see('unclear');
    await go('/account/accounts');
    await see('one account');
    // A link of somebody else, while one is signed in.
    const { startUrl } = await service.handOff(`${app.origin}/`, { userId: crypto.randomUUID() });
    await page.goto(`${startUrl}&lang=${lang}`);
    expect(await page.locator('input[name=code]').count()).toBe(1);
    await see('start');
    await go('/browser/start?code=none');
    await see('start refused');
    await page.goto(`${app.origin}/`);
    await page.setContent(
      `<form method="post" action="${service.origin}/account/sign-out-others?lang=${lang}"><button>x</button></form>`,
    );
    await page.getByRole('button').click();
    await page.waitForURL('**/sign-out-others?*');
    await see('another site');
    await context.clearCookies();
    await go('/account');
    await see('not signed in');
    await go('/account/signed-out');
    await see('signed out');
    await context.close();
    // Who is where has to be seen by the title alone.
    const told = [...titles].filter(([state]) => !state.startsWith('/account/sessions/'));
    const same = ['open questions, a group, support, and something done', 'another site'];
    const distinct = told.filter(([state]) => !same.includes(state)).map(([, title]) => title);
    expect(new Set(distinct).size).toBe(distinct.length);
  });

  it('nor of accounts, guests, old sign-ins and links of mails', { timeout: 240_000 }, async () => {
    const titles = new Map<string, string>();
    const user_id = crypto.randomUUID();
    for (const user_agent of Object.values(DEVICES)) await create({ user_id, user_agent });
    const person = (name: string) => ({
      user_id: crypto.randomUUID(),
      metadata: { display_name: name },
    });
    const query = `lang=${lang}`;
    const shared = await signIn(lang, person('A'), {});
    const guest = await shared.newPage();
    await guest.goto(`${service.origin}/account?${query}`);
    await check(guest, lang, titles, 'a guest, beside an account');
    await shared.close();
    const full = await signIn(lang, ...['A', UNBROKEN, ARABIC, 'D', 'E'].map(person));
    const page = await full.newPage();
    const see = (state: string, of = page) => check(of, lang, titles, state);
    await page.goto(`${service.origin}/account/accounts?${query}`);
    await see('five accounts');
    const { startUrl } = await service.handOff(`${app.origin}/`, { userId: crypto.randomUUID() });
    await page.goto(`${startUrl}&${query}`);
    await page.getByRole('button').or(page.locator('main a.button')).first().waitFor();
    if ((await page.locator('input[name=code]').count()) > 0)
      await page.getByRole('button').click();
    await see('a sixth account');
    await full.close();

    const late = await signIn(lang, { user_id, auth_time: hoursAgo(2) });
    const old = await late.newPage();
    await old.goto(`${service.origin}/account/sign-out-others?${query}`);
    await old.getByRole('button').click();
    await old.locator('main a.button').waitFor();
    await see('signed in too long ago', old);
    await late.close();

    const anybody = await signIn(lang);
    const mail = await anybody.newPage();
    const [yes, no] = await reviewsOf(user_id);
    for (const [url, index] of [
      [yes, 0],
      [no, 1],
    ] as const) {
      await mail.goto(`${url}&${query}`);
      await see('asked by a mail', mail);
      await mail.getByRole('button').nth(index).click();
      await mail.waitForURL('**/account/review?*');
      await see(`answered by a mail: ${index}`, mail);
      await mail.goto(`${url}&${query}`);
      await see('a link that was used', mail);
    }
    await anybody.close();
    expect(new Set(titles.values()).size).toBe(titles.size);
  });
});
