/** The pages for people in a real Chromium, on narrow screens and with the longest names. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  BROWSER_APP,
  type BrowserService,
  launchChromium,
  type Pages,
  servePages,
  startBrowserService,
} from './chromium.ts';

/** Longer than any that are shown, and without a place to break at. */
const UNBROKEN = 'W'.repeat(80);
const PLACE = { country: 'FR', city: UNBROKEN };

let app: Pages;
let service: BrowserService;
let browser: Browser;

beforeAll(async () => {
  app = await servePages({ '/': '<title>home</title>', '/favicon.ico': '' });
  service = await startBrowserService(
    [
      { client_id: BROWSER_APP, origins: [app.origin], return_urls: [`${app.origin}/`] },
      { client_id: 'phone-app', name: 'W'.repeat(64) },
    ],
    { BRAND_NAME: 'W'.repeat(64) },
  );
  browser = await launchChromium();
});
afterAll(async () => {
  await browser?.close();
  await service?.stop();
  await app?.stop();
});

/** Someone who is signed in here and on two devices, one of which has been signed out since. */
async function open(width: number): Promise<Page & { paths: Record<string, string> }> {
  const context = await browser.newContext({ viewport: { width, height: 800 } });
  const page = await context.newPage();
  const userId = crypto.randomUUID();
  const ids: string[] = [];
  // The last two are one device to a person.
  for (const user_agent of [`${UNBROKEN}/1`, `${'M'.repeat(80)}/2`, `${'M'.repeat(80)}/2`]) {
    const response = await service.asBackend('POST', '/v1/sessions', {
      user_id: userId,
      client_id: 'phone-app',
      user_agent,
      place: PLACE,
    });
    ids.push(((await response.json()) as { session: { id: string } }).session.id);
  }
  const { startUrl } = await service.handOff(`${app.origin}/`, {
    userId,
    place: PLACE,
    label: UNBROKEN,
    metadata: { display_name: UNBROKEN },
  });
  await page.goto(startUrl);
  await page.goto(`${service.origin}/account`);
  await page.locator(`form[action*="${ids[0]}"] button`).click();
  const paths = { over: `/account/sessions/${ids[0]}`, live: `/account/sessions/${ids[1]}` };
  return Object.assign(page, { paths });
}

/** The elements that reach out of the window, and how wide the document is. */
async function measure(page: Page) {
  return (await page.evaluate(`({
    width: document.documentElement.scrollWidth,
    out: [...document.querySelectorAll('body *')]
      .filter((element) => element.getBoundingClientRect().right > innerWidth + 0.5)
      .map((element) => element.tagName + ' ' + element.textContent.slice(0, 40)),
  })`)) as { width: number; out: string[] };
}

describe.each([320, 390])('on a screen of %i pixels', (width) => {
  it('no page is wider, however long the names and places are', async () => {
    const page = await open(width);
    for (const [path, heading] of [
      ['/account?done=device', 'Your devices'],
      ['/account/activity', 'Recent activity'],
      [page.paths.live, 'M'.repeat(64)],
      [page.paths.over, 'W'.repeat(64)],
      ['/account/sign-out-others', 'Sign out of all other devices?'],
      ['/account/not-you', 'Secure your account'],
      ['/account/accounts', 'Accounts in this browser'],
      ['/account/nothing', 'There is nothing here'],
      ['/account/signed-out', 'You are signed out'],
    ] as const) {
      if (path === '/account/signed-out') await page.context().clearCookies();
      await page.goto(service.origin + path);
      expect(await page.getByRole('heading', { level: 1 }).textContent()).toContain(heading);
      const shown = await page.locator('body').textContent();
      if (heading === 'Your devices') {
        // What is measured has to be there.
        expect(shown).toContain('M'.repeat(64));
        expect(shown).toContain(UNBROKEN);
        expect(await page.getByRole('status').textContent()).toBe('The device was signed out.');
      }
      expect(await measure(page), path).toEqual({ width, out: [] });
    }
    await page.context().close();
  });
});

it('an unknown path is shown with the stylesheet, and leads back', async () => {
  const page = await open(1280);
  await page.goto(`${service.origin}/account/nothing`);
  expect(await page.evaluate('getComputedStyle(document.querySelector("header")).color')).toBe(
    'rgb(255, 255, 255)',
  );
  await page.getByRole('link', { name: 'Back to your devices' }).click();
  expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('Your devices');
  await page.context().close();
});
