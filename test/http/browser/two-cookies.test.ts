/**
 * Two cookies of one name (RFC 6265bis §8.6): one may be planted by a neighbouring host, in a
 * browser, WebView or proxy that does not hold `__Host-` names to their rules. Neither is ever a
 * credential, and nobody is locked out: a sign-in replaces them, a sign-out removes them, and every
 * answer expires what is not the service's own.
 */
import { env } from 'cloudflare:test';
import { beforeEach, describe, expect, it } from 'vitest';
import { ISSUER, readRow, type TestService } from '../../fixtures';
import {
  asBackend,
  handOff,
  NAVIGATION,
  readSetCookies,
  SAME_ORIGIN,
  type SetCookie,
  signIn,
  startWithBrowsers,
  WEB,
} from './browser';

const HOST = new URL(ISSUER).hostname;
const GRACE = 30;

let service: TestService;
let own: string;
let planted: string;
let sessionId: string;
beforeEach(async () => {
  await env.DB.exec('DELETE FROM user_sessions; DELETE FROM outdated_tokens');
  service = await startWithBrowsers();
  const mine = await signIn(service);
  sessionId = mine.session.id;
  own = mine.jar.get('__Host-session') as string;
  planted = (await signIn(service)).jar.get('__Host-session') as string;
  service.advance(GRACE);
});

/** A browser that takes any cookie, whatever its name demands (RFC 6265 §5.3 alone). */
class LaxBrowser {
  readonly cookies = new Map<string, SetCookie>();

  plant(name: string, value: string, attributes: SetCookie['attributes']) {
    const { domain = '', path = '/', partitioned = '' } = attributes;
    this.cookies.set([name, domain, path, partitioned].join(), { name, value, attributes });
  }

  async send(method: string, path: string, headers: Record<string, string> = SAME_ORIGIN) {
    const cookie = [...this.cookies.values()]
      .filter(({ attributes: { path: at = '/' } }) => `${path}/`.startsWith(`${at}`))
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ');
    const response = await service.request(path, { method, headers: { cookie, ...headers } });
    for (const { name, value, attributes } of readSetCookies(response)) {
      this.plant(name, value, attributes);
      if (attributes['max-age'] !== '0') continue;
      const { domain = '', path: at = '/', partitioned = '' } = attributes;
      this.cookies.delete([name, domain, at, partitioned].join());
    }
    return response;
  }

  named(name: string): string[] {
    return [...this.cookies.values()].filter((each) => each.name === name).map((c) => c.value);
  }
}

const PLACES: [string, SetCookie['attributes']][] = [
  ['the host as a domain', { domain: HOST }],
  ['another path', { path: '/browser' }],
  ['another path with a slash', { path: '/browser/' }],
  ['the very route', { path: '/browser/refresh' }],
  ['another path of the domain', { domain: HOST, path: '/browser' }],
  ['a partition', { partitioned: true }],
];

function browserWith(attributes: SetCookie['attributes']): LaxBrowser {
  const browser = new LaxBrowser();
  browser.plant('__Host-session', planted, attributes);
  browser.plant('__Host-session', own, {});
  return browser;
}

describe('a browser in which another one was planted for', () => {
  it.each(PLACES)('%s is told what to do, and is well with the next refresh', async (_, place) => {
    const browser = browserWith(place);
    const before = await readRow(sessionId);
    service.database.roundTrips = 0;
    const refused = await browser.send('POST', '/browser/refresh');
    expect(refused.status).toBe(401);
    expect(refused.headers.get('www-authenticate')).toMatch(/^Cookie /);
    expect(await refused.json()).toMatchObject({
      code: 'ambiguous_cookie',
      detail: expect.stringContaining('Sign in again'),
    });
    expect(service.database.roundTrips).toBe(0);
    expect(await readRow(sessionId)).toEqual(before);
    expect(browser.named('__Host-session')).toEqual([own]);
    expect((await browser.send('POST', '/browser/refresh')).status).toBe(200);
  });

  it.each(PLACES)('%s signs in, and has the new session alone', async (_, place) => {
    const browser = browserWith(place);
    // Also where the first one is of a path that the start is not below.
    browser.plant('__Host-session', planted, { path: '/browser/start' });
    const { browser: handedOff, session } = await handOff(service);
    const path = handedOff.start_url.slice(ISSUER.length);
    expect((await browser.send('GET', path, NAVIGATION)).status).toBe(303);
    const current = await browser.send('GET', '/browser/session');
    expect(await current.json()).toMatchObject({ session: { id: session.id } });
    expect(await readRow(sessionId)).toMatchObject({ revoked_at: null });
  });

  it.each(PLACES)('%s signs out, and has none', async (_, place) => {
    const browser = browserWith(place.path === '/browser/refresh' ? { path: '/browser' } : place);
    expect((await browser.send('POST', '/browser/sign-out')).status).toBe(204);
    expect(browser.named('__Host-session')).toEqual([]);
    expect(browser.named('__Host-access')).toEqual([]);
  });
});

const send = (header: string, method: string, path: string, headers = {}) =>
  service.request(path, { method, headers: { ...SAME_ORIGIN, ...headers, cookie: header } });

