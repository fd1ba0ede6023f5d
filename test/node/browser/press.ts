/** Pressing a button of the examples' pages. */
import type { Page } from 'playwright-core';

/** What the page says then, in its place for answers. */
export async function pressAndRead(page: Page, id: string): Promise<string | null> {
  await page.evaluate(`document.getElementById('answer').textContent = ''`);
  await page.click(`#${id}`);
  await page.waitForSelector('#answer:not(:empty)', { state: 'attached' });
  return page.textContent('#answer');
}
