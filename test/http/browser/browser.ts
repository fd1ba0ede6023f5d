/**
 * A browser as the service sees it: a cookie jar, and the headers that Chromium sends by itself.
 */
import { CAPABILITIES } from '../../../src/config/clients';
import {
  BACKEND,
  basic,
  clientsWith,
  ISSUER,
  sha256Hex,
  startService,
  type TestService,
} from '../../fixtures';

export const APP_ORIGIN = 'https://app.sessions.example';
export const RETURN_URL = `${APP_ORIGIN}/signed-in`;
export const WEB = 'web';
export const OTHER_WEB = 'other-web';
/** A browser client whose access token is in the memory of its pages. */
export const MEMORY_WEB = 'memory-web';
export const MEMORY_ORIGIN = 'https://memory.sessions.example';
/** A server-rendered app: a confidential client whose own sessions are in cookies. */
export const SSR = { id: 'ssr', secret: 'ssr-secret-of-the-tests' };

export async function startWithBrowsers(
  variables: Parameters<typeof startService>[0] = {},
  clock?: { now: number },
  fetch?: typeof globalThis.fetch,
): Promise<TestService> {
  const clients = [
    {
      client_id: BACKEND.id,
      secret_sha256: await sha256Hex(BACKEND.secret),
      allow: CAPABILITIES,
      for_clients: [BACKEND.id, WEB, OTHER_WEB, MEMORY_WEB, SSR.id, 'app'],
      browser_clients: [WEB],
    },
    { client_id: WEB, origins: [APP_ORIGIN], return_urls: [RETURN_URL, `${APP_ORIGIN}/deep/`] },
    {
      client_id: OTHER_WEB,
      origins: ['https://other.sessions.example'],
      return_urls: ['https://other.sessions.example'],
    },
    {
      client_id: MEMORY_WEB,
      origins: [MEMORY_ORIGIN],
      return_urls: [MEMORY_ORIGIN],
      access_token: 'memory',
    },
    {
      client_id: SSR.id,
      secret_sha256: await sha256Hex(SSR.secret),
      allow: ['refresh', 'create_sessions', 'browser_tokens'],
      origins: ['https://ssr.example'],
      return_urls: ['https://ssr.example'],
    },
    { client_id: 'app' },
  ];
  return startService({ CLIENTS: JSON.stringify(clients), ...variables }, clock, fetch);
}

/** `web` keeps several accounts side by side. `members`: what else its entry has. */
export async function startWithAccounts(members: object = {}): Promise<TestService> {
  const plain = await startWithBrowsers();
  const several = { several_accounts: true, ...members };
  return startWithBrowsers({ CLIENTS: clientsWith(plain, WEB, several) });
}

export interface HandOff {
  session: { id: string; user_id: string | null };
  browser: { start_url: string; expires_in: number };
}

export async function handOff(
  service: TestService,
  body: Record<string, unknown> = {},
  headers: Record<string, string> = {},
): Promise<HandOff> {
  const input = { client_id: WEB, browser: { return_url: RETURN_URL }, ...body };
  return (await service.create(input, headers)) as unknown as HandOff;
}

export interface SetCookie {
  name: string;
  value: string;
  attributes: Record<string, string | true>;
}

export function readSetCookies(response: Response): SetCookie[] {
  return response.headers.getSetCookie().map((line) => {
    const [pair = '', ...rest] = line.split(/; */);
    const [name = ''] = pair.split('=');
    const attributes = rest.map((attribute) => attribute.split('='));
    return {
      name,
      value: pair.slice(name.length + 1),
      attributes: Object.fromEntries(
        attributes.map(([key = '', value]) => [key.toLowerCase(), value ?? true]),
      ),
    };
  });
}

export type Jar = Map<string, string>;

/**
 * What Chromium sends for `fetch(…, { method, headers: { 'content-type': 'application/json' } })`
 * of a page of the service's own origin.
 */
export const SAME_ORIGIN = {
  'sec-fetch-site': 'same-origin',
  'sec-fetch-mode': 'cors',
  'sec-fetch-dest': 'empty',
  origin: ISSUER,
  'content-type': 'application/json',
};

/** Sends a request with the jar's cookies, and keeps what comes back in it. */
export async function send(
  service: TestService,
  jar: Jar,
  method: string,
  path: string,
  headers: Record<string, string> = SAME_ORIGIN,
  body?: string,
): Promise<Response> {
  const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
  const response = await service.request(path, {
    method,
    headers: { ...(cookie && { cookie }), ...headers },
    ...(body !== undefined && { body }),
  });
  for (const { name, value, attributes } of readSetCookies(response)) {
    if (attributes['max-age'] === '0') jar.delete(name);
    else jar.set(name, value);
  }
  return response;
}

/** Of a form that a page of the service's own origin sends. */
export const OWN_FORM = {
  'content-type': 'application/x-www-form-urlencoded',
  origin: ISSUER,
  'sec-fetch-site': 'same-origin',
};

/** The redirect of an app on the service's own host. For others see start-bound.test.ts. */
export const NAVIGATION = {
  'sec-fetch-site': 'same-origin',
  'sec-fetch-mode': 'navigate',
  'sec-fetch-dest': 'document',
  'sec-fetch-user': '?1',
};

/** A browser follows the start URL. */
export const start = (
  service: TestService,
  jar: Jar,
  startUrl: string,
  headers: Record<string, string> = NAVIGATION,
) => send(service, jar, 'GET', startUrl.slice(ISSUER.length), headers);

/** A browser that is signed in, and its session. */
export async function signIn(service: TestService, body: Record<string, unknown> = {}) {
  const { session, browser } = await handOff(service, body);
  const jar: Jar = new Map();
  const response = await start(service, jar, browser.start_url);
  if (response.status !== 303)
    throw new Error(`start answered ${response.status}: ${await response.text()}`);
  return { jar, session };
}

export const asBackend = (jar: Jar, { id, secret } = BACKEND) => ({
  authorization: basic({ id, secret }),
  cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; '),
});

/** The app with tokens gives its refresh token back (RFC 7009): its session is over. */
export async function giveBack(service: TestService, token: string): Promise<void> {
  await service.request('/oauth/revoke', {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ token, client_id: 'app' }).toString(),
  });
}
