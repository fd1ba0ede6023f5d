/**
 * CORS (Fetch §3.2) for pages that hold their tokens themselves. Both kinds of origins of a client
 * (config/clients.ts) may call the routes that http/app.ts gives this to (/oauth/token,
 * /oauth/revoke, /v1/sessions, /v1/events) and read the answers: its `origins`, whose pages could
 * have cookies instead, and its `tokenOrigins`, which are the schemes of apps and the patterns of
 * previews. Those of all clients count, whichever client asks, because a preflight names none. No
 * cookie is looked at: the token in the request decides what it may do. Hono's `cors` answers every
 * preflight with 204 and the methods; here one of an unknown origin is 405, as if there were no
 * CORS.
 */
import { createMiddleware } from 'hono/factory';
import type { Config } from '../../config/config';
import { isOriginPattern, matchesPattern } from '../../origins';
import type { AppEnv } from '../context';
import { TRACING_HEADERS } from '../tracing-headers';

/** A page reads the challenge to learn that the person has to authenticate again (RFC 9470 §3). */
const EXPOSED = 'Retry-After, WWW-Authenticate, X-D1-Bookmark, X-Request-Id';

const ALLOWED_HEADERS = [
  'Authorization',
  'Content-Type',
  'Idempotency-Key',
  'X-D1-Bookmark',
  ...TRACING_HEADERS,
].join(', ');

export const cors = (config: Config) => {
  const clients = [...config.clients.values()];
  const tokenOrigins = clients.flatMap((client) => client.tokenOrigins);
  const origins = new Set([...clients.flatMap((client) => client.origins), ...tokenOrigins]);
  const patterns = tokenOrigins.filter(isOriginPattern);
  const isKnown = (origin: string) =>
    (origins.has(origin) && !patterns.includes(origin)) ||
    patterns.some((pattern) => matchesPattern(pattern, origin));
  return createMiddleware<AppEnv>(async function cors(c, next) {
    const origin = c.req.header('origin');
    // The answer depends on the origin also when it has none, or a cache could give it to the wrong
    // page.
    c.header('Vary', 'Origin', { append: true });
    if (origin !== undefined && isKnown(origin)) {
      c.header('Access-Control-Allow-Origin', origin);
      c.header('Access-Control-Expose-Headers', EXPOSED);
      if (
        c.req.method === 'OPTIONS' &&
        c.req.header('access-control-request-method') !== undefined
      ) {
        c.header('Access-Control-Allow-Methods', 'GET, POST, PATCH, DELETE');
        c.header('Access-Control-Allow-Headers', ALLOWED_HEADERS);
        c.header('Access-Control-Max-Age', '600');
        return c.body(null, 204);
      }
    }
    return next();
  });
};
