/** The routes, put together for one configuration. */

import { bodyLimit } from 'hono/body-limit';
import { MAX_INPUT_BYTES } from '../calls/parse';
import { type Config, parseConfig } from '../config/config';
import type { Env } from '../env';
import { ConfigError } from '../faults';
import { namedAs } from '../outgoing';
import { checkHealth, type Health } from '../service/health';
import { serviceFor } from '../service/instance';
import { createService, type Service } from '../service/service';
import { accountRoutes } from './account/account-routes';
import { accountErrors } from './account/error-page';
import { createPages } from './account/pages';
import { eventRoutes } from './api/event-routes';
import { metrics } from './api/metrics';
import { operatorRoutes } from './api/operator-routes';
import { sessionRoutes } from './api/session-routes';
import { userRoutes } from './api/user-routes';
import { clientAuth } from './auth/client-auth';
import { browserRoutes } from './browser/browser-routes';
import { startRoutes } from './browser/start-routes';
import type { AppEnv } from './context';
import { documentRoutes } from './documents';
import { ProblemError, respondToError } from './errors';
import { verifyRoutes } from './gateway/verify-routes';
import { Hono } from './hono';
import { bookmarksInCookie, bookmarksInHeader } from './middleware/bookmarks';
import { cors } from './middleware/cors';
import { countRefusals } from './middleware/count-refusals';
import { refuseOtherMethods } from './middleware/method-not-allowed';
import { requestLog } from './middleware/request-log';
import { slashAtTheEnd } from './middleware/slash-at-the-end';
import { startCheck } from './middleware/start-check';
import { strayCookies } from './middleware/stray-cookies';
import { METADATA_NAMES, metadataRoutes } from './oauth/metadata';
import { oauthRoutes } from './oauth/oauth-routes';

/**
 * `now` gives milliseconds since 1970; `customFetch` is for requests to others. Throws
 * `ConfigError`.
 */
export function createApp(
  env: Env,
  now: () => number = Date.now,
  customFetch: typeof fetch = (input, init) => fetch(input, init),
): Hono<AppEnv> {
  const config = parseConfig(env);
  return routesOf(createService(env, config, now, namedAs(config.issuer, customFetch)));
}

/** An isolate keeps one app for its environment. */
const apps = new WeakMap<Env, Hono<AppEnv>>();

/** The app of an environment: one that says so, if it is misconfigured. */
export function appFor(env: Env): Hono<AppEnv> {
  const known = apps.get(env);
  if (known !== undefined) return known;
  let app: Hono<AppEnv>;
  try {
    app = routesOf(serviceFor(env));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    app = createMisconfiguredApp(error);
  }
  apps.set(env, app);
  return app;
}

function routesOf(service: Service): Hono<AppEnv> {
  const { config } = service;
  const app = createShell(`${config.basePath}/oauth/`, config.hsts);
  app.use(startCheck(config));
  app.use(countRefusals(service));
  const pages = createPages(service);
  const { wellKnown, serverMetadata } = metadataRoutes(service);

  // RFC 8414 §3.1: the well-known part comes before the issuer's path; in OpenID Connect Discovery
  // §4, and in this service's other documents, after it.
  if (config.basePath !== '')
    for (const name of METADATA_NAMES)
      app.get(`/.well-known/${name}${config.basePath}`, serverMetadata);
  app.route(`${config.basePath}/.well-known`, wellKnown);
  const allowApps = cors(config);
  for (const path of [
    '/oauth/token',
    '/oauth/revoke',
    '/v1/sessions',
    '/v1/sessions/*',
    '/v1/events',
  ])
    app.use(config.basePath + path, allowApps);
  for (const path of ['/oauth/*', '/v1/*'])
    app.use(config.basePath + path, bookmarksInHeader(config));
  for (const path of ['/account/*', '/browser/start/*', '/docs/*'])
    app.use(config.basePath + path, slashAtTheEnd());
  for (const path of ['/browser/*', '/account/*'])
    app.use(config.basePath + path, strayCookies(config));
  app.use(`${config.basePath}/account/*`, bookmarksInCookie(config));
  app.route(`${config.basePath}/oauth`, oauthRoutes(service));
  app.route(`${config.basePath}/v1/sessions`, sessionRoutes(service));
  app.route(`${config.basePath}/v1/events`, eventRoutes(service));
  app.route(`${config.basePath}/v1/users`, userRoutes(service));
  app.route(`${config.basePath}/v1`, operatorRoutes(service));
  app.route(`${config.basePath}/browser/start`, startRoutes(service, pages));
  app.route(`${config.basePath}/browser`, browserRoutes(service));
  app.route(`${config.basePath}/account`, accountRoutes(service, pages));
  app.route(`${config.basePath}/verify`, verifyRoutes(service));
  app.get(`${config.basePath}/metrics`, clientAuth(service), metrics(service));
  app.get(`${config.basePath}/healthz`, async (c) =>
    c.json(toHealthView(await checkHealth(service, c.get('caller')))),
  );
  app.route(config.basePath || '/', documentRoutes(service));
  refuseOtherMethods(app);
  const answerWithPage = accountErrors(pages);
  app.onError((error, c) =>
    `${c.req.path}/`.startsWith(`${config.basePath}/account/`)
      ? answerWithPage(error, c)
      : respondToError(error, c, c.req.path.startsWith(`${config.basePath}/oauth/`)),
  );
  return app;
}

