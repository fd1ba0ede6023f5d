/**
 * Where the access token of a request is: in the Authorization header (RFC 6750 §2.1), or in the
 * service's cookie, where the service is mounted under the server's own host. A cookie comes along
 * whoever made the request, so it counts for what changes something only if a page of this very
 * origin did: fetch metadata says so, or `Origin` where the browser sends none.
 */
import { ofAccount, readCurrent, SESSION_COOKIE } from './account-cookies';
import { cookiesNamed } from './cookie-header';
import { isPassedOn, isRefererOf } from './passed-on-request';

/**
 * The part of a `Request` that is read; Node's own requests (Express, Fastify, Koa) have it too.
 */
export interface RequestHead {
  /** In capitals, as of a `Request`. */
  method?: string | undefined;
  /** The headers by name, whatever its case; null where there is no such header. */
  headers:
    | { get(name: string): string | null }
    /** By names in lower case. */
    | { readonly [name: string]: string | readonly string[] | undefined };
}

const ACCESS_COOKIE = '__Host-access';

export type PresentedToken =
  | { ok: true; token: string }
  /** 401: there is no token. */
  | { ok: false; error: 'no_token'; description: string }
  /** 403: another page than the app's own made the request, and it may change something. */
  | { ok: false; error: 'cross_site_request'; description: string }
  /** 400: the cookie is there twice, so that one may be planted. */
  | { ok: false; error: 'invalid_request'; description: string };

/** `cookieOrigin` is the origin whose own pages may use the cookie; null: no cookie is read. */
export function readToken(request: RequestHead, cookieOrigin: string | null): PresentedToken {
  const authorization = headerOf(request, 'authorization') ?? '';
  // A request that brings a token of its own is judged by that token.
  if (/^bearer\b/i.test(authorization) || cookieOrigin === null) {
    const [, token] = /^bearer +([A-Za-z0-9._~+/=-]+)$/i.exec(authorization) ?? [];
    return token === undefined ? NO_TOKEN : { ok: true, token };
  }
  return readCookieToken(request, cookieOrigin);
}

export function readCookieToken(request: RequestHead, origin: string): PresentedToken {
  const current = readCurrent(headerOf(request, 'cookie'));
  const [token, ...others] = cookiesOf(request, ACCESS_COOKIE);
  if (others.length > 0 || current < 0)
    return refuse('invalid_request', 'Nothing tells which access cookie is meant');
  if (!token) return NO_TOKEN;
  if (!isSafe(request) && !isOfOwnPage(request, origin))
    return refuse('cross_site_request', 'The request is not of a page of this origin');
  return { ok: true, token };
}

/** Whether the browser has a session here, good or not, of which no access token is left. */
export function hasSessionCookie(request: RequestHead): boolean {
  return cookiesOf(request, SESSION_COOKIE).length > 0;
}

/** The values of the current account's cookies of this name. */
function cookiesOf(request: RequestHead, name: string): string[] {
  const header = headerOf(request, 'cookie');
  return cookiesNamed(header, ofAccount(name, readCurrent(header)));
}

/**
 * Whether a request changes nothing (RFC 9110 §9.2.1). A WebSocket begins with a GET, and carries
 * anything afterwards.
 */
function isSafe(request: RequestHead): boolean {
  const { method } = request;
  return (method === 'GET' || method === 'HEAD') && headerOf(request, 'upgrade') === null;
}

/**
 * `none` is a person's own doing, such as a form that is sent again after a crash: no page can make
 * a browser say it. Of its own page's form it says `Origin: null` where the page has `no-referrer`
 * (Fetch §3.2).
 */
function isOfOwnPage(request: RequestHead, own: string): boolean {
  const site = headerOf(request, 'sec-fetch-site');
  const origin = headerOf(request, 'origin');
  const destination = headerOf(request, 'sec-fetch-dest');
  if (site === null) return origin === own;
  if (site !== 'same-origin' && site !== 'none') return false;
  const headers = {
    'sec-fetch-mode': headerOf(request, 'sec-fetch-mode'),
    'sec-fetch-dest': destination,
    referer: headerOf(request, 'referer'),
  };
  if (isPassedOn(headers))
    return (origin === null || origin === own) && isRefererOf(headers, [own]);
  return origin === null || origin === own || (origin === 'null' && destination !== null);
}

/** The value of a header, whose name is in lower case; null: it is not there. */
function headerOf({ headers }: RequestHead, name: string): string | null {
  if (typeof headers.get === 'function') return headers.get(name);
  const value = (headers as Readonly<Record<string, string | readonly string[] | undefined>>)[name];
  return typeof value === 'object' ? value.join(name === 'cookie' ? '; ' : ', ') : (value ?? null);
}

type Refused = Extract<PresentedToken, { ok: false }>;

const refuse = (error: Refused['error'], description: string): Refused => ({
  ok: false,
  error,
  description,
});
const NO_TOKEN = refuse('no_token', 'There is no access token');
