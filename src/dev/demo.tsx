/**
 * Trying it: one click starts a session, as a backend would start it; the page then shows what the
 * browser was given.
 */
import { parseConfig } from '../config/config';
import { toStylesheet } from '../http/account/style';
import { DEMO_USER_ID } from './demo-person';
import type { DevEnv } from './dev-env';
import { LandingPage, type ShownToken } from './landing';
import { PAGE_SCRIPT } from './page-script';
import { PAGE_STYLE } from './page-style';
import { replayElsewhere } from './replay';
import { see, sessionOf } from './seen-calls';
import { tellAnswer } from './tell-answer';
import type { ShownEvent } from './told-answers';
import { GRACE_SECONDS } from './trials';

/** Asks the Worker itself. */
type Ask = (request: Request) => Promise<Response>;

const CLIENT_ID = 'demo-web';
const POLICY =
  "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

export const demo = {
  client: {
    client_id: CLIENT_ID,
    sessions: { refresh_grace_seconds: GRACE_SECONDS },
  },

  /** Answers for the pages of the demo, and passes everything else on. */
  async fetch(request: Request, env: DevEnv, askUnseen: Ask): Promise<Response> {
    const url = new URL(request.url);
    const issuer = (env.ISSUER ?? '').replace(/\/+$/, '');
    const base = new URL(issuer).pathname.replace(/\/+$/, '');
    const ask: Ask = async (inner) => {
      const response = await askUnseen(inner);
      await see(inner, response);
      return response;
    };
    if (url.pathname !== base && !url.pathname.startsWith(`${base}/`)) return ask(request);
    switch (`${request.method} ${url.pathname.slice(base.length)}`) {
      case 'GET ':
      case 'GET /':
        return showLanding(request, env, { base, issuer, ask });
      case 'GET /demo/style.css':
        return showStylesheet(env);
      case 'GET /demo/page.js':
        return new Response(PAGE_SCRIPT, {
          headers: { 'Content-Type': 'text/javascript; charset=utf-8' },
        });
      case 'GET /demo/answer':
        return tellAnswer(url, () => readSecurityLog(env, issuer, ask));
      case 'POST /demo/replay':
        return replay(request, issuer, ask);
      case 'POST /demo':
        return startSession(request, env, issuer, ask);
      default:
        return ask(request);
    }
  },
};

async function showLanding(
  request: Request,
  env: DevEnv,
  { base, issuer, ask }: { base: string; issuer: string; ask: Ask },
): Promise<Response> {
  const cookies = request.headers.get('cookie') ?? '';
  const sessionId = sessionOf(cookies);
  const wasStarted = new URL(request.url).searchParams.has('started');
  // `started` has told what it had to: a later page may lack cookies for another reason.
  if (wasStarted && sessionId !== null)
    return new Response(null, { status: 303, headers: { Location: `${base}/` } });
  const page = (
    <LandingPage
      base={base}
      issuer={env.ISSUER ?? ''}
      hasBackend={env.DEMO_CLIENT_ID !== undefined && env.DEMO_CLIENT_SECRET !== undefined}
      wasStarted={wasStarted}
      sessionId={sessionId}
      whyOver={await toWhyOver(request, issuer, ask)}
      tokens={readTokens(cookies)}
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

/** Why the session of the cookies is over; null where it is not, or there is none. */
async function toWhyOver(request: Request, issuer: string, ask: Ask): Promise<string | null> {
  if (sessionOf(request.headers.get('cookie')) === null) return null;
  // The browser's own question: another's, of the same session, would look like theft.
  const headers = new Headers(request.headers);
  for (const name of ['origin', 'sec-fetch-site', 'sec-fetch-mode', 'sec-fetch-dest'])
    headers.delete(name);
  const response = await ask(
    new Request(`${issuer}/browser/session`, { headers, cf: request.cf } as RequestInit),
  );
  if (response.status !== 401) return null;
  const { reason } = await response.json<{ reason?: string }>();
  return reason ?? 'session_ended';
}

/** The newest events of the demo's person, as its backend reads them. */
async function readSecurityLog(env: DevEnv, issuer: string, ask: Ask): Promise<ShownEvent[]> {
  const response = await ask(
    new Request(`${issuer}/v1/users/${DEMO_USER_ID}/events?limit=50`, {
      headers: { Authorization: toBasic(env) },
    }),
  );
  return response.ok ? (await response.json<{ events: ShownEvent[] }>()).events : [];
}

async function replay(request: Request, issuer: string, ask: Ask): Promise<Response> {
  if (toOwnOrigin(request, issuer) === null) return refuse(request);
  // The page may be older than the browser's session; after signing out there is none.
  const current = sessionOf(request.headers.get('cookie'));
  const session = current ?? new URL(request.url).searchParams.get('session') ?? '';
  const response = await replayElsewhere(session, issuer, ask);
  return response ?? new Response('no old token', { status: 409 });
}

function showStylesheet(env: DevEnv): Response {
  const { brand } = parseConfig(env);
  return new Response(toStylesheet(brand) + PAGE_STYLE, {
    headers: { 'Content-Type': 'text/css; charset=utf-8' },
  });
}

/**
 * Does what an app's backend does once it has signed a user in: creates the session, and sends the
 * browser where its cookies are.
 */
async function startSession(
  request: Request,
  env: DevEnv,
  issuer: string,
  ask: Ask,
): Promise<Response> {
  const origin = toOwnOrigin(request, issuer);
  if (origin === null) return refuse(request);
  const response = await ask(
    new Request(`${issuer}/v1/sessions`, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        Authorization: toBasic(env),
      },
      body: JSON.stringify({
        client_id: CLIENT_ID,
        user_id: DEMO_USER_ID,
        user_agent: request.headers.get('user-agent') ?? undefined,
        browser: { return_url: `${origin}${new URL(issuer).pathname}?started` },
      }),
    }),
  );
  if (!response.ok) return response;
  const { browser } = await response.json<{ browser: { start_url: string } }>();
  // The URL without its host, because a proxy in front may have another than the issuer.
  const { pathname, search } = new URL(browser.start_url);
  return new Response(null, {
    status: 303,
    headers: { Location: pathname + search, 'Cache-Control': 'no-store' },
  });
}

const toBasic = ({ DEMO_CLIENT_ID, DEMO_CLIENT_SECRET }: DevEnv) =>
  `Basic ${btoa(`${DEMO_CLIENT_ID}:${DEMO_CLIENT_SECRET}`)}`;

/**
 * The origin at which the browser sees these pages, null where another site's page sends the form:
 * the issuer's, or that of a proxy in front which keeps `Host`.
 */
function toOwnOrigin({ url, headers }: Request, issuer: string): string | null {
  const own = new URL(issuer).origin;
  const origin = headers.get('origin') ?? own;
  return origin === own || URL.parse(origin)?.host === new URL(url).host ? origin : null;
}

const refuse = ({ url, headers }: Request) =>
  new Response(
    `The form is of ${headers.get('origin')}, and this is ${new URL(url).origin}. If both are yours, with a proxy between them, let it keep Host (nginx: proxy_set_header Host $http_host).\n`,
    { status: 403, headers: { 'Content-Type': 'text/plain; charset=utf-8' } },
  );

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
