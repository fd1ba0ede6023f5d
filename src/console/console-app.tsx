/**
 * The console: pages that the server makes, for operators alone. Behind each stands a call to the
 * service's RPC door, which checks what the console may and records what an operator does.
 */
import { Hono } from 'hono';
import { secureHeaders } from 'hono/secure-headers';
import { type ConsoleAppEnv, type ConsoleContext, show } from './console-context';
import { STYLESHEET } from './console-style';
import { BASE, ICON } from './frame';
import { personRoutes } from './person-routes';
import { NotAnswered, NotDone } from './refusal-pages';
import { RefusedCall, statusOf } from './refused-call';
import { requireOperator } from './require-operator';
import { serviceRoutes } from './service-routes';

export const consoleApp = new Hono<ConsoleAppEnv>({ strict: false }).basePath(BASE);

/** No script at all, and nothing of another host. */
const POLICY = {
  defaultSrc: ["'none'"],
  styleSrc: ["'self'"],
  imgSrc: ["'self'"],
  formAction: ["'self'"],
  baseUri: ["'none'"],
  frameAncestors: ["'none'"],
};

consoleApp.use(
  secureHeaders({
    contentSecurityPolicy: POLICY,
    xFrameOptions: 'DENY',
    referrerPolicy: 'same-origin',
    crossOriginResourcePolicy: 'same-origin',
    crossOriginOpenerPolicy: 'same-origin',
    // The host is the service's too, which says this by its own setting.
    strictTransportSecurity: false,
  }),
);

/** The stylesheet and the icon are served to anyone, because the pages of refusals need them. */
const serveAsset = (type: string, body: string) => (c: ConsoleContext) =>
  c.body(body, 200, { 'Content-Type': type, 'Cache-Control': 'public, max-age=300' });
consoleApp.get('/style.css', serveAsset('text/css; charset=utf-8', STYLESHEET));
consoleApp.get('/icon.svg', serveAsset('image/svg+xml', ICON));

consoleApp.use(async function noStore(c, next) {
  await next();
  c.header('Cache-Control', 'no-store');
});
consoleApp.use(requireOperator);

consoleApp.route('/', serviceRoutes);
consoleApp.route('/', personRoutes);

consoleApp.notFound((c) => {
  const lead = 'Nothing is kept by this address.';
  return show(c, <NotDone title="Not found" lead={lead} />, 404);
});

consoleApp.onError((error, c) => {
  c.header('Cache-Control', 'no-store');
  if (error instanceof RefusedCall) {
    const { refusal } = error;
    if (refusal.retry_after !== undefined) c.header('Retry-After', String(refusal.retry_after));
    return show(c, <NotAnswered viewer={c.get('viewer')} refusal={refusal} />, statusOf(refusal));
  }
  // A message of unknown origin may quote its input.
  console.error(JSON.stringify({ level: 'error', event: 'console_error', name: error.name }));
  const lead = 'The console could not do this. Its log has the time.';
  return show(c, <NotDone title="That did not work" lead={lead} />, 500);
});
