/** Pressing what stands on a page, and waiting for what comes of it. */
import type { Locator, Page } from 'playwright-core';

/** What a page of the examples says then, in its place for answers. */
export async function pressAndRead(page: Page, id: string): Promise<string | null> {
  await page.evaluate(`document.getElementById('answer').textContent = ''`);
  await page.click(`#${id}`);
  await page.waitForSelector('#answer:not(:empty)', { state: 'attached' });
  return page.textContent('#answer');
}

/** Goes where a link or a form leads, and waits until all of that page is there. */
export async function follow(target: Locator): Promise<void> {
  await Promise.all([target.page().waitForEvent('load'), target.click()]);
}

/** What the page has there that the types of Node have not. */
declare const MutationObserver: new (
  onChange: () => void,
) => { observe(element: unknown, options: { childList: true }): void };

/** What a button says once it was pressed, however soon it says something else again. */
export async function pressAndSee(button: Locator): Promise<string> {
  await button.evaluate((element) => {
    const told = element as unknown as { textContent: string };
    const said = new Promise((say) => {
      new MutationObserver(() => say(told.textContent)).observe(element, { childList: true });
    });
    Object.assign(globalThis, { said });
  });
  await button.click();
  return button.page().evaluate('said');
}
