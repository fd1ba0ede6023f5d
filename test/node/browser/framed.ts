/** A page that another one tries to show in a frame. */
import type { Page } from 'playwright-core';
import { expect } from 'vitest';

/** What Chromium shows in place of a page that lets nobody frame it. */
const REFUSED = 'chrome-error://chromewebdata/';

/** The page, with `url` in a frame: that is asked for, and its answer forbids to show it there. */
export async function expectUnframed(page: Page, url: string, html = ''): Promise<void> {
  const asked = page.waitForRequest(url);
  await page.setContent(`<iframe src="${url}"></iframe>${html}`);
  await expect.poll(() => page.frames()[1]?.url()).toBe(REFUSED);
  expect((await asked).failure()?.errorText).toBe('net::ERR_BLOCKED_BY_RESPONSE');
}
