/**
 * Cross-site requests and CORS for routes that cookies open. A browser sends cookies with requests
 * of any page, so the page that made the request decides, for every method and content type: fetch
 * metadata first, `Origin` where the browser sends none, and a request that no HTML form can make.
 * Without cookies there is nothing to protect, but the answer is the same. Hono's `csrf` looks at
 * the content types of forms alone, and lets pass what either of its two checks does.
 */
import { createMiddleware } from 'hono/factory';
import type { Config } from '../../config/config';
import type { AppContext, AppEnv } from '../context';
import { ProblemError } from '../errors';
import { mediaType } from '../input';
import { TRACING_HEADERS } from '../tracing-headers';
import { hasSessionCookies, readSessionCookie } from './cookies';

/** The header that a page of another origin cannot send without asking first (a preflight). */
const CUSTOM_HEADER = 'X-Requested-With';

export interface RequestOrigin {
  /** `Sec-Fetch-Site` */
  site: string | undefined;
  /** `Origin` */
  origin: string | undefined;
  isSafeMethod: boolean;
}

/**
 * Whether a request may act with cookies. `allowed` are the origins of the client whose session it
 * is.
 */
export function isAllowedOrigin(
  { site, origin, isSafeMethod }: RequestOrigin,
  issuerOrigin: string,
  allowed: readonly string[],
): boolean {
  // `null`, a sandboxed frame or a redirect across origins, is in no list.
  const isOwn = origin !== undefined && (origin === issuerOrigin || allowed.includes(origin));
  switch (site) {
    case 'same-origin':
      return origin === undefined || isOwn;
    case 'same-site':
    case 'cross-site':
      return origin !== undefined && allowed.includes(origin);
    // The person used the address bar or a browser's bookmark.
    case 'none':
      return isSafeMethod && origin === undefined;
    case undefined:
      return origin === undefined ? isSafeMethod : isOwn;
    default:
      return false;
  }
}

/**
 * Lets a request pass that a browser client's app made, and lets that app alone read the answer.
 * All apps of a browser share one cookie, so an app whose session it is not gets the answer of a
 * browser without a session, and neither hears that there is one nor ends it; otherwise one app's
 * cookie would lock people out of every other.
 */
export const sameSite = (config: Config) => {
  const issuerOrigin = new URL(config.issuer).origin;
  const allowed = browserOrigins(config);
  return createMiddleware<AppEnv>(async function sameSite(c, next) {
    const origin = c.req.header('origin');
    const isSafeMethod = c.req.method === 'GET' || c.req.method === 'HEAD';
    if (
      !isAllowedOrigin(
        { site: c.req.header('sec-fetch-site'), origin, isSafeMethod },
        issuerOrigin,
        allowed,
      )
    )
      throw new ProblemError(
        'cross_site_request',
        'The origin of the request is not one of the client',
      );
    // From here on the request is of a client's page.
    if (c.req.header('sec-fetch-site') === 'cross-site' && !hasSessionCookies(c))
      throw thirdParty(c, origin as string);
    const cookie = readSessionCookie(c);
    if (cookie !== null && config.clients.has(cookie.clientId))
      c.set('claimedClientId', cookie.clientId);
    if (origin !== undefined && cookie !== null)
      c.set('isOtherApps', isOthers(c, config, cookie.clientId));
    try {
      if (
        !isSafeMethod &&
        mediaType(c) !== 'application/json' &&
        (mediaType(c) !== '' || !c.req.header(CUSTOM_HEADER))
      )
        throw new ProblemError(
          'unsupported_media_type',
          `The content type must be application/json, or without a body the ${CUSTOM_HEADER} header be there`,
        );
      await next();
    } finally {
      if (origin !== undefined && allowed.includes(origin)) allowOrigin(c, origin);
    }
  });
};

/**
 * A page of a client that is on another site than the service. Its browser neither sends the
 * cookies nor takes new ones (`SameSite=Lax`), so this service cannot tell whether somebody is
 * signed in, and no cookie that it sets would last. An answer that the session is over would hide
 * the cause.
 */
function thirdParty(c: AppContext, origin: string): ProblemError {
  allowOrigin(c, origin);
  return new ProblemError(
    'third_party_cookies_blocked',
    'The page is on another site than the service: see docs/arrangements.md',
  );
}

/**
 * Whether a page of this origin acts for sessions of the client. A client that is gone from the
 * configuration has no pages.
 */
function mayUse(config: Config, clientId: string, origin: string): boolean {
  // The origins of a refused client are unknown, because its entry has a mistake.
  if (config.refusedClients.has(clientId)) return origin === new URL(config.issuer).origin;
  const client = config.clients.get(clientId);
  return (
    client === undefined ||
    origin === new URL(config.issuer).origin ||
    client.origins.includes(origin)
  );
}

/** Whether a session of the client is another app's than the page's that asks. */
export function isOthers(c: AppContext, config: Config, clientId: string): boolean {
  const origin = c.req.header('origin');
  return origin !== undefined && !mayUse(config, clientId, origin);
}

/**
 * Answers the preflight of a browser client's app (Fetch §3.2.2). A preflight has no cookies; the
 * request that follows decides whose session it is for.
 */
export const preflight = (config: Config, method: 'GET' | 'POST') => {
  const anyOrigin = browserOrigins(config);
  return function preflight(c: AppContext) {
    const origin = c.req.header('origin');
    if (origin === undefined || !anyOrigin.includes(origin))
      throw new ProblemError(
        'cross_site_request',
        'The origin of the request is not one of any client',
      );
    allowOrigin(c, origin);
    c.header('Access-Control-Allow-Methods', method);
    c.header(
      'Access-Control-Allow-Headers',
      ['Content-Type', 'Idempotency-Key', CUSTOM_HEADER, ...TRACING_HEADERS].join(', '),
    );
    c.header('Access-Control-Max-Age', '600');
    return c.body(null, 204);
  };
};

function allowOrigin(c: AppContext, origin: string): void {
  c.header('Access-Control-Allow-Origin', origin);
  c.header('Access-Control-Allow-Credentials', 'true');
  c.header('Access-Control-Expose-Headers', 'Retry-After, X-Request-Id');
}

function browserOrigins(config: Config): string[] {
  return [...config.clients.values()].flatMap(({ origins }) => origins);
}
