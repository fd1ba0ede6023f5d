/** Chromium, by the DevTools protocol. */
import { launchChromium } from '../../test/node/browser/chromium.ts';
import { type Engine, toText } from './engine.ts';

export async function startChromium(): Promise<Engine> {
  const browser = await launchChromium(['--ignore-certificate-errors']);
  return {
    name: 'Chromium',
    version: browser.version(),
    openProfile: async () => {
      const context = await browser.newContext();
      return {
        openTab: async (url) => {
          const page = await context.newPage();
          await page.goto(url);
          return {
            goto: async (target) => void (await page.goto(target)),
            narrow: (width) => page.setViewportSize({ width, height: 700 }),
            evaluate: async (expression) => JSON.parse(await page.evaluate(toText(expression))),
          };
        },
        close: () => context.close(),
      };
    },
    close: () => browser.close(),
  };
}
