/**
 * A form, or a navigation, that a service worker of this origin passed on, as those of installable
 * apps do with everything, whichever page sent it. The browser then says `empty` for its
 * destination and, in Firefox and WebKit, that the worker's own origin is where it comes from;
 * Firefox puts that into `Origin`, too. `Referer` alone still names the page; of one with
 * `no-referrer` WebKit names the worker's script there, and the worker's origin in `Origin`.
 */

/** The headers that tell it, by their names in lower case. */
export interface PassedOnHeaders {
  'sec-fetch-mode'?: string | null;
  'sec-fetch-dest'?: string | null;
  referer?: string | null;
}

/** No page can ask for the mode `navigate`; Firefox has a worker ask in the mode `same-origin`. */
export function isPassedOn(headers: PassedOnHeaders): boolean {
  const { 'sec-fetch-mode': mode, 'sec-fetch-dest': destination } = headers;
  if (mode === 'navigate') return destination === 'empty';
  return mode === 'same-origin' && (destination ?? 'empty') === 'empty';
}

/**
 * Whether `Referer` names a page of one of these origins. A path that ends as a script's name does
 * is the worker's; a query may end in anything.
 */
export function isRefererOf({ referer }: PassedOnHeaders, origins: readonly string[]): boolean {
  const [page = ''] = (referer ?? '').split('?');
  return !/\.m?js$/i.test(page) && origins.some((origin) => `${page}/`.startsWith(`${origin}/`));
}
