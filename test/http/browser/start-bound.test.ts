/**
 * Whose browser a start URL may sign in without asking. Whoever made a link can send any browser
 * there, and would sign that person in as somebody else: login CSRF (ASVS 3.5.1, 7.2.4).
 */
import { beforeEach, describe, expect, it } from 'vitest';
import { ISSUER, readRow, type TestService } from '../../fixtures';
import {
  APP_ORIGIN,
  handOff,
  type Jar,
  NAVIGATION,
  RETURN_URL,
  readSetCookies,
  send,
  signIn,
  start,
  startWithBrowsers,
} from './browser';

const VICTIM = '7b0e4f50-0f4c-4d0b-8f43-0f7d1d2f7c11';
const ATTACKER = '0a9c1d52-9a53-4a4e-8d4e-3f1f0f0b7a22';
let service: TestService;

beforeEach(async () => {
  service = await startWithBrowsers();
});

/** What a browser says of where it was sent from; `referer` null: nothing. */
const site = (value: string, referer: string | null = `${APP_ORIGIN}/`) => ({
  ...NAVIGATION,
  'sec-fetch-site': value,
  ...(referer !== null && { referer }),
});
const codeOf = (startUrl: string) => new URL(startUrl).searchParams.get('code') as string;

/** A form of a page of this origin, as Chromium sends it. */
const post = (jar: Jar, startUrl: string, headers: Record<string, string>) =>
  send(
    service,
    jar,
    'POST',
    '/browser/start',
    { ...NAVIGATION, 'content-type': 'application/x-www-form-urlencoded', ...headers },
    new URLSearchParams({ code: codeOf(startUrl) }).toString(),
  );

/** The page that asks: it changes nothing, and no database is asked for it. */
async function expectAsked(response: Response, startUrl: string): Promise<string> {
  expect(response.status).toBe(200);
  expect(response.headers.getSetCookie()).toEqual([]);
  expect(response.headers.get('location')).toBe(null);
  expect(response.headers.get('cache-control')).toBe('no-store');
  expect(response.headers.get('referrer-policy')).toBe('same-origin');
  const policy = response.headers.get('content-security-policy');
  expect(policy).toContain(`form-action 'self' ${APP_ORIGIN};`);
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("frame-ancestors 'none'");
  const page = await response.text();
  expect(page).toContain('<h1>Continue signing in?</h1>');
  expect(page.replaceAll(/<\/?bdi>/g, '')).toContain(
    'signs you in to web and goes on to app.sessions.example.',
  );
  expect(page).toContain('<form method="post" action="/browser/start"');
  expect(page).toContain(`value="${codeOf(startUrl)}"`);
  expect(page).not.toContain('<script');
  return page;
}

const NO_METADATA: Record<string, string> = {};

describe('a browser that is signed in', () => {
  it.each<[string, Record<string, string>]>([
    ['another site', site('cross-site')],
    ['the address bar or another program', site('none')],
    ['a browser without fetch metadata', NO_METADATA],
    ['a browser with unknown fetch metadata', site('elsewhere')],
    ['another host of the site', site('same-site', 'https://evil.sessions.example/')],
    ['a page of the site that hides itself', site('same-site', null)],
    ['a host that begins like the app’s', site('same-site', `${APP_ORIGIN}.evil.example/`)],
    ["another client's page", site('same-site', 'https://other.sessions.example/')],
    ['a Referer that is no URL', site('same-site', 'app.sessions.example')],
  ])('is asked, and stays signed in: %s', async (_, headers) => {
    const { jar, session } = await signIn(service, { user_id: VICTIM });
    const { browser, session: planted } = await handOff(service, { user_id: ATTACKER });
    const before = new Map(jar);
    service.database.roundTrips = 0;
    const page = await expectAsked(
      await start(service, jar, browser.start_url, headers),
      browser.start_url,
    );
    expect(page).toContain('You are signed in already. If you continue, that session ends.');
    expect(service.database.roundTrips).toBe(0);
    expect(jar).toEqual(before);
    expect(await readRow(session.id)).toMatchObject({ revoked_at: null });
    expect(await readRow(planted.id)).toMatchObject({ rotated_at: null });
  });

  it.each<[string, Record<string, string>]>([
    ['a page of the client', site('same-site')],
    ['a page of the client, with its path', site('same-site', `${APP_ORIGIN}/sign-in?next=%2F`)],
    ['a page of the service’s own host', site('same-origin', null)],
  ])('is not asked: %s', async (_, headers) => {
    const { jar, session } = await signIn(service, { user_id: VICTIM });
    const { browser } = await handOff(service, { user_id: VICTIM });
    expect((await start(service, jar, browser.start_url, headers)).status).toBe(303);
    expect(await readRow(session.id)).toMatchObject({ revoked_reason: 'signed_out' });
  });
});

