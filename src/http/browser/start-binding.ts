/** Finds out who sent a browser to a start URL, and for what, as far as the browser tells. */
import { sha256 } from '../../crypto';
import { HANDOFF_SECONDS } from '../../tokens/handoff-code';
import { isPassedOn, isRefererOf } from '../../tokens/session-cookie';
import type { AppContext } from '../context';
import { ProblemError } from '../errors';
import { readStartCookie, setStartCookie } from './cookies';

/**
 * Throws unless a person navigates: fetch metadata has to say so, where there is any, and no header
 * may say that the browser looks ahead.
 */
export function assertNavigation(c: AppContext): void {
  const headers = c.req.header();
  const purpose = ['sec-purpose', 'purpose', 'x-purpose', 'x-moz']
    .map((name) => headers[name] ?? '')
    .join();
  const { 'sec-fetch-mode': mode = 'navigate', 'sec-fetch-dest': destination = 'document' } =
    headers;
  const isOpened = mode === 'navigate' && destination === 'document';
  if (/prefetch|prerender|preview/i.test(purpose) || !(isOpened || isPassedOn(headers)))
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
  const headers = c.req.header();
  const { 'sec-fetch-site': site } = headers;
  // What else fetch metadata says is then said of the worker.
  if (isPassedOn(headers)) return site !== 'cross-site' && isRefererOf(headers, [own, ...origins]);
  switch (site) {
    case 'same-origin':
      return true;
    case 'same-site':
      return isRefererOf(headers, origins);
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
