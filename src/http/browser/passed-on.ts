/**
 * Finds the page that a form or a navigation comes from, also where a service worker of this origin
 * passed it on, as those of installable apps do with everything. The browser then says `empty` for
 * its destination and, in Firefox and WebKit, that the worker's own origin is where it comes from;
 * Firefox puts that into `Origin`, too. `Referer` alone still names the page; of one with
 * `no-referrer` WebKit names the worker's script there, and itself in `Origin`.
 */
import type { AppContext } from '../context';
import { isAllowedOrigin } from './same-site';

/** No page can ask for the mode `navigate`; Firefox has a worker ask in the mode `same-origin`. */
export function isPassedOn(c: AppContext): boolean {
  const { 'sec-fetch-mode': mode, 'sec-fetch-dest': destination } = c.req.header();
  if (mode === 'navigate') return destination === 'empty';
  return mode === 'same-origin' && (destination ?? 'empty') === 'empty';
}

/** The Referer names a script, which is no page. */
export function isRefererOf(c: AppContext, origins: readonly string[]): boolean {
  const page = URL.parse(c.req.header('referer') ?? '');
  return page !== null && origins.includes(page.origin) && !/\.m?js$/i.test(page.pathname);
}

/**
 * Whether a form may act with cookies: of a page of the service's own origin, or of `allowed`. Of
 * its own page's form a browser says `Origin: null` where the page has `no-referrer` (Fetch §3.2).
 */
export function isAllowedForm(c: AppContext, own: string, allowed: readonly string[]): boolean {
  const site = c.req.header('sec-fetch-site');
  const said = c.req.header('origin');
  const mayBePassedOn = isPassedOn(c) || c.req.header('sec-fetch-dest') === undefined;
  const origin = said === 'null' && site === 'same-origin' && !mayBePassedOn ? undefined : said;
  if (!isAllowedOrigin({ site, origin, isSafeMethod: false }, own, allowed)) return false;
  return site !== 'same-origin' || !isPassedOn(c) || isRefererOf(c, [own, ...allowed]);
}
