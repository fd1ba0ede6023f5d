/**
 * The cookies of a session in a browser (RFC 6265bis). `__Host-` ties them to this host: no other
 * host, subdomains included, can set or read them. Lax, because links from elsewhere have to find
 * the person signed in; same-site.ts decides what other sites may ask for.
 */
import { setCookie } from 'hono/cookie';
import { ACCESS_COOKIE, fitsAccessCookie } from '../../access-cookie';
import type { Client } from '../../config/clients';
import type { Tokens } from '../../service/issue-tokens';
import {
  ACCOUNTS,
  CURRENT_COOKIE,
  cookiesNamed,
  formatSessionCookie,
  ofAccount,
  parseSessionCookie,
  readCurrent,
  SESSION_COOKIE,
  type SessionCookie,
} from '../../tokens/session-cookie';
import type { AppContext } from '../context';
import { toCookieProblem } from '../refusals';

const BOOKMARK_COOKIE = '__Host-bookmark';
/** Names the sign-in that a form of the client's own page has begun in this browser. */
const START_COOKIE = '__Host-start';
/** The life of the bookmark cookie: far longer than replicas lag. */
const BOOKMARK_SECONDS = 600;
/** The longest life that browsers give a cookie (RFC 6265bis §5.5). */
const MAX_AGE_SECONDS = 400 * 86_400;

const SESSION_COOKIES = ACCOUNTS.flatMap((index) => namesOf(index));

/** Every cookie of the service. */
export const COOKIE_NAMES: readonly string[] = [
  ...SESSION_COOKIES,
  CURRENT_COOKIE,
  BOOKMARK_COOKIE,
  START_COOKIE,
];

function namesOf(index: number) {
  return [ofAccount(SESSION_COOKIE, index), ofAccount(ACCESS_COOKIE, index)] as const;
}

/** The index of the account that the request is of; -1 where two cookies say it. */
export function currentOf(c: AppContext): number {
  return readCurrent(c.req.header('cookie'));
}

/**
 * Reads the session cookie of an account, the current one unless another is named, authentic or
 * not; null without one, or where two have its name (`assertOneSession`).
 */
export function readSessionCookie(c: AppContext, index = currentOf(c)): SessionCookie | null {
  return parseSessionCookie(readCookie(c, namesOf(index)[0]));
}

export function readAccessCookie(c: AppContext, index = currentOf(c)): string | null {
  return readCookie(c, namesOf(index)[1]);
}

/** The accounts that the browser sent cookies of, whatever is in them. */
export function accountsSent(c: AppContext): number[] {
  return ACCOUNTS.filter((index) => namesOf(index).some((name) => sent(c, name).length > 0));
}

/**
 * Makes an account the browser's current one. The access cookie of the account that was current is
 * removed, because it is of no use any more, and the cookies of five accounts make requests long.
 */
export function setCurrent(c: AppContext, index: number): void {
  const former = currentOf(c);
  if (former === index) return;
  set(c, CURRENT_COOKIE, `${index}`, MAX_AGE_SECONDS);
  const [, access] = namesOf(former);
  if (sent(c, access).length > 0) set(c, access, '', 0);
}

/** Reads how new the state has to be that this browser is shown (middleware/bookmarks.ts). */
export function readBookmarkCookie(c: AppContext): string | null {
  return readCookie(c, BOOKMARK_COOKIE);
}

export function setBookmarkCookie(c: AppContext, bookmarks: string): void {
  set(c, BOOKMARK_COOKIE, bookmarks, bookmarks === '' ? 0 : BOOKMARK_SECONDS);
}

/** Reads which sign-in this browser was bound to by `setStartCookie`. */
export function readStartCookie(c: AppContext): string | null {
  return readCookie(c, START_COOKIE);
}

/** Binds this browser to one sign-in for so many seconds; null: to none any more. */
export function setStartCookie(c: AppContext, name: string | null, seconds = 0): void {
  set(c, START_COOKIE, name ?? '', name === null ? 0 : seconds);
}

/**
 * Where two cookies have the same name, one may be planted, and nothing tells which (RFC 6265bis
 * §8.6): so neither is read, and the browser counts as one without.
 */
function readCookie(c: AppContext, name: string): string | null {
  const [value, ...others] = sent(c, name);
  return others.length === 0 ? value || null : null;
}

export function isSentTwice(c: AppContext, name: string): boolean {
  return sent(c, name).length > 1;
}

/** Whether nothing tells which session is the account's, the current one's unless it is named. */
export function isAmbiguous(c: AppContext, index = currentOf(c)): boolean {
  return index < 0 || isSentTwice(c, namesOf(index)[0]);
}

/**
 * Throws where two cookies have the name of the session's. For routes that tell of a session
 * without setting or clearing it: an answer that the browser has none would hide the cause.
 */
export function assertOneSession(c: AppContext, index = currentOf(c)): void {
  if (isAmbiguous(c, index)) throw toCookieProblem({ code: 'ambiguous_cookie' });
}

const sent = (c: AppContext, name: string) => cookiesNamed(c.req.header('cookie'), name);

/** Whether the browser sent either cookie of any session, whatever is in it. */
export function hasSessionCookies(c: AppContext): boolean {
  return accountsSent(c).length > 0;
}

/**
 * Sets a session's tokens as the cookies of an account; the access token only where its client has
 * it in a cookie. Neither cookie outlives its token; those of a session that is not persistent have
 * no Max-Age, and go when the browser is closed (RFC 6265bis §5.5). Call it last: an error must set
 * no cookie.
 */
export function setSessionCookies(
  c: AppContext,
  { id, accessTokenIn }: Client,
  tokens: Tokens,
  index = currentOf(c),
): void {
  const isInCookie = accessTokenIn === 'cookie';
  if (isInCookie && !fitsAccessCookie(tokens.accessToken))
    throw new Error('the access token does not fit into a cookie');
  const [sessionName, accessName] = namesOf(index);
  const session = formatSessionCookie({ clientId: id, refreshToken: tokens.refreshToken });
  const keptFor = (seconds: number | null) =>
    tokens.isPersistent ? (seconds ?? MAX_AGE_SECONDS) : null;
  set(c, sessionName, session, keptFor(tokens.refreshTokenExpiresIn));
  if (isInCookie) set(c, accessName, tokens.accessToken, keptFor(tokens.expiresIn));
  // An access cookie that is left over is of the session before, or of the client as it was
  // configured before.
  else if (sent(c, accessName).length > 0) set(c, accessName, '', 0);
  c.set('sessionClientId', id);
}

/**
 * Takes an account's session out of the browser. There is no `Clear-Site-Data` beside it: `cookies`
 * would take the app's own on the whole registrable domain, `storage` the app's other data on this
 * origin, and `cache` holds Chromium for seconds over answers that were never kept (`no-store`).
 */
export function clearSessionCookies(c: AppContext, index = currentOf(c)): void {
  // Where nothing tells which account is current, the cookie that should tell is removed.
  for (const name of index < 0 ? [CURRENT_COOKIE] : namesOf(index)) set(c, name, '', 0);
  // The next person at this browser has seen nothing, so their replicas may be of any age.
  c.get('caller').bookmarks.clear();
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
