/**
 * Whether a page of this very origin made a request. Cookies, and the login at Cloudflare Access,
 * come along whoever made it, so for everything that acts the browser's word is asked for: fetch
 * metadata, and `Origin`.
 */
export function isOfOwnPage({ url, headers }: Request): boolean {
  const site = headers.get('sec-fetch-site');
  const origin = headers.get('origin');
  const own = new URL(url).origin;
  if (origin !== null && origin !== own) return false;
  // A browser that sends no fetch metadata sends `Origin` with every POST (Fetch §3.1).
  return site === null ? origin === own : site === 'same-origin';
}
