/** The operator console in a real Chromium, as npm start runs it beside the service. */
import { join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { DEMO_USER_ID } from '../../../src/dev/demo-person.ts';
import {
  AUDIENCE,
  ISSUER,
  newUser,
  OPERATOR,
  openBrowser,
  startTwoWorkers,
} from '../console/two-workers.ts';
import { createSession } from '../demo.ts';
import { findViolations } from './axe.ts';
import { launchChromium, servePages } from './chromium.ts';
import { expectUnframed } from './framed.ts';

const origin = inject('origin');

let browser: Browser;
const contexts: BrowserContext[] = [];
beforeAll(async () => {
  browser = await launchChromium();
});
afterAll(() => browser?.close());
afterEach(async () => {
  await Promise.all(contexts.splice(0).map((context) => context.close()));
});

type Options = Parameters<Browser['newContext']>[0];

async function open(options: Options = {}): Promise<{ page: Page; complaints: string[] }> {
  const context = await browser.newContext(options);
  contexts.push(context);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => complaints.push(message.text()));
  return { page, complaints };
}

/** The demo's person, who is an operator under npm start. */
async function signIn(options: Options = {}) {
  const opened = await open(options);
  await opened.page.goto(`${origin}/`);
  await opened.page.getByRole('button', { name: 'Start a demo session' }).click();
  return opened;
}

const headingOf = (page: Page) => page.getByRole('heading', { level: 1 }).textContent();

/** Somebody of another app, of whom an operator is told. */
const startSomebody = async () => {
  const { session } = await createSession({ client_id: 'demo-app', user_id: newUser() });
  return { sessionId: session.id, userId: session.user_id as string };
};

describe.each([
  ['with JavaScript', {}],
  ['without JavaScript', { javaScriptEnabled: false }],
])('%s', (_, options) => {
  it('an operator finds a person, ends a session, and is in the audit log', async () => {
    const { userId } = await startSomebody();
    const { page, complaints } = await signIn(options);
    await page.goto(`${origin}/console`);
    expect(await headingOf(page)).toBe('Overview');
    await page.getByRole('link', { name: 'People' }).click();
    await page.getByLabel('Id of a user').fill(userId);
    await page.getByRole('button', { name: 'Find' }).first().click();
    await page.getByRole('link', { name: 'Unknown device' }).first().click();
    await page.getByRole('link', { name: 'End this session' }).click();
    await page.getByLabel('Reason').selectOption({ label: 'The person asked for it' });
    await page.getByLabel('Note').fill('by telephone');
    await page.getByRole('button', { name: 'End this session' }).click();
    expect(await page.getByRole('status').textContent()).toBe('The session was ended.');
    await page.getByRole('link', { name: 'Audit log' }).click();
    const newest = page.getByRole('row', { name: 'by telephone' }).first();
    expect(await newest.textContent()).toContain(DEMO_USER_ID);
    expect(complaints).toEqual([]);
  });
});

it('a reason has to be chosen: the browser itself asks for it', async () => {
  const { userId } = await startSomebody();
  const { page } = await signIn();
  await page.goto(`${origin}/console/people/${userId}/end`);
  await page.getByRole('button', { name: 'End all sessions' }).click();
  expect(page.url()).toBe(`${origin}/console/people/${userId}/end`);
  expect(await page.evaluate("document.querySelector('select').matches(':invalid')")).toBe(true);
});

it('by keyboard: the first stop leads past the navigation', async () => {
  const { page } = await signIn();
  await page.goto(`${origin}/console`);
  await page.keyboard.press('Tab');
  expect(await page.evaluate('document.activeElement.textContent.trim()')).toBe(
    'Skip to the content',
  );
  await page.keyboard.press('Enter');
  await page.waitForURL(`${origin}/console#main`);
});

const SCREENS = [
  ['a phone of 320 pixels', { viewport: { width: 320, height: 640 } }],
  ['a desktop', { viewport: { width: 1280, height: 900 } }],
  ['a dark phone', { viewport: { width: 320, height: 640 }, colorScheme: 'dark' as const }],
  ['a dark desktop', { viewport: { width: 1280, height: 900 }, colorScheme: 'dark' as const }],
] as const;