/**
 * The status stays 200 whatever is amiss, because the service runs; the body says what is amiss.
 */
function toHealthView({ refusedClients, isDatabaseAway, isCronLate, lastCleanupAt }: Health) {
  const isAmiss = refusedClients > 0 || isDatabaseAway || isCronLate;
  return {
    status: isAmiss ? 'degraded' : 'ok',
    refused_clients: refusedClients || undefined,
    database_unavailable: isDatabaseAway || undefined,
    cron_late: isCronLate || undefined,
    last_cleanup_at: lastCleanupAt,
  };
}

/**
 * Answers every request with the configuration's fault, and logs every mistake, until it is mended.
 */
function createMisconfiguredApp(fault: Error): Hono<AppEnv> {
  // The answer does not change what browsers keep of the host, whatever HSTS was meant to be (RFC
  // 6797 §8.1).
  const app = createShell('/oauth/', 'off');
  app.all('*', () => {
    throw fault;
  });
  return app;
}

/**
 * Headers of every answer: a browser takes it for nothing but what its type says, and shares it
 * with no page.
 */
const SECURITY_HEADERS = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Origin-Agent-Cluster': '?1',
  'X-Content-Type-Options': 'nosniff',
  'X-DNS-Prefetch-Control': 'off',
  'X-Download-Options': 'noopen',
  'X-Frame-Options': 'DENY',
  'X-Permitted-Cross-Domain-Policies': 'none',
  'X-XSS-Protection': '0',
};

/** Headers of answers that are no pages. */
const DEFAULT_POLICIES = {
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
  'Referrer-Policy': 'no-referrer',
};

const STS = 'Strict-Transport-Security';
/** Two years, which browsers remember (RFC 6797). */
const HSTS = {
  host: 'max-age=63072000',
  subdomains: 'max-age=63072000; includeSubDomains',
  off: null,
} as const;

/** The part of the app that all answers go through. */
function createShell(oauthPath: string, hsts: Config['hsts']): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.use(requestLog());
  const headers = { ...SECURITY_HEADERS, ...(HSTS[hsts] && { [STS]: HSTS[hsts] }) };
  app.use(async function defaultHeaders(c, next) {
    await next();
    for (const [name, value] of Object.entries(headers)) c.res.headers.set(name, value);
    // Pages have policies of their own.
    for (const [name, value] of Object.entries(DEFAULT_POLICIES))
      if (!c.res.headers.has(name)) c.res.headers.set(name, value);
    // Answers hold tokens or say whether one is good (RFC 6749 §5.1); an answer that may be cached
    // says so itself.
    if (c.res.headers.has('Cache-Control')) return;
    c.res.headers.set('Cache-Control', 'no-store');
    c.res.headers.set('Pragma', 'no-cache');
  });
  app.use(
    bodyLimit({
      maxSize: MAX_INPUT_BYTES,
      onError: () => {
        throw new ProblemError(
          'body_too_large',
          `The body must be at most ${MAX_INPUT_BYTES} bytes`,
        );
      },
    }),
  );
  app.notFound(() => {
    throw new ProblemError('not_found');
  });
  app.onError((error, c) => respondToError(error, c, c.req.path.startsWith(oauthPath)));
  return app;
}
