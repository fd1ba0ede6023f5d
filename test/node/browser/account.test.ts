/** The page "Your devices" in a real Chromium: walked as a person walks it. */
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { findViolations } from './axe.ts';
import {
  BROWSER_APP,
  type BrowserService,
  launchChromium,
  type Pages,
  servePages,
  startBrowserService,
} from './chromium.ts';
import { expectUnframed } from './framed.ts';

const IPHONE =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1';
const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0';

let app: Pages;
let service: BrowserService;
let browser: Browser;
const contexts: BrowserContext[] = [];

beforeAll(async () => {
  app = await servePages({ '/': '<title>home</title>', '/favicon.ico': '' });
  service = await startBrowserService(
    [
      { client_id: BROWSER_APP, origins: [app.origin], return_urls: [`${app.origin}/`] },
      { client_id: 'phone-app' },
    ],
    { BRAND_NAME: 'Acme', BRAND_COLOR: '#0a7d4f' },
  );
  browser = await launchChromium();
});
afterAll(async () => {
  await browser?.close();
  await service?.stop();
  await app?.stop();
});
afterEach(async () => {
  await Promise.all(contexts.splice(0).map((context) => context.close()));
});

interface Person {
  page: Page;
  userId: string;
  /** What the browser's console said. */
  complaints: string[];
}

/** Someone who is signed in here, on a phone and in Firefox. */
async function open(options: Parameters<Browser['newContext']>[0] = {}): Promise<Person> {
  const context = await browser.newContext(options);
  contexts.push(context);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  const userId = crypto.randomUUID();
  for (const user_agent of [IPHONE, FIREFOX])
    await service.asBackend('POST', '/v1/sessions', {
      user_id: userId,
      client_id: 'phone-app',
      user_agent,
    });
  const { startUrl } = await service.handOff(`${app.origin}/`, { userId });
  await page.goto(startUrl);
  await page.goto(`${service.origin}/account`);
  return { page, userId, complaints };
}

/** This device first; the others, which were made in the same second, by name. */
async function devices(page: Page): Promise<(string | undefined)[]> {
  const [own, ...others] = await page.locator('ul.card h3').allTextContents();
  return [own, ...others.sort()];
}
const liveSessions = async ({ userId }: Person) =>
  (await service.sessionsOf(userId)).filter(({ revoked_at }) => revoked_at === null).length;

describe.each([
  ['with JavaScript', {}],
  ['without JavaScript', { javaScriptEnabled: false }],
])('%s', (_, options) => {
  it('lists, signs one out, then all others, then this one', async () => {
    const person = await open(options);
    const { page, complaints } = person;
    expect(await page.title()).toBe('Your devices – Acme');
    await page.getByRole('link', { name: 'Safari on iOS' }).first().click();
    await page.getByLabel('Your name for this device').fill('Phone');
    await page.getByRole('button', { name: 'Save' }).click();
    expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('Phone');
    await page.getByLabel('Your name for this device').fill('');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('link', { name: 'Back to your devices' }).click();
    expect(await devices(page)).toEqual([
      'Headless Chrome on Linux',
      'Firefox on Linux',
      'Safari on iOS',
    ]);

    await page.getByRole('button', { name: 'Sign out Safari on iOS' }).click();
    expect(await page.getByRole('status').textContent()).toBe('The device was signed out.');
    expect(await devices(page)).toEqual(['Headless Chrome on Linux', 'Firefox on Linux']);
    expect(await liveSessions(person)).toBe(2);

    await page.getByRole('link', { name: 'Sign out of all other devices' }).click();
    await page.getByRole('link', { name: 'Cancel' }).click();
    expect(await liveSessions(person)).toBe(2);
    await page.getByRole('link', { name: 'Sign out of all other devices' }).click();
    await page.getByRole('button', { name: 'Sign out of all other devices' }).click();
    expect(await devices(page)).toEqual(['Headless Chrome on Linux']);
    expect(await page.getByText('You are not signed in anywhere else.').count()).toBe(1);
    expect(await liveSessions(person)).toBe(1);

    await page.getByRole('button', { name: 'Sign out Headless Chrome on Linux' }).click();
    expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('You are signed out');
    expect(await page.context().cookies()).toEqual([]);
    expect(await liveSessions(person)).toBe(0);
    expect(complaints).toEqual([]);
  });
});