describe('a browser that is not signed in', () => {
  it.each<[string, Record<string, string>]>([
    ['another site', site('cross-site')],
    ['a browser without fetch metadata', NO_METADATA],
    ['another host of the site', site('same-site', 'https://evil.sessions.example/')],
    ['a page of the site that hides itself', site('same-site', null)],
  ])('is asked, and gets no session by itself: %s', async (_, headers) => {
    const { browser } = await handOff(service, { user_id: ATTACKER });
    const jar: Jar = new Map();
    const page = await expectAsked(
      await start(service, jar, browser.start_url, headers),
      browser.start_url,
    );
    expect(page).not.toContain('You are signed in already');
    expect(jar.size).toBe(0);
  });

  it.each(['same-site', 'same-origin', 'none'])('is not asked: %s', async (value) => {
    const { browser } = await handOff(service);
    expect((await start(service, new Map(), browser.start_url, site(value))).status).toBe(303);
  });
});

describe('POST /browser/start', () => {
  it.each<[string, Record<string, string>]>([
    ["the page's own form", { origin: ISSUER, 'sec-fetch-site': 'same-origin' }],
    ["a form of the client's origin", { origin: APP_ORIGIN, 'sec-fetch-site': 'same-site' }],
  ])('goes on: %s', async (_, headers) => {
    const { jar, session } = await signIn(service, { user_id: ATTACKER });
    const { browser, session: next } = await handOff(service, { user_id: VICTIM });
    const response = await post(jar, browser.start_url, headers);
    expect(response.status).toBe(303);
    expect(response.headers.get('location')).toBe(RETURN_URL);
    expect(await readRow(session.id)).toMatchObject({ revoked_reason: 'signed_out' });
    const current = await send(service, jar, 'GET', '/browser/session');
    expect(await current.json()).toMatchObject({ session: { id: next.id } });
  });

  describe("a client's origin on another site, whose form comes without the session's cookie", () => {
    const SSR = { client_id: 'ssr', browser: { return_url: 'https://ssr.example/' } };
    const FORM = { origin: 'https://ssr.example', 'sec-fetch-site': 'cross-site' };
    /** What a browser does with the answer, and with its SameSite=Lax cookies. */
    async function postFromElsewhere(jar: Jar, startUrl: string) {
      const sent: Jar = new Map();
      const response = await post(sent, startUrl, FORM);
      for (const [name, value] of sent) jar.set(name, value);
      return response;
    }

    it('goes on over a navigation that has it: the session that there was ends', async () => {
      const { jar, session } = await signIn(service, { user_id: ATTACKER });
      const { browser, session: next } = await handOff(service, { ...SSR, user_id: VICTIM });
      const bound = await postFromElsewhere(jar, browser.start_url);
      expect(bound.status).toBe(303);
      expect(bound.headers.get('location')).toBe(browser.start_url);
      expect(readSetCookies(bound)).toEqual([
        {
          name: '__Host-start',
          value: expect.stringMatching(/^[\w-]{43}$/),
          attributes: {
            'max-age': '60',
            path: '/',
            httponly: true,
            secure: true,
            samesite: 'Lax',
          },
        },
      ]);
      expect(await readRow(next.id)).toMatchObject({ rotated_at: null });
      const followed = await start(service, jar, browser.start_url, site('cross-site', null));
      expect(followed.status).toBe(303);
      expect(followed.headers.get('location')).toBe('https://ssr.example/');
      expect(await readRow(session.id)).toMatchObject({ revoked_reason: 'signed_out' });
      expect(jar.has('__Host-start')).toBe(false);
      const current = await send(service, jar, 'GET', '/browser/session');
      expect(await current.json()).toMatchObject({ session: { id: next.id } });
    });

    it('goes on in a browser that was not signed in', async () => {
      const { browser, session } = await handOff(service, { ...SSR, user_id: VICTIM });
      const jar: Jar = new Map();
      await postFromElsewhere(jar, browser.start_url);
      await start(service, jar, browser.start_url, site('cross-site', null));
      const current = await send(service, jar, 'GET', '/browser/session');
      expect(await current.json()).toMatchObject({ session: { id: session.id } });
    });

    it('binds to that one sign-in, and no other browser', async () => {
      const { jar } = await signIn(service, { user_id: VICTIM });
      const { browser: own } = await handOff(service, { ...SSR, user_id: VICTIM });
      const { browser: planted } = await handOff(service, { user_id: ATTACKER });
      await postFromElsewhere(jar, own.start_url);
      await expectAsked(
        await start(service, jar, planted.start_url, site('cross-site', null)),
        planted.start_url,
      );
      const { jar: other } = await signIn(service, { user_id: VICTIM });
      const asked = await start(service, other, own.start_url, site('cross-site', null));
      expect(await asked.text()).toContain('<h1>Continue signing in?</h1>');
    });
  });

  it('goes on in a browser without fetch metadata, by Origin', async () => {
    const { browser } = await handOff(service);
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    const body = new URLSearchParams({ code: codeOf(browser.start_url) }).toString();
    const ask = (headers: Record<string, string>) =>
      send(service, new Map(), 'POST', '/browser/start', { ...form, ...headers }, body);
    expect((await ask({})).status).toBe(403);
    expect((await ask({ origin: APP_ORIGIN })).status).toBe(303);
  });

  it.each<[string, Record<string, string>]>([
    ['another site', { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }],
    ['a host of the site', { origin: 'https://x.sessions.example', 'sec-fetch-site': 'same-site' }],
    [
      "another client's origin",
      { origin: 'https://other.sessions.example', 'sec-fetch-site': 'same-site' },
    ],
    ['a sandboxed frame', { origin: 'null', 'sec-fetch-site': 'cross-site' }],
    ['no origin', { 'sec-fetch-site': 'cross-site' }],
    ['no origin, within the site', { 'sec-fetch-site': 'same-site' }],
  ])('is refused with a page, and changes nothing: %s', async (_, headers) => {
    const { jar, session } = await signIn(service, { user_id: VICTIM });
    const { browser } = await handOff(service, { user_id: ATTACKER });
    const before = new Map(jar);
    const response = await post(jar, browser.start_url, headers);
    expect(response.status).toBe(403);
    expect(response.headers.get('content-type')).toMatch(/^text\/html/);
    expect(response.headers.getSetCookie()).toEqual([]);
    expect(jar).toEqual(before);
    expect(await readRow(session.id)).toMatchObject({ revoked_at: null });
    expect((await start(service, new Map(), browser.start_url)).status).toBe(303);
  });

  it.each<[string, Record<string, string>]>([
    ['a frame', { 'sec-fetch-dest': 'iframe' }],
    ['a script', { 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' }],
  ])('uses no code up: %s', async (_, headers) => {
    const { browser } = await handOff(service);
    const own = { origin: APP_ORIGIN, 'sec-fetch-site': 'same-site', ...headers };
    expect((await post(new Map(), browser.start_url, own)).status).toBe(400);
    expect((await start(service, new Map(), browser.start_url)).status).toBe(303);
  });
});

describe('a form that is none', () => {
  it.each<[string, string, string, BodyInit]>([
    ['JSON', '', 'application/json', '{}'],
    ['no code', '', 'application/x-www-form-urlencoded', ''],
    ['a code twice', '', 'application/x-www-form-urlencoded', 'code=a&code=b'],
    ['a code in the URL', '?code=x', 'application/x-www-form-urlencoded', 'code=x'],
    ['invalid UTF-8', '', 'application/x-www-form-urlencoded', new Uint8Array([0x61, 0x3d, 0xff])],
  ])('is a page with status 400: %s', async (_, query, type, body) => {
    service.database.roundTrips = 0;
    const response = await service.request(`/browser/start${query}`, {
      method: 'POST',
      headers: { ...NAVIGATION, origin: APP_ORIGIN, 'content-type': type },
      body,
    });
    expect(response.status).toBe(400);
    expect(response.headers.get('content-type')).toMatch(/^text\/html/);
    expect(service.database.roundTrips).toBe(0);
  });
});

describe('a link that is opened again', () => {
  it.each(['same-site', 'cross-site', 'none'])(
    'goes on in the browser that has its session, used and expired: %s',
    async (value) => {
      const { browser } = await handOff(service, { user_id: VICTIM });
      const jar: Jar = new Map();
      await start(service, jar, browser.start_url);
      const before = new Map(jar);
      service.database.roundTrips = 0;
      for (const seconds of [1, 60]) {
        service.advance(seconds);
        const again = await start(service, jar, browser.start_url, site(value));
        expect(again.status).toBe(303);
        expect(again.headers.get('location')).toBe(RETURN_URL);
        expect(again.headers.getSetCookie()).toEqual([]);
      }
      expect(service.database.roundTrips).toBe(0);
      expect(jar).toEqual(before);
    },
  );

  it('is refused in the browser of another session', async () => {
    const { browser } = await handOff(service, { user_id: VICTIM });
    await start(service, new Map(), browser.start_url);
    const { jar } = await signIn(service, { user_id: VICTIM });
    const used = await start(service, jar, browser.start_url);
    service.advance(60);
    const expired = await start(service, jar, browser.start_url, site('cross-site'));
    for (const response of [used, expired]) {
      expect(response.status).toBe(400);
      expect(await response.text()).toContain('This sign-in link does not work');
    }
  });

  it('is refused with a cookie of its session that the service did not make', async () => {
    const { browser } = await handOff(service, { user_id: VICTIM });
    const jar: Jar = new Map();
    await start(service, jar, browser.start_url);
    jar.set('__Host-session', `${jar.get('__Host-session')}A`);
    expect((await start(service, jar, browser.start_url)).status).toBe(400);
  });

  it('tells a program in problem details', async () => {
    const response = await service.request('/browser/start?code=x', {
      headers: { accept: 'application/json' },
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: 'invalid_code' });
  });
});
