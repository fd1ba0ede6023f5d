/**
 * A page that is busy, and hears nothing meanwhile, for as long as a test wants: by a clock it would
 * be for too short a time on a slow machine, or for too long.
 */
import type { Page } from 'playwright-core';

export interface BusyPages {
  /** What `/busy` of the page's own server answers, once the page need not wait any more. */
  answer: () => Promise<string>;
  /** Resolves when the page is busy, to what lets it go on, and resolves when it does. */
  keepBusy: (tab: Page) => Promise<() => Promise<void>>;
}

/** A request that is waited for without any task in between. */
const WAIT = `(() => {
  const request = new XMLHttpRequest();
  request.open('GET', '/busy', false);
  request.send();
})()`;

/** One page at a time. */
export function createBusyPages(): BusyPages {
  let begun = Promise.withResolvers<void>();
  let over = Promise.withResolvers<string>();
  return {
    answer: () => {
      begun.resolve();
      return over.promise;
    },
    keepBusy: async (tab) => {
      begun = Promise.withResolvers();
      over = Promise.withResolvers();
      const busy = tab.evaluate(WAIT);
      await begun.promise;
      return async () => {
        over.resolve('');
        await busy;
      };
    },
  };
}

/** For the script of a page, before it has a client: counts what it asks the other tabs. */
export const COUNT_ASKS = `
  window.asks = 0;
  const say = BroadcastChannel.prototype.postMessage;
  BroadcastChannel.prototype.postMessage = function (message) {
    if (Object.keys(message).length === 0) window.asks += 1;
    say.call(this, message);
  };`;
