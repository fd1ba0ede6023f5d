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

/** `<scheme>://<host>`, as the WebView of an app, or a browser's extension, sends it. */
const APP_ORIGIN = /^([a-z][a-z0-9+.-]{1,31}):\/\/[a-z0-9._-]{1,253}(?::\d{1,5})?$/;
/** Schemes whose origins are of another kind, or opaque. */
const NO_APP_SCHEMES = ['http', 'https', 'ws', 'wss', 'ftp', 'file', 'data', 'blob', 'about'];

/** Whether this is the origin of an app's own scheme, like `capacitor://localhost`. */
export function isAppOrigin(text: string): boolean {
  const scheme = APP_ORIGIN.exec(text)?.[1];
  return scheme !== undefined && !NO_APP_SCHEMES.includes(scheme);
}

/** A `*` for the whole first label, as preview deployments have one each. */
const ORIGIN_PATTERN = /^https:\/\/\*\.((?:[a-z0-9-]{1,63}\.)+[a-z]{2,63})$/;
/** Anyone can have a name below these, so a pattern of all of them names nobody. */
const SHARED_HOSTS = new Set(
  (
    'pages.dev workers.dev vercel.app netlify.app github.io gitlab.io web.app firebaseapp.com ' +
    'herokuapp.com onrender.com fly.dev surge.sh azurewebsites.net azurestaticapps.net ' +
    'amplifyapp.com cloudfront.net s3.amazonaws.com ngrok.io ngrok.app ngrok-free.app'
  ).split(' '),
);
/** `co.uk` and the like. */
const SECOND_LEVEL = /^(?:ac|co|com|edu|gov|net|or|org)\.[a-z]{2}$/;

/** Whether this is a pattern for the previews of one app, like `https://*.my-app.pages.dev`. */
export function isOriginPattern(text: string): boolean {
  const host = ORIGIN_PATTERN.exec(text)?.[1];
  return host !== undefined && !SHARED_HOSTS.has(host) && !SECOND_LEVEL.test(host);
}

/** Whether an origin, as a browser sends it, is one of a pattern's. */
export function matchesPattern(pattern: string, origin: string): boolean {
  const below = pattern.slice('https://*'.length);
  if (!origin.startsWith('https://') || !origin.endsWith(below)) return false;
  return /^[a-z0-9-]{1,63}$/.test(origin.slice('https://'.length, -below.length));
}

/**
 * The site of a URL, as far as the lists above know public suffixes: its scheme and registrable
 * domain; null: it is no URL.
 */
export function siteOf(text: string): string | null {
  const url = URL.parse(text);
  if (url === null) return null;
  const { protocol, hostname } = url;
  if (/^\[|^[\d.]+$/.test(hostname)) return `${protocol}//${hostname}`;
  const labels = hostname.split('.');
  const ends = labels.map((_, from) => labels.slice(from).join('.'));
  const suffix = ends.findIndex((end) => SHARED_HOSTS.has(end) || SECOND_LEVEL.test(end));
  const from = suffix < 0 ? labels.length - 2 : suffix - 1;
  return `${protocol}//${ends[Math.max(from, 0)]}`;
}

const MAX_RETURN_URL_LENGTH = 2048;
/**
 * Escapes that a server behind the URL may decode into a path separator, a dot segment, a control
 * character or another escape.
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
