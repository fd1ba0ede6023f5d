/** The buttons of the page at `/` under `npm start`, and what comes to stand under them. */
import type { Browser, Locator, Page } from 'playwright-core';
import { inject } from 'vitest';
import { follow } from './press.ts';

/** A page with a session, in a browser of its own. */
export async function openDemo(
  browser: Browser,
  options: Parameters<Browser['newContext']>[0] = {},
): Promise<Page> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  await page.goto(`${inject('origin')}/`);
  await follow(page.getByRole('button', { name: 'Start a demo session' }));
  await page.getByRole('heading', { name: 'You have a session.' }).waitFor();
  return page;
}

export interface Answer {
  who: string | null;
  [fact: string]: string | null;
}

/** Presses a button, and reads what then stands under it, once everything is there. */
export async function press(page: Page, name: string, expected: number): Promise<Answer[]> {
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

/**
 * Presses a button, and again as soon as it can be, by a script in the page: a test is slower. Where
 * that took longer than a grace period all the same, it says so by what the service answered.
 */
export async function pressTwice(page: Page, name: string): Promise<Answer[]> {
  const button = page.getByRole('button', { name });
  await button.evaluate(async (element) => {
    const pressed = element as unknown as { click(): void; ariaDisabled: string };
    for (let times = 0; times < 2; times += 1) {
      pressed.click();
      while (pressed.ariaDisabled === 'true') await new Promise((later) => setTimeout(later, 10));
    }
  });
  const trial = page.getByRole('listitem').filter({ has: button });
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
