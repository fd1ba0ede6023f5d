/** What axe finds on a page, by the rules of WCAG 2.2 that a program can check. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What it finds, in words: no more than that leaves the page, which takes as long as axe itself. */
const RUN = `axe.run({ resultTypes: ['violations'] }).then(({ violations }) =>
  violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ html }) => html).join(' ')))`;

/** A script of the page itself could not run: the policy of the pages for people allows none. */
export async function findViolations(page: Page): Promise<string[]> {
  const session = await page.context().newCDPSession(page);
  await session.send('Page.setBypassCSP', { enabled: true });
  await page.evaluate(AXE);
  const violations = (await page.evaluate(RUN)) as string[];
  await session.detach();
  return violations;
}
