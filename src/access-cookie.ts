/**
 * The cookie that an access token lives in, where a session is in a browser. How long it may be
 * concerns whoever makes the token, before it is made.
 */

/** `__Host-` ties it to this host (RFC 6265bis §4.1.3.2). */
export const ACCESS_COOKIE = '__Host-access';

/** The longest name of the cookie, of any account of a browser. */
const LONGEST_NAME = `${ACCESS_COOKIE}-0`;

/** Browsers drop a cookie whose name and value are longer, silently (RFC 6265bis §5.6). */
export const MAX_COOKIE_BYTES = 4096;

/**
 * The length of a signature in base64url: the longest that an access token may have is RS256's, by
 * 2048 bits.
 */
const LONGEST_SIGNATURE = 342;

/**
 * Whether a token fits however it is signed: the algorithm may change while a session lives.
 * `unsignedToken` ends where its signature begins.
 */
export function fitsAccessCookieByAnyKey(unsignedToken: string): boolean {
  return fitsAccessCookie(unsignedToken + 'A'.repeat(LONGEST_SIGNATURE));
}

export function fitsAccessCookie(accessToken: string): boolean {
  return LONGEST_NAME.length + accessToken.length <= MAX_COOKIE_BYTES;
}
