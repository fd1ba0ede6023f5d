/**
 * The buttons of the page at `/` under `npm start`: what they send is real, and what stands under
 * them is what the service did.
 */
import { join } from 'node:path';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { findViolations } from './axe.ts';
import { launchChromium } from './chromium.ts';

const origin = inject('origin');

let browser: Browser;
beforeAll(async () => {
  browser = await launchChromium();
});
afterAll(() => browser?.close());

async function startDemo(options: Parameters<Browser['newContext']>[0] = {}): Promise<Page> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  await page.goto(`${origin}/`);
  await page.getByRole('button', { name: 'Start a demo session' }).click();
  await page.getByRole('heading', { name: 'You have a session.' }).waitFor();
  return page;
}

interface Answer {
  who: string | null;
  [fact: string]: string | null;
}

/** Presses a button, and reads what then stands under it, once everything is there. */
async function press(page: Page, name: string, expected: number): Promise<Answer[]> {
  const trial = page.getByRole('listitem').filter({ has: page.getByRole('button', { name }) });
  await trial.getByRole('button', { name }).click();
  const last = trial.locator('.answer').nth(expected - 1);
  // Where it does not come, what stands there instead says why.
  await last.waitFor({ timeout: 45_000 }).catch(async (error: Error) => {
    throw new Error(`${error.message}\nunder the button: ${await trial.innerText()}`);
  });
  await page.locator('button[data-rounds][aria-disabled=false]').first().waitFor();
  return Promise.all((await trial.locator('.answer').all()).map(readAnswer));
}

async function readAnswer(answer: Locator): Promise<Answer> {
  const [who, names, facts] = await Promise.all([
    answer.getByRole('heading').textContent(),
    answer.locator('dt').allTextContents(),
    answer.locator('dd').allTextContents(),
  ]);
  return { who, ...Object.fromEntries(names.map((name, at) => [name, facts[at] ?? null])) };
}

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

it('two tabs at once get the same next token, and the old one ends the session for both', async () => {
  const page = await startDemo();
  const statuses: number[] = [];
  page.on('response', (response) => {
    if (response.url() === `${origin}/browser/refresh`) statuses.push(response.status());
  });
  await passGrace(page);
  const tabs = await press(page, 'Refresh in two tabs', 2);
  expect(statuses).toEqual([200, 200]);
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
  expect(statuses).toEqual([200, 200, 200, 401]);
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
  expect(run?.D1).toMatch(/^[1-9]\d* round trips, /);
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
    await button.waitFor();
    await button.focus();
    await page.keyboard.press('Enter');
    // While it runs, no other button does anything, and the keyboard stays where it is.
    await page.getByText('Waiting 3 seconds').waitFor();
    await page.getByRole('button', { name: 'Run the cron' }).dispatchEvent('click');
    await page.locator('.answer').nth(2).waitFor();
    expect(await page.locator('.answer').count()).toBe(3);
    expect(await button.and(page.locator(':focus')).count()).toBe(1);
    await press(page, 'Run the cron', 1);
    await assertReadable(page, name);
    await page.getByRole('button', { name: 'Start another' }).click();
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
