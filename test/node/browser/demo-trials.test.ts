/**
 * The buttons of the page at `/` under `npm start`: what they send is real, and what stands under
 * them is what the service did.
 */
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { findViolations } from './axe.ts';
import { launchChromium } from './chromium.ts';
import { openDemo, press, pressTwice } from './demo-buttons.ts';
import { follow } from './press.ts';

const origin = inject('origin');

let browser: Browser;
beforeAll(async () => {
  browser = await launchChromium();
});
afterAll(() => browser?.close());

const startDemo = (options?: Parameters<Browser['newContext']>[0]) => openDemo(browser, options);

/** The words on the page that stand on two lines. */
const BROKEN_WORDS = `[...document.querySelectorAll('.trials *')].flatMap(({ childNodes }) =>
  [...childNodes].filter((node) => node.nodeType === Node.TEXT_NODE).flatMap((node) =>
    [...node.data.matchAll(/[^\\s-]+/g)].filter(({ 0: word, index }) => {
      const range = document.createRange();
      range.setStart(node, index);
      range.setEnd(node, index + word.length);
      return new Set([...range.getClientRects()].map(({ top }) => Math.round(top))).size > 1;
    }).map(([word]) => word)))`;

/** The grace period of the demo's app, and the second that a token may be of. */
const passGrace = (page: Page) => page.waitForTimeout(3_000);

it('to look at the page is no use by another browser', async () => {
  const page = await startDemo();
  await page.reload();
  await page.goto(`${origin}/account`);
  const heading = page.getByRole('heading', { name: 'This device' });
  const own = await heading.locator('xpath=following-sibling::*[1]').innerText();
  expect(own).toContain('Active now');
  expect(own).not.toContain('Unusual use');
  await page.context().close();
});

it('one refresh replaces the token, and the page shows the new one', async () => {
  const page = await startDemo();
  const shown = () => page.locator('#tokens pre').first().textContent();
  const before = await shown();
  await passGrace(page);
  const [refresh] = await press(page, 'Refresh now', 1);
  expect(refresh).toMatchObject({
    Answer: '200 rotated',
    D1: '1 round trip, 1 row written',
    'Security log': 'nothing new',
  });
  expect(refresh?.['Refresh token']).toMatch(/^[0-9a-f]{6} → [0-9a-f]{6}$/);
  expect(await shown()).not.toBe(before);
  // At once again, the grace period of the new one has only begun.
  await expect
    .poll(() => pressTwice(page, 'Refresh now'))
    .toMatchObject([{ Answer: '200 kept', D1: '1 round trip, 0 rows written' }]);
  await page.context().close();
});

it('each button says what happens once the session is over, and the page says that it is', async () => {
  const page = await startDemo();
  await press(page, 'Sign out', 2);
  await page.getByRole('heading', { name: 'It runs.' }).waitFor();
  // No cookie is there because it was taken, not because the browser dropped it.
  expect(await page.getByRole('alert').count()).toBe(0);
  expect(await page.locator('#tokens pre').count()).toBe(0);
  expect(await page.getByRole('button', { name: 'Start a demo session' }).count()).toBe(1);
  const ended = {
    Answer: '401 session_ended',
    D1: '0 round trips, 0 rows written',
    'Security log': 'nothing new',
  };
  expect(await press(page, 'Refresh now', 1)).toMatchObject([ended]);
  expect(await press(page, 'Refresh in two tabs', 2)).toMatchObject([ended, ended]);
  const [out, after] = await press(page, 'Sign out', 2);
  expect([out?.Answer, after?.Answer]).toEqual(['204 unchanged', '401 session_ended']);
  const [own, thief, last] = await press(page, 'Replay it from another browser', 3);
  expect([own?.Answer, last?.Answer]).toEqual(['401 session_ended', '401 session_ended']);
  // No refresh replaced a token, so that there is none to replay.
  expect(thief).toEqual({ who: 'The other browser, with the copy' });
  expect(await page.getByText('There is no old token').count()).toBe(1);
  expect((await press(page, 'Run the cron', 1))[0]?.Answer).toBe('200 finished');
  await page.reload();
  expect(await page.getByRole('alert').count()).toBe(0);
  await page.context().close();
});

it('a tab that is older than the session replays a token of the one that there is', async () => {
  const old = await startDemo();
  const page = await old.context().newPage();
  await page.goto(`${origin}/`);
  await follow(page.getByRole('button', { name: 'Start another' }));
  await page.getByRole('heading', { name: 'You have a session.' }).waitFor();
  const [own, thief] = await press(old, 'Replay it from another browser', 3);
  expect([own?.Answer, thief?.Answer]).toEqual(['200 rotated', '401 reuse_detected']);
  expect(own?.['Refresh token']).toContain(`${thief?.['Refresh token']} → `);
  expect(await old.getByRole('heading', { level: 1 }).textContent()).toBe('The session is over.');
  // What the other tab says it learns with its next button.
  expect((await press(page, 'Refresh now', 1))[0]?.Answer).toBe('401 reuse_detected');
  expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('The session is over.');
  await old.context().close();
});

it('a service that does not answer any more is told, and the buttons work on', async () => {
  const page = await startDemo();
  await page.route('**/demo/answer?*', (route) => route.abort());
  await page.getByRole('button', { name: 'Refresh now' }).click();
  await page.getByText('There was no answer. Is npm start still running?').waitFor();
  await page.unroute('**/demo/answer?*');
  expect((await press(page, 'Refresh now', 1))[0]?.Answer).toMatch(/^200 /);
  await page.context().close();
});

