/**
 * Whether a page of this very host made a request. Cookies, and the login at Cloudflare Access,
 * come with requests of any page, so a request that acts has to have the browser's own word: fetch
 * metadata, and `Origin`. A proxy in front may speak https while it asks this Worker by http, so
 * only the hosts are compared; the metadata says that the scheme is the same, too.
 */
export function isOfOwnPage({ url, headers }: Request): boolean {
  const site = headers.get('sec-fetch-site');
  const origin = headers.get('origin');
  const own = new URL(url);
  if (origin !== null && URL.parse(origin)?.host !== own.host) return false;
  // A browser that sends no fetch metadata sends `Origin` with every POST (Fetch §3.1).
  return site === null ? origin === own.origin : site === 'same-origin';
}
