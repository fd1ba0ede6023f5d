/**
 * Several accounts in one browser: each has cookies of its own, named by its index, and a cookie
 * says which is current. So a late answer to one account's request never replaces another's
 * cookies. Account 0 has the plain names; where only one is ever used, there is nothing else.
 */
import { cookiesNamed } from './cookie-header';

/** How many a browser holds at most. */
export const ACCOUNTS = [0, 1, 2, 3, 4] as const;
export const SESSION_COOKIE = '__Host-session';
/** Holds the index of the account that requests are of; 0 without it, where no other is there. */
export const CURRENT_COOKIE = '__Host-account';

/** The name of an account's own cookie. */
export const ofAccount = (name: string, index: number): string =>
  index === 0 ? name : `${name}-${index}`;

/**
 * The index of the current account; -1 where nothing tells, and nobody's is current: two cookies
 * say it, or of several accounts none is said to be, because a browser has lost the cookie.
 */
export function readCurrent(cookieHeader: string | null | undefined): number {
  const has = (index: number) => cookiesNamed(cookieHeader, ofAccount(SESSION_COOKIE, index))[0];
  const [value, ...others] = cookiesNamed(cookieHeader, CURRENT_COOKIE);
  if (others.length > 0) return -1;
  if (value === undefined) return ACCOUNTS.slice(1).some(has) ? -1 : 0;
  return /^[1-4]$/.test(value) ? Number(value) : 0;
}
