/**
 * Trying it: one click starts a session, as a backend would start it; the page then shows what the
 * browser was given.
 */
import { parseConfig } from '../config/config';
import { toStylesheet } from '../http/account/style';
import type { DevEnv } from './dev-env';
import { LandingPage, type ShownToken } from './landing';
import { PAGE_SCRIPT } from './page-script';

/** Asks the Worker itself. */
type Ask = (request: Request) => Promise<Response>;

const CLIENT_ID = 'demo-web';
const USER_ID = '5e551005-0000-4000-8000-00000000d3a0';
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/** A line of code is a line: what is too long for the screen is scrolled to. */
const CODE_STYLE =
  'figure{clear:both;margin:0 0 1.5rem;overflow:auto;border-radius:.5rem;background:var(--tile)}pre{white-space:pre;overflow:visible;width:max-content;margin:0}button[data-copy]{float:right;margin-bottom:.5rem}';

export const demo = {
  clientId: CLIENT_ID,

  /** Answers for the pages of the demo, and passes everything else on. */
  async fetch(request: Request, env: DevEnv, ask: Ask): Promise<Response> {
    const { pathname } = new URL(request.url);
    const issuer = (env.ISSUER ?? '').replace(/\/+$/, '');
    const base = new URL(issuer).pathname.replace(/\/+$/, '');
    if (request.method === 'GET' && (pathname === base || pathname === `${base}/`))
      return showLanding(request, env, base);
    if (request.method === 'GET' && pathname === `${base}/demo/style.css`)
      return showStylesheet(env);
    if (request.method === 'GET' && pathname === `${base}/demo/page.js`)
      return new Response(PAGE_SCRIPT, {
        headers: { 'Content-Type': 'text/javascript; charset=utf-8' },
      });
    if (request.method === 'POST' && pathname === `${base}/demo`)
      return startSession(request, env, issuer, ask);
    return ask(request);
  },
};

function showLanding(request: Request, env: DevEnv, base: string): Response {
  const page = (
    <LandingPage
      base={base}
      issuer={env.ISSUER ?? ''}
      hasBackend={env.DEMO_CLIENT_ID !== undefined && env.DEMO_CLIENT_SECRET !== undefined}
      wasStarted={new URL(request.url).searchParams.has('started')}
      tokens={readTokens(request.headers.get('cookie') ?? '')}
    />
  );
  return new Response(`<!doctype html>${page}`, {
    headers: {
      'Content-Type': 'text/html; charset=utf-8',
      'Cache-Control': 'no-store',
      'Content-Security-Policy': POLICY,
      'Referrer-Policy': 'same-origin',
    },
  });
}

function showStylesheet(env: DevEnv): Response {
  const { brand } = parseConfig(env);
  return new Response(toStylesheet(brand) + CODE_STYLE, {
    headers: { 'Content-Type': 'text/css; charset=utf-8' },
  });
}

/**
 * What an app's backend does once it has signed a user in: creates the session, and sends the
 * browser where its cookies are.
 */
async function startSession(
  request: Request,
  env: DevEnv,
  issuer: string,
  ask: Ask,
): Promise<Response> {
  const origin = toOwnOrigin(request, issuer);
  if (origin === null) return new Response('cross-site', { status: 403 });
  const response = await ask(
    new Request(`${issuer}/v1/sessions`, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        Authorization: `Basic ${btoa(`${env.DEMO_CLIENT_ID}:${env.DEMO_CLIENT_SECRET}`)}`,
      },
      body: JSON.stringify({
        client_id: CLIENT_ID,
        user_id: USER_ID,
        user_agent: request.headers.get('user-agent') ?? undefined,
        browser: { return_url: `${origin}${new URL(issuer).pathname}?started` },
      }),
    }),
  );
  if (!response.ok) return response;
  const { browser } = await response.json<{ browser: { start_url: string } }>();
  // Without its host: that of a proxy in front may be another than the issuer's.
  const { pathname, search } = new URL(browser.start_url);
  return new Response(null, {
    status: 303,
    headers: { Location: pathname + search, 'Cache-Control': 'no-store' },
  });
}

/**
 * The origin at which the browser sees these pages, null where another site's page sends the form:
 * the issuer's, or that of a proxy in front which keeps `Host`.
 */
function toOwnOrigin({ url, headers }: Request, issuer: string): string | null {
  const own = new URL(issuer).origin;
  const origin = headers.get('origin') ?? own;
  return origin === own || URL.parse(origin)?.host === new URL(url).host ? origin : null;
}

/**
 * The tokens of the browser's cookies, taken apart for reading. Nothing is verified: it is the
 * browser's own.
 */
function readTokens(cookies: string): ShownToken[] {
  const value = (name: string) =>
    new RegExp(`(?:^|;\\s*)__Host-${name}=([^;]+)`).exec(cookies)?.[1];
  const access = value('access');
  const refresh = value('session')?.split('~')[1]?.replace(/^v2\./, '');
  return [
    { name: 'access', parts: decode(access) },
    { name: 'refresh', parts: decode(refresh, ['secret']) },
  ].flatMap(({ name, parts }) => (parts === null ? [] : [{ name, ...parts }]));
}

function decode(jws: string | undefined, hidden: readonly string[] = []) {
  try {
    const [header, payload] = (jws ?? '').split('.', 2).map((part) => {
      const json = JSON.parse(atob(part.replaceAll('-', '+').replaceAll('_', '/'))) as Record<
        string,
        unknown
      >;
      for (const name of hidden) if (name in json) json[name] = '…';
      return JSON.stringify(json, null, 2);
    });
    return header === undefined || payload === undefined ? null : { header, payload };
  } catch {
    return null;
  }
}