it('a session that was ended elsewhere: the page says so, and changes nothing more', async () => {
  const person = await open();
  await service.asBackend('DELETE', `/v1/users/${person.userId}/sessions`);
  await person.page.getByRole('button', { name: 'Sign out Safari on iOS' }).click();
  expect(await person.page.getByRole('heading', { level: 1 }).textContent()).toBe(
    'You are not signed in',
  );
  await person.page.getByRole('link', { name: 'Go to the app' }).click();
  expect(person.page.url()).toBe(`${app.origin}/`);
});

it('by keyboard alone, with the focus in sight', async () => {
  const person = await open();
  const { page } = person;
  const stops: string[] = [];
  for (let presses = 0; presses < 11; presses += 1) {
    await page.keyboard.press('Tab');
    const [name, outline] = (await page.evaluate(
      `(() => { const e = document.activeElement; return [e.getAttribute('aria-label') ?? e.textContent.trim(), getComputedStyle(e).outlineStyle]; })()`,
    )) as [string, string];
    stops.push(name);
    expect(outline).toBe('solid');
  }
  // The others were made in the same second.
  expect([...stops.slice(0, 7), ...stops.slice(7).sort()]).toEqual([
    'Back to browser-app',
    'Sign out of all other devices',
    // The question of the second sign-in, which was by another device than the first.
    'Firefox on Linux',
    'Yes, it was me',
    'No, it was not me',
    'Headless Chrome on Linux',
    'Sign out Headless Chrome on Linux',
    'Firefox on Linux',
    'Safari on iOS',
    'Sign out Firefox on Linux',
    'Sign out Safari on iOS',
  ]);
  for (let presses = 0; presses < 9; presses += 1) await page.keyboard.press('Shift+Tab');
  await page.keyboard.press('Enter');
  await page.waitForURL('**/sign-out-others');
  // The way back to the app comes first.
  for (let presses = 0; presses < 2; presses += 1) await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.waitForURL('**/account?done=others');
  expect(await liveSessions(person)).toBe(1);
});

describe.each([
  ['a 360-pixel phone', { viewport: { width: 360, height: 740 } }],
  ['a desktop', { viewport: { width: 1280, height: 900 } }],
  ['a dark phone', { viewport: { width: 360, height: 740 }, colorScheme: 'dark' as const }],
  ['a dark desktop', { viewport: { width: 1280, height: 900 }, colorScheme: 'dark' as const }],
])('on %s', (_, options) => {
  it('every page fits its width, and axe finds nothing', async () => {
    const { page, userId } = await open(options);
    const check = async (heading: string, path?: string) => {
      if (path !== undefined) await page.goto(service.origin + path);
      expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe(heading);
      expect(
        await page.evaluate('document.documentElement.scrollWidth - innerWidth'),
      ).toBeLessThanOrEqual(0);
      expect(await findViolations(page)).toEqual([]);
    };
    await check('Your devices');
    await check('Sign out of all other devices?', '/account/sign-out-others');
    await page.getByRole('button').click();
    await check('Your devices');
    await check('Recent activity', '/account/activity');
    await service.asBackend('DELETE', `/v1/users/${userId}/sessions`);
    await check('You are not signed in', '/account');
    await page.context().clearCookies();
    await check('You are signed out', '/account/signed-out');
  });
});

it('a page of another site can neither frame it nor send its forms', async () => {
  const person = await open();
  const { page } = person;
  await page.goto(`${app.origin}/`);
  await expectUnframed(
    page,
    `${service.origin}/account`,
    `<form method="post" action="${service.origin}/account/sign-out-others"><button>win a prize</button></form>`,
  );
  await page.getByRole('button').click();
  await page.waitForURL('**/account/sign-out-others');
  expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('That did not work');
  expect(await liveSessions(person)).toBe(3);
});
