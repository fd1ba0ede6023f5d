/**
 * Which web origins and return URLs a client may have (RFC 6454; OAuth 2.1 on redirect URIs).
 * Everything is compared in the one form that URL parsers give back, so that no two parsers can
 * read an accepted text differently.
 */

/** https, or http on this machine. */
export function isTrustworthy(url: URL): boolean {
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLocalHost(url.hostname));
}

/**
 * Whether a URL's host is this machine itself. Names below `localhost` are too (RFC 6761 §6.3), so
 * that several hosts can be rehearsed on one machine: browsers send them to it, and hold them as
 * trustworthy as https.
 */
export function isLocalHost(hostname: string): boolean {
  return LOCAL_HOSTS.includes(hostname) || hostname.endsWith('.localhost');
}

const LOCAL_HOSTS = ['localhost', '127.0.0.1', '[::1]'];

/**
 * Whether this is an origin as browsers send it: scheme, host and port, nothing else; no pattern.
 */
export function isOrigin(text: string): boolean {
  const url = URL.parse(text);
  // URL parsers take a `*` for a name like any other; a browser will never send it.
  return url !== null && isTrustworthy(url) && url.origin === text && !text.includes('*');
}

const MAX_RETURN_URL_LENGTH = 2048;
/**
 * What a server behind the URL may decode into a path separator, a dot segment, a control character
 * or another escape.
 */
const AMBIGUOUS_PATH = /%(?:2e|2f|5c|25|7f|[01].)|\/\//i;

/**
 * An absolute URL in the form that `URL.href` gives (the slash after a bare host may be missing);
 * without user information, fragment, or escapes in its path that a server could read as another
 * path. null for anything else.
 */
export function parseReturnUrl(text: string): URL | null {
  const url = text.length > MAX_RETURN_URL_LENGTH ? null : URL.parse(text);
  if (url === null || (url.href !== text && url.href !== `${text}/`)) return null;
  if (!isTrustworthy(url) || url.username || url.password || text.includes('#')) return null;
  return AMBIGUOUS_PATH.test(url.pathname) ? null : url;
}

/**
 * Whether a return URL is one of the client's: the same origin as one of `allowed`, and its path or
 * one below it. `/a` allows `/a` and `/a/b`, but not `/ab`. The query is free.
 */
export function isAllowedReturnUrl(allowed: readonly string[], text: string): boolean {
  const url = parseReturnUrl(text);
  if (url === null) return false;
  return allowed.some((entry) => {
    const { origin, pathname } = new URL(entry);
    const below = pathname.endsWith('/') ? pathname : `${pathname}/`;
    return url.origin === origin && (url.pathname === pathname || url.pathname.startsWith(below));
  });
}
