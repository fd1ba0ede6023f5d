/**
 * The cookies of a session in a browser (RFC 6265bis). `__Host-` ties them to this host: no other
 * host, subdomains included, can set or read them. Lax, because links from elsewhere have to find
 * the person signed in; what other sites may ask for, same-site.ts decides.
 */
import { setCookie } from 'hono/cookie';
import { ACCESS_COOKIE, fitsAccessCookie } from '../../access-cookie';
import type { Client } from '../../config/clients';
import type { Tokens } from '../../service/issue-tokens';
import {
  cookiesNamed,
  formatSessionCookie,
  parseSessionCookie,
  SESSION_COOKIE,
  type SessionCookie,
} from '../../tokens/session-cookie';
import type { AppContext } from '../context';
import { toCookieProblem } from '../refusals';

const BOOKMARK_COOKIE = '__Host-bookmark';
/** Names the sign-in that a form of the client's own page has begun in this browser. */
const START_COOKIE = '__Host-start';
/** Far longer than replicas lag. */
const BOOKMARK_SECONDS = 600;
/** The longest life that browsers give a cookie (RFC 6265bis §5.5). */
const MAX_AGE_SECONDS = 400 * 86_400;

/** Every cookie of the service. */
export const COOKIE_NAMES = [SESSION_COOKIE, ACCESS_COOKIE, BOOKMARK_COOKIE, START_COOKIE] as const;

/**
 * What the browser says of its session: the cookie, authentic or not; null without one, or where
 * two have its name (`assertOneSession`).
 */
export function readSessionCookie(c: AppContext): SessionCookie | null {
  return parseSessionCookie(readCookie(c, SESSION_COOKIE));
}

export function readAccessCookie(c: AppContext): string | null {
  return readCookie(c, ACCESS_COOKIE);
}

/** How new what this browser is shown has to be: middleware/bookmarks.ts. */
export function readBookmarkCookie(c: AppContext): string | null {
  return readCookie(c, BOOKMARK_COOKIE);
}

export function setBookmarkCookie(c: AppContext, bookmarks: string): void {
  set(c, BOOKMARK_COOKIE, bookmarks, bookmarks === '' ? 0 : BOOKMARK_SECONDS);
}

/** Which sign-in this browser was bound to, as `setStartCookie` had it. */
export function readStartCookie(c: AppContext): string | null {
  return readCookie(c, START_COOKIE);
}

/** Binds this browser to one sign-in for so many seconds; null: to none any more. */
export function setStartCookie(c: AppContext, name: string | null, seconds = 0): void {
  set(c, START_COOKIE, name ?? '', name === null ? 0 : seconds);
}

/**
 * Of two cookies of the same name one may be planted, and nothing tells which (RFC 6265bis §8.6):
 * neither is chosen, and the browser counts as one without.
 */
function readCookie(c: AppContext, name: string): string | null {
  const [value, ...others] = sent(c, name);
  return others.length === 0 ? value || null : null;
}

export function isSentTwice(c: AppContext, name: string): boolean {
  return sent(c, name).length > 1;
}

/**
 * For whoever is to be told of a session, not given or relieved of one. That the browser has none
 * would hide the cause.
 */
export function assertOneSession(c: AppContext): void {
  if (isSentTwice(c, SESSION_COOKIE)) throw toCookieProblem({ code: 'ambiguous_cookie' });
}

const sent = (c: AppContext, name: string) => cookiesNamed(c.req.header('cookie'), name);

/** Whether the browser sent either cookie of a session, whatever is in it. */
export function hasSessionCookies(c: AppContext): boolean {
  return [SESSION_COOKIE, ACCESS_COOKIE].some((name) => sent(c, name).length > 0);
}

/**
 * Gives the browser a session's tokens; the access token only where the client has it in a cookie.
 * Neither cookie outlives what it holds; those of a session that is not persistent have no Max-Age,
 * and go when the browser is closed (RFC 6265bis §5.5). Call it last: an error must set no cookie.
 */
export function setSessionCookies(
  c: AppContext,
  { id, accessTokenIn }: Client,
  tokens: Tokens,
): void {
  const isInCookie = accessTokenIn === 'cookie';
  if (isInCookie && !fitsAccessCookie(tokens.accessToken))
    throw new Error('the access token does not fit into a cookie');
  const session = formatSessionCookie({ clientId: id, refreshToken: tokens.refreshToken });
  const keptFor = (seconds: number | null) =>
    tokens.isPersistent ? (seconds ?? MAX_AGE_SECONDS) : null;
  set(c, SESSION_COOKIE, session, keptFor(tokens.refreshTokenExpiresIn));
  if (isInCookie) set(c, ACCESS_COOKIE, tokens.accessToken, keptFor(tokens.expiresIn));
  // One that is left over is of the session before, or of the client as it was configured.
  else if (sent(c, ACCESS_COOKIE).length > 0) set(c, ACCESS_COOKIE, '', 0);
  c.set('sessionClientId', id);
}

/**
 * Takes the session out of the browser. There is no `Clear-Site-Data` beside it: `cookies` would
 * take the app's own on the whole registrable domain, `storage` what else the app keeps on this
 * origin, and `cache` holds Chromium for seconds over answers that were never kept (`no-store`).
 */
export function clearSessionCookies(c: AppContext): void {
  set(c, SESSION_COOKIE, '', 0);
  set(c, ACCESS_COOKIE, '', 0);
  // Whoever comes next has seen nothing.
  c.get('caller').meter.bookmarks.clear();
}

/** `maxAge` in seconds; null: until the browser is closed. */
function set(c: AppContext, name: string, value: string, maxAge: number | null): void {
  setCookie(c, name, value, {
    httpOnly: true,
    secure: true,
    sameSite: 'Lax',
    path: '/',
    ...(maxAge !== null && { maxAge: Math.min(maxAge, MAX_AGE_SECONDS) }),
  });
}