it('two tabs at once get the same next token, and the old one ends the session for both', async () => {
  const page = await startDemo();
  const statuses: number[] = [];
  page.on('response', (response) => {
    if (response.url() === `${origin}/browser/refresh`) statuses.push(response.status());
  });
  await passGrace(page);
  const tabs = await press(page, 'Refresh in two tabs', 2);
  await expect.poll(() => statuses).toEqual([200, 200]);
  expect(tabs.map(({ Answer }) => Answer).sort()).toEqual(['200 repeated', '200 rotated']);
  expect(tabs[0]?.['Refresh token']).toMatch(/^[0-9a-f]{6} → [0-9a-f]{6}$/);
  expect(tabs[1]?.['Refresh token']).toBe(tabs[0]?.['Refresh token']);
  for (const { Answer, D1 } of tabs)
    expect(D1).toBe(`1 round trip, ${Answer === '200 rotated' ? '1 row' : '0 rows'} written`);

  const [before, thief, after] = await press(page, 'Replay it from another browser', 3);
  expect(before).toMatchObject({ Answer: '200 rotated' });
  expect(thief).toMatchObject({ Answer: '401 reuse_detected' });
  // What the thief used is what the browser had before, and the log says from where.
  expect(before?.['Refresh token']).toBe(
    `${thief?.['Refresh token']} → ${after?.['Refresh token']}`,
  );
  expect(thief?.['Security log']).toMatch(
    /^reuse_detected Firefox on Linux · 203\.0\.113\.9 · Reykjavík · .*browser changed/,
  );
  expect(after).toMatchObject({ Answer: '401 reuse_detected', 'Security log': 'nothing new' });
  await expect.poll(() => statuses).toEqual([200, 200, 200, 401]);
  await page.reload();
  await page.getByRole('heading', { name: 'The session is over.' }).waitFor();
  expect(await page.getByText('reuse_detected').count()).toBe(1);
});

it('signing out ends the session in one round trip and takes the cookies', async () => {
  const page = await startDemo();
  const [signOut, refresh] = await press(page, 'Sign out', 2);
  expect(signOut?.Answer).toBe('204 signed_out');
  expect(signOut?.D1).toMatch(/^1 round trip, /);
  expect(signOut?.['Security log']).toMatch(/^session_revoked /);
  expect(refresh).toMatchObject({
    Answer: '401 session_ended',
    D1: '0 round trips, 0 rows written',
  });
  expect((await page.context().cookies()).map(({ name }) => name)).not.toContain('__Host-session');
});

it('the cron runs, and says what it cost', async () => {
  const page = await startDemo();
  const [run] = await press(page, 'Run the cron', 1);
  expect(run).toMatchObject({
    Answer: '200 finished',
    D1: expect.stringMatching(/^[1-9]\d* round trips, /),
    'Signing keys': 'none was due',
    Webhooks: 'none waited',
    'Security log': expect.stringContaining('nothing new'),
  });
  expect(run?.Deleted).not.toBe('');
});

it.each([
  ['trials on a desktop', 1280, 'light'],
  ['trials on a phone', 390, 'dark'],
  ['trials on the narrowest phone', 320, 'light'],
] as const)(
  '%s: by the keyboard, no overflow, nothing that axe finds',
  async (name, width, colorScheme) => {
    const page = await startDemo({ viewport: { width, height: 900 }, colorScheme });
    const button = page.getByRole('button', { name: 'Replay it from another browser' });
    const hasTried = Promise.withResolvers<void>();
    await page.route('**/browser/refresh', async (route) => {
      await hasTried.promise;
      await route.continue();
    });
    await button.waitFor();
    await button.focus();
    await page.keyboard.press('Enter');
    // While it runs, no other button does anything, and the keyboard stays where it is.
    await page.getByText('Waiting 3 seconds').waitFor();
    await page.getByRole('button', { name: 'Run the cron' }).dispatchEvent('click');
    hasTried.resolve();
    await page.locator('.answer').nth(2).waitFor();
    expect(await page.locator('.answer').count()).toBe(3);
    expect(await button.and(page.locator(':focus')).count()).toBe(1);
    await press(page, 'Run the cron', 1);
    await assertReadable(page, name);
    await follow(page.getByRole('button', { name: 'Start another' }));
    await page.getByRole('heading', { name: 'You have a session.' }).waitFor();
    await press(page, 'Sign out', 2);
    await assertReadable(page, `${name}, signed out`);
  },
);

/** Also keeps what it looks like in the folder that SCREENSHOTS names. */
async function assertReadable(page: Page, name: string): Promise<void> {
  const overflow = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
  expect(await page.evaluate(overflow)).toBeLessThanOrEqual(0);
  expect(await page.evaluate(BROKEN_WORDS)).toEqual([]);
  const folder = process.env.SCREENSHOTS;
  if (folder) await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
  expect(await findViolations(page)).toEqual([]);
}

it('another site’s page replays nothing', async () => {
  const response = await fetch(`${origin}/demo/replay?session=x`, {
    method: 'POST',
    headers: { origin: 'https://evil.example' },
  });
  expect(response.status).toBe(403);
});