/**
 * The page fits its width, axe finds nothing, and a picture of it is kept where one is asked for.
 */
async function check(page: Page, heading: string, screen: string): Promise<void> {
  expect(await headingOf(page)).toContain(heading);
  expect([
    heading,
    await page.evaluate('document.documentElement.scrollWidth - innerWidth'),
    await findViolations(page),
  ]).toEqual([heading, 0, []]);
  const folder = process.env.SCREENSHOTS;
  const name = `${screen} ${heading}.png`.replaceAll(/[^\w.]+/g, '-');
  if (folder) await page.screenshot({ path: join(folder, name), fullPage: true });
}

describe.each(SCREENS)('on %s', (screen, options) => {
  it('every page fits its width, and axe finds nothing', async () => {
    const { userId, sessionId } = await startSomebody();
    const { page } = await signIn(options);
    const pages: [path: string, heading: string][] = [
      ['', 'Overview'],
      ['?hours=720', 'Overview'],
      ['/find', 'People and sessions'],
      ['/find?id=nobody', 'People and sessions'],
      [`/people/${userId}`, 'Person'],
      [`/people/${userId}/end`, 'End all sessions?'],
      [`/people/${userId}?ended=2`, 'Person'],
      [`/sessions/${sessionId}`, 'Unknown device'],
      [`/sessions/${sessionId}/end`, 'End this session?'],
      ['/webhooks', 'Webhooks'],
      ['/webhooks/replay?all=1', 'Replay all'],
      ['/homes', 'Homes'],
      ['/keys', 'Signing keys'],
      ['/audit', 'Audit log'],
      ['/nothing', 'Not found'],
    ];
    for (const [path, heading] of pages) {
      await page.goto(`${origin}/console${path}`);
      await check(page, heading, screen);
    }
    await page.goto(`${origin}/console`);
    await page.getByText('As a table').first().click();
    await check(page, 'Overview', `${screen} tables`);
    await page.context().clearCookies();
    await page.goto(`${origin}/console`);
    await check(page, 'You are not signed in', screen);
  });
});

describe('what is shown to others than operators', () => {
  /** Pages of Workers that are configured otherwise, shown at an address of this console. */
  const shown: [heading: string, text: string][] = [];
  beforeAll(async () => {
    const unset = await startTwoWorkers({ variables: { ISSUER } });
    shown.push(['The console is not set up', (await unset.ask('/console')).text]);
    await unset.stop();
    const variables = { ISSUER, AUDIENCE, OPERATORS: OPERATOR, SIGN_IN_URL: '/sign-in' };
    const workers = await startTwoWorkers({ variables });
    const read = async (heading: string, userId: string, secondsAgo: number, path = '/console') => {
      const auth_time = Math.floor(Date.now() / 1000) - secondsAgo;
      const cookie = await workers.signIn(userId, { auth_time });
      shown.push([heading, (await openBrowser(workers, { cookie }).get(path)).text]);
    };
    await read('You are not an operator', newUser(), 0);
    await read('Prove who you are once more', OPERATOR, 13 * 3600);
    await read('End all sessions?', OPERATOR, 3600, `/console/people/${newUser()}/end`);
    await workers.stop();
  });

  it.each(SCREENS)('fits %s, and axe finds nothing', async (screen, options) => {
    const { page } = await open(options);
    expect(shown).toHaveLength(4);
    for (const [heading, body] of shown) {
      await page.route(`${origin}/console/shown`, (route) =>
        route.fulfill({ contentType: 'text/html; charset=utf-8', body }),
      );
      await page.goto(`${origin}/console/shown`);
      await check(page, heading, `${screen} others`);
    }
  });
});

it('no page of another origin frames it, also where the operator’s cookies go', async () => {
  const { page } = await signIn();
  const other = await servePages({ '/': '<!doctype html>' });
  try {
    await page.goto(other.origin);
    await expectUnframed(page, `${origin}/console`);
  } finally {
    await other.stop();
  }
});
