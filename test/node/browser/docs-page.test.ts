/** The page /docs: the API to read and to try, by files of the service alone. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { findViolations } from './axe.ts';
import { launchChromium } from './chromium.ts';

const origin = inject('origin');

describe('/docs', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser?.close());

  async function open() {
    const page = await browser.newPage();
    const asked: string[] = [];
    const complaints: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(String(error)));
    await page.goto(`${origin}/docs`);
    await page.getByText('Start a session').first().waitFor();
    return { page, asked, complaints };
  }

  it('loads nothing from another host, and runs no script but its own file', async () => {
    const { page, asked, complaints } = await open();
    await page.getByText('Whether it runs, and what is amiss').first().click();
    const hosts = asked.filter((url) => !url.startsWith('data:')).map((url) => new URL(url).origin);
    expect(new Set(hosts)).toEqual(new Set([origin]));
    expect(complaints).toEqual([]);
    const response = await page.request.get(`${origin}/docs`);
    expect(response.headers()['content-security-policy']).toContain("script-src 'self';");
  });

  it('tries a call at the service itself', async () => {
    const { page } = await open();
    await page.getByText('Whether it runs, and what is amiss').first().click();
    const answer = page.waitForResponse(`${origin}/healthz`);
    await page
      .getByRole('button', { name: /execute|try|send/i })
      .first()
      .click();
    expect((await answer).status()).toBe(200);
  });

  it('axe finds nothing, on the page and on a call', async () => {
    const { page } = await open();
    expect(await findViolations(page)).toEqual([]);
    await page.getByText('Start a session').first().click();
    await page.getByText('REQUEST BODY').first().waitFor();
    expect(await findViolations(page)).toEqual([]);
  });
});
