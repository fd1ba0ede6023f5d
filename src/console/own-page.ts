/**
 * Whether a page of this very host made a request. Cookies, and the login at Cloudflare Access,
 * come along whoever made it, so for everything that acts the browser's word is asked for: fetch
 * metadata, and `Origin`. What stands in front may speak https where this Worker is asked by http,
 * so of both the host alone is compared; that the scheme is the same too, the metadata says.
 */
export function isOfOwnPage({ url, headers }: Request): boolean {
  const site = headers.get('sec-fetch-site');
  const origin = headers.get('origin');
  const own = new URL(url);
  if (origin !== null && URL.parse(origin)?.host !== own.host) return false;
  // A browser that sends no fetch metadata sends `Origin` with every POST (Fetch §3.1).
  return site === null ? origin === own.origin : site === 'same-origin';
}