describe('neither is a credential', () => {
  const paths = [
    ['POST', '/browser/refresh'],
    ['GET', '/browser/session'],
    ['POST', '/browser/sign-out-everywhere'],
    ['GET', '/account'],
    ['GET', '/account/activity'],
  ] as const;

  it.each(paths)('of %s %s', async (method, path) => {
    const before = await readRow(sessionId);
    service.database.roundTrips = 0;
    for (const header of [
      `__Host-session=${own}; __Host-session=${planted}`,
      `__Host-session=${planted}; __Host-session=${own}`,
      `__Host-session=${own}; __Host-session=${own}`,
      `__Host-session=; __Host-session=${own}`,
      `__Host-session=${own};a=b;__Host-session=`,
      `__Host-session=x;  __Host-session=${own}`,
      `__Host-session="${own}"; __Host-session=${planted}`,
      // Two Cookie headers, as HTTP joins them (RFC 9110 §5.3).
      `__Host-session=${own}, __Host-session=${planted}`,
    ]) {
      const response = await send(header, method, path);
      expect({ header, status: response.status }).toEqual({ header, status: 401 });
      const kept = readSetCookies(response).filter(
        ({ attributes: { domain, path, partitioned } }) =>
          path === '/' && domain === undefined && partitioned === undefined,
      );
      expect(kept).toEqual([]);
    }
    expect(service.database.roundTrips).toBe(0);
    expect(await readRow(sessionId)).toEqual(before);
  });

  it('of POST /browser/sign-out, which removes both and ends neither', async () => {
    const header = `__Host-session=${own}; __Host-session=${planted}`;
    const response = await send(header, 'POST', '/browser/sign-out');
    expect(response.status).toBe(204);
    expect(await readRow(sessionId)).toMatchObject({ revoked_at: null });
  });

  it('of the sign-out of the account page, which removes both', async () => {
    const response = await send(
      `__Host-session=${own}; __Host-session=${planted}`,
      'POST',
      '/account/sign-out',
      { 'content-type': 'application/x-www-form-urlencoded' },
    );
    expect(response.headers.get('location')).toBe('/account/signed-out');
    const removed = readSetCookies(response).filter(({ attributes }) => !attributes.domain);
    expect(removed.map(({ name }) => name)).toContain('__Host-session');
    expect(await readRow(sessionId)).toMatchObject({ revoked_at: null });
  });

  it('but the single access cookie still says which session a sign-out ends', async () => {
    const { jar, session } = await signIn(service);
    const header = `__Host-session=${own}; __Host-session=${planted}; __Host-access=${jar.get('__Host-access')}`;
    expect((await send(header, 'POST', '/browser/sign-out')).status).toBe(204);
    expect(await readRow(session.id)).toMatchObject({ revoked_reason: 'signed_out' });
    expect(await readRow(sessionId)).toMatchObject({ revoked_at: null });
  });

  it('and whoever opens a link from elsewhere is asked, as one with a session is', async () => {
    const { browser } = await handOff(service);
    const response = await service.request(browser.start_url.slice(ISSUER.length), {
      headers: {
        ...NAVIGATION,
        'sec-fetch-site': 'none',
        cookie: `__Host-session=${own}; __Host-session=${planted}`,
      },
    });
    expect(response.status).toBe(200);
    expect(await response.text()).toContain('<form method="post" action="/browser/start"');
  });
});

describe('a Cookie header of other programs', () => {
  it.each([
    ['quotes', () => `__Host-session="${own}"`],
    ['another cookie in a second header', () => `__Host-session=${own}, theme=dark`],
    ['two bookmarks', () => `__Host-session=${own}; __Host-bookmark=a; __Host-bookmark=b`],
    ['two access tokens', () => `__Host-session=${own}; __Host-access=a; __Host-access=b`],
  ])('with %s is one of a person who is signed in', async (_, header) => {
    expect((await send(header(), 'GET', '/browser/session')).status).toBe(200);
    expect((await send(header(), 'GET', '/account')).status).toBe(200);
    expect((await send(header(), 'POST', '/browser/refresh')).status).toBe(200);
  });

  it('in which another cookie’s value looks like ours is not taken for it', async () => {
    const smuggled = await send(`a=1, __Host-session=${own}`, 'POST', '/browser/refresh');
    expect(await smuggled.json()).toMatchObject({ code: 'session_ended' });
    const beside = `a=1, __Host-session=${planted}; __Host-session=${own}`;
    expect(await (await send(beside, 'GET', '/browser/session')).json()).toMatchObject({
      session: { id: sessionId },
    });
  });
});

it('the domains above are looked to as well, but for the last label', async () => {
  const issuer = 'https://auth.sessions.example';
  const deeper = await startWithBrowsers({ ISSUER: issuer });
  const response = await deeper.request('/browser/refresh', {
    method: 'POST',
    headers: { ...SAME_ORIGIN, origin: issuer, cookie: '__Host-session=a; __Host-session=b' },
  });
  const domains = readSetCookies(response).map(({ attributes }) => attributes.domain);
  expect(new Set(domains)).toEqual(
    new Set([undefined, 'auth.sessions.example', 'sessions.example']),
  );
});

it('what a path says is in no Set-Cookie line, unless it is a plain name', async () => {
  const cookie = `__Host-session=${own}; __Host-session=${planted}`;
  for (const path of ['/account/a;Domain=evil/b', '/account/%0d%0aSet-Cookie:x', '/account/ä/b']) {
    const response = await service.request(path, { headers: { cookie } });
    for (const line of response.headers.getSetCookie())
      expect(line).toMatch(
        /^__Host-session=; Max-Age=0; Path=\/[\w/]*(; (Domain=[\w.]+|Partitioned))?; HttpOnly; Secure; SameSite=Lax$/,
      );
  }
});

it('a server that forwards two is told the same, and WEB’s session stays', async () => {
  const { authorization } = asBackend(new Map());
  const response = await service.request('/browser/token', {
    method: 'POST',
    headers: { authorization, cookie: `__Host-session=${own}; __Host-session=${planted}` },
  });
  expect(response.status).toBe(401);
  expect(await response.json()).toMatchObject({ code: 'ambiguous_cookie' });
  expect(await readRow(sessionId)).toMatchObject({ client_id: WEB, revoked_at: null });
});
