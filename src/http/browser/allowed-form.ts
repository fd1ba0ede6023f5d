/** Whether a form may act with cookies, also where a service worker passed it on. */
import { isPassedOn, isRefererOf } from '../../tokens/session-cookie';
import type { AppContext } from '../context';
import { isAllowedOrigin } from './same-site';

/**
 * Whether a form may act with cookies: of a page of the service's own origin, or of `allowed`. Of
 * its own page's form a browser says `Origin: null` where the page has `no-referrer` (Fetch §3.2).
 */
export function isAllowedForm(c: AppContext, own: string, allowed: readonly string[]): boolean {
  const headers = c.req.header();
  const { origin: said, 'sec-fetch-site': site } = headers;
  const isByWorker = isPassedOn(headers);
  const mayBePassedOn = isByWorker || headers['sec-fetch-dest'] === undefined;
  const origin = said === 'null' && site === 'same-origin' && !mayBePassedOn ? undefined : said;
  if (!isAllowedOrigin({ site, origin, isSafeMethod: false }, own, allowed)) return false;
  return site !== 'same-origin' || !isByWorker || isRefererOf(headers, [own, ...allowed]);
}
