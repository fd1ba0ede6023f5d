/** Finds out who sent a browser to a start URL, and for what, as far as the browser tells. */
import { sha256 } from '../../crypto';
import { HANDOFF_SECONDS } from '../../tokens/handoff-code';
import type { AppContext } from '../context';
import { ProblemError } from '../errors';
import { readStartCookie, setStartCookie } from './cookies';
import { isPassedOn, isRefererOf } from './passed-on';

/**
 * Throws unless a person navigates: fetch metadata has to say so, where there is any, and no header
 * may say that the browser looks ahead.
 */
export function assertNavigation(c: AppContext): void {
  const purpose = ['sec-purpose', 'purpose', 'x-purpose', 'x-moz']
    .map((name) => c.req.header(name) ?? '')
    .join();
  const { 'sec-fetch-mode': mode = 'navigate', 'sec-fetch-dest': destination = 'document' } =
    c.req.header();
  const isOpened = mode === 'navigate' && destination === 'document';
  if (/prefetch|prerender|preview/i.test(purpose) || !(isOpened || isPassedOn(c)))
    throw new ProblemError('invalid_request', 'The browser has to navigate here');
}

/**
 * Whether a navigation starts a session without asking. A redirect on the way from another site
 * makes it `cross-site`; within the site a page of the client sent the browser if its Referer says
 * so, which no other page can make a browser send. A link that a person opened from another program
 * (`none`), a mail for one, replaces no session.
 */
export function mayStartUnasked(
  c: AppContext,
  own: string,
  origins: readonly string[],
  hasSession: boolean,
): boolean {
  // The rest is then said of the worker.
  if (isPassedOn(c))
    return c.req.header('sec-fetch-site') !== 'cross-site' && isRefererOf(c, [own, ...origins]);
  switch (c.req.header('sec-fetch-site')) {
    case 'same-origin':
      return true;
    case 'same-site':
      return isRefererOf(c, origins);
    case 'none':
      return !hasSession;
    default:
      return false;
  }
}

/** Whether a form of the client's page has begun this very sign-in in this browser. */
export async function isBound(c: AppContext, code: string): Promise<boolean> {
  return readStartCookie(c) === (await sha256(code));
}

/**
 * Binds a code to this browser, by a cookie that no other host can set, until the code expires. The
 * cookie holds the code's hash, so that it is good for nothing without the code.
 */
export async function bind(c: AppContext, code: string): Promise<void> {
  setStartCookie(c, await sha256(code), HANDOFF_SECONDS);
}
