/**
 * The pages for people, as HTML over HTTP: what they show, what they do, and what they never do.
 */
import { env } from 'cloudflare:test';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { sayAgo } from '../../../src/http/account/relative-time';
import { toStylesheet } from '../../../src/http/account/style';
import { en } from '../../../src/http/account/texts/en';
import { createWording } from '../../../src/http/account/texts/wording';
import { readRow, START, type TestService } from '../../fixtures';
import { USER } from '../../people';
import { AT, UA } from '../../risk/callers';
import { handOff, OWN_FORM, start, startWithBrowsers } from '../browser/browser';

const OTHER_USER = '7b0e4f50-0f4c-4d0b-8f43-0f7d1d2f7c12';

beforeEach(async () => {
  await env.DB.exec(
    'DELETE FROM user_sessions; DELETE FROM users; DELETE FROM session_events; DELETE FROM outdated_tokens',
  );
  for (const level of ['log', 'warn', 'error'] as const)
    vi.spyOn(console, level).mockImplementation(() => {});
  return () => vi.restoreAllMocks();
});

/** A browser that is signed in: its session and its Cookie header. */
async function signIn(service: TestService, body: Record<string, unknown> = { user_id: USER }) {
  const { session, browser } = await handOff(service, body);
  const response = await start(service, new Map(), browser.start_url);
  expect(response.status).toBe(303);
  const cookie = response.headers
    .getSetCookie()
    .map((line) => line.split(';')[0])
    .join('; ');
  return { id: session.id, cookie };
}

const get = (
  service: TestService,
  path: string,
  cookie = '',
  headers: Record<string, string> = {},
) => service.request(path, { headers: { cookie, ...headers } });
const post = (
  service: TestService,
  path: string,
  cookie: string,
  headers: Record<string, string> = OWN_FORM,
) => service.request(path, { method: 'POST', headers: { cookie, ...headers } });

describe('the page', () => {
  it('shows this device, the others, where and when, and what happened', async () => {
    const service = await startWithBrowsers();
    const phone = await service.create({
      user_id: USER,
      user_agent: UA.iphone(),
      client_id: 'app',
    });
    service.advance(2 * 3_600);
    await service.refresh(phone.refresh_token, 'app', { userAgent: UA.iphone(), ...AT.lyon });
    service.advance(3 * 3_600);
    const { cookie } = await signIn(service, { user_id: USER, user_agent: UA.chrome() });
    const response = await get(service, '/account', cookie);
    expect(response.status).toBe(200);
    const html = await response.text();
    expect(html).toMatch(/^<!doctype html><html lang="en" dir="ltr">/);
    const order = [
      'This device',
      'Chrome on Windows',
      'Active now',
      'Other devices',
      'Safari on iOS',
      'Lyon, France',
    ];
    const devices = html.slice(html.indexOf('<h2>This device'));
    const places = order.map((text) => devices.indexOf(text));
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(places).not.toContain(-1);
    expect(html).toContain(
      '<time datetime="2026-01-01T00:00:00Z" title="1 January 2026 at 00:00 UTC">5 hours ago</time>',
    );
    expect(html).toContain(
      '<time datetime="2026-01-01T02:00:00Z" title="1 January 2026 at 02:00 UTC">3 hours ago</time>',
    );
    expect(html).toContain('aria-label="Sign out Safari on iOS"');
    expect(html).not.toMatch(/v2\.|eyJ|hmac|refresh_token/);
  });

  it('takes two round trips, whatever it shows', async () => {
    const service = await startWithBrowsers();
    const { cookie } = await signIn(service);
    for (let number = 0; number < 20; number += 1)
      await service.create({ user_id: USER, client_id: 'app' });
    service.database.roundTrips = 0;
    await get(service, '/account', cookie);
    expect(service.database.roundTrips).toBe(2);
  });

  it('marks what looks like someone else, and says why', async () => {
    const service = await startWithBrowsers();
    const { cookie } = await signIn(service);
    const laptop = await service.create({ user_id: USER, client_id: 'app' });
    service.advance(30);
    const { body } = await service.refresh(laptop.refresh_token, 'app', {
      userAgent: UA.chrome(),
      ...AT.home,
    });
    service.advance(30);
    await service.refresh(body.refresh_token, 'app', { userAgent: UA.firefox(), ...AT.lima });
    const html = await (await get(service, '/account', cookie)).text();
    expect(html).toContain(
      'Unusual use: another internet provider, another country, another browser, another system and a place too far away to reach in the time',
    );
  });

  it('shows no one else’s sessions or events', async () => {
    const service = await startWithBrowsers();
    await service.create({ user_id: OTHER_USER, client_id: 'app', user_agent: UA.firefox() });
    const guest = await signIn(service, { user_agent: UA.safari });
    const { cookie } = await signIn(service);
    expect(await (await get(service, '/account', cookie)).text()).not.toMatch(/Firefox|Safari/);
    expect(await (await get(service, '/account', guest.cookie)).text()).not.toContain('Firefox');
  });

  it('activity goes back page by page to the first event', async () => {
    const service = await startWithBrowsers();
    const { cookie } = await signIn(service);
    for (let number = 0; number < 45; number += 1)
      await service.create({ user_id: USER, client_id: 'app' });
    let seen = 0;
    let path = '/account';
    for (let pages = 0; path !== ''; pages += 1) {
      const html = await (await get(service, path, cookie)).text();
      seen += html.match(/<strong>Signed in<\/strong>/g)?.length ?? 0;
      path = /href="(\/account\/activity\?before=\d+)"/.exec(html)?.[1] ?? '';
      expect(pages).toBeLessThan(5);
    }
    expect(seen).toBe(46);
  });

  it.each([
    '<script>alert(1)</script>/1',
    '"><img src=x onerror=alert(1)>/1',
    'Acme\u202egnp.exe/1',
    'A\u200b\u0000cme/1',
    `${'W'.repeat(10_000)}/1`,
    '{{7*7}}/1',
  ])('a hostile user agent is text: %j (ASVS 1.2.1)', async (userAgent) => {
    const service = await startWithBrowsers();
    const { cookie } = await signIn(service);
    const { refresh_token } = await service.create({ user_id: USER, client_id: 'app' });
    const body = JSON.stringify({
      browser: userAgent.slice(0, 64),
      platform: userAgent,
      city: userAgent,
      country: 'FR',
    });
    await env.DB.prepare('UPDATE user_sessions SET last_signals = ?1 WHERE id <> ?2')
      .bind(body, '')
      .run();
    expect(refresh_token).toBeTruthy();
    const html = await (await get(service, '/account', cookie)).text();
    expect(html).not.toMatch(/<script|<img|\u202e|\u200b/);
    expect(html).not.toContain('\u0000');
    expect(html.length).toBeLessThan(20_000);
  });

  it('is of its own policy: no script, no inline style, no frame, no other site (ASVS 3.4.3)', async () => {
    const service = await startWithBrowsers();
    const { cookie } = await signIn(service);
    for (const [path, status] of [
      ['/account', 200],
      ['/account/sign-out-others', 200],
      ['/account/activity', 200],
      ['/account/signed-out', 200],
    ] as const) {
      const response = await get(service, path, path.endsWith('signed-out') ? '' : cookie);
      expect(response.status).toBe(status);
      expect(response.headers.get('content-security-policy')).toBe(
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
      );
      expect(response.headers.get('cache-control')).toBe('no-store');
      expect(response.headers.get('x-frame-options')).toBe('DENY');
      expect(response.headers.get('x-content-type-options')).toBe('nosniff');
      expect(await response.text()).not.toMatch(/<script|<style|\sstyle=|\son\w+=|javascript:/i);
    }
  });

  it('has one stylesheet, whose address changes with it', async () => {
    const [plain, branded] = await Promise.all([
      startWithBrowsers(),
      startWithBrowsers({ BRAND_COLOR: '#aa0000' }),
    ]);
    const hrefOf = async (service: TestService) =>
      /<link rel="stylesheet" href="([^"]+)"/.exec(
        await (await get(service, '/account/signed-out')).text(),
      )?.[1] ?? '';
    const [one, other] = [await hrefOf(plain), await hrefOf(branded)];
    expect(one).not.toBe(other);
    const response = await plain.request(one);
    expect(response.headers.get('content-type')).toBe('text/css; charset=utf-8');
    expect(response.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    expect((await plain.request(other)).headers.get('cache-control')).toBe('no-cache');
  });

  it('bears the brand', async () => {
    const service = await startWithBrowsers({
      BRAND_NAME: 'Acme <Corp>',
      BRAND_LOGO_URL: 'https://cdn.acme.example/logo.svg',
      BRAND_COLOR: '#ffcc00',
    });
    const response = await get(service, '/account/signed-out');
    expect(await response.text()).toContain('Acme &lt;Corp&gt;');
    expect(response.headers.get('content-security-policy')).toContain(
      "img-src 'self' https://cdn.acme.example;",
    );
  });
});

describe('signing out', () => {
  it('one device: it is over at once, and the page says so', async () => {
    const service = await startWithBrowsers();
    const phone = await service.create({
      user_id: USER,
      client_id: 'app',
      user_agent: UA.iphone(),
    });
    const { cookie, id } = await signIn(service);
    const response = await post(service, `/account/sessions/${phone.session.id}/sign-out`, cookie);
    expect([response.status, response.headers.get('location')]).toEqual([
      303,
      '/account?done=device',
    ]);
    const html = await (await get(service, '/account?done=device', cookie)).text();
    expect(html).toContain('<p class="note" role="status">The device was signed out.</p>');
    expect(html).toContain('You are not signed in anywhere else.');
    expect((await service.refresh(phone.refresh_token)).body.reason).toBe('signed_out');
    expect(await readRow(id)).toMatchObject({ revoked_at: null });
  });

  it('all others, after asking', async () => {
    const service = await startWithBrowsers();
    const others = [
      await service.create({ user_id: USER }),
      await service.create({ user_id: USER }),
    ];
    const stranger = await service.create({ user_id: OTHER_USER });
    const { cookie } = await signIn(service);
    const asked = await (await get(service, '/account/sign-out-others', cookie)).text();
    expect(asked).toContain('<form method="post" action="/account/sign-out-others"');
    for (const { session } of others)
      expect(await readRow(session.id)).toMatchObject({ revoked_at: null });
    expect((await post(service, '/account/sign-out-others', cookie)).headers.get('location')).toBe(
      '/account?done=others',
    );
    for (const { session } of others)
      expect(await readRow(session.id)).toMatchObject({ revoked_reason: 'signed_out' });
    expect(await readRow(stranger.session.id)).toMatchObject({ revoked_at: null });
    expect((await get(service, '/account', cookie)).status).toBe(200);
  });

  it('this device: the cookies go, and so does the session', async () => {
    const service = await startWithBrowsers();
    const { cookie, id } = await signIn(service);
    const response = await post(service, '/account/sign-out', cookie);
    expect(response.headers.get('location')).toBe('/account/signed-out');
    expect(response.headers.getSetCookie().every((line) => line.includes('Max-Age=0'))).toBe(true);
    expect(response.headers.get('clear-site-data')).toBe(null);
    expect(await readRow(id)).toMatchObject({ revoked_reason: 'signed_out' });
  });

  it('someone else’s device is not found, and lives on', async () => {
    const service = await startWithBrowsers();
    const victim = await service.create({ user_id: OTHER_USER });
    const { cookie } = await signIn(service);
    const response = await post(service, `/account/sessions/${victim.session.id}/sign-out`, cookie);
    expect(response.status).toBe(404);
    expect(await response.text()).toContain('There is nothing here');
    expect(await readRow(victim.session.id)).toMatchObject({ revoked_at: null });
  });

  it.each([
    ['another site', { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }],
    ['a sibling site', { origin: 'https://evil.sessions.example', 'sec-fetch-site': 'same-site' }],
    ['the app itself', { origin: 'https://app.sessions.example', 'sec-fetch-site': 'same-site' }],
    ['a sandboxed frame', { origin: 'null', 'sec-fetch-site': 'cross-site' }],
    ['a browser that says nothing', {}],
    ['an old browser on another site', { origin: 'https://evil.example' }],
    ['a request that claims to be typed in', { 'sec-fetch-site': 'none' }],
  ])('a form of %s does nothing (ASVS 3.5.1)', async (_, headers) => {
    const service = await startWithBrowsers();
    const phone = await service.create({ user_id: USER });
    const { cookie, id } = await signIn(service);
    for (const path of [
      '/account/sign-out',
      '/account/sign-out-others',
      `/account/sessions/${phone.session.id}/sign-out`,
    ]) {
      const type = 'application/x-www-form-urlencoded';
      const response = await post(service, path, cookie, {
        'content-type': type,
        ...headers,
      } as Record<string, string>);
      expect(response.status).toBe(403);
      expect(response.headers.getSetCookie()).toEqual([]);
    }
    for (const session of [id, phone.session.id])
      expect(await readRow(session)).toMatchObject({ revoked_at: null });
  });

  it.each(['/account/sign-out', `/account/sessions/${USER}/sign-out`])(
    'GET %s does nothing',
    async (path) => {
      const service = await startWithBrowsers();
      const { cookie, id } = await signIn(service);
      expect((await get(service, path, cookie)).status).toBe(405);
      expect(await readRow(id)).toMatchObject({ revoked_at: null });
    },
  );
});

describe('when something is wrong', () => {
  it.each(['/account', '/account/activity', '/account/sign-out-others'])(
    '%s without a session says so',
    async (path) => {
      const service = await startWithBrowsers();
      const response = await get(service, path);
      expect(response.status).toBe(401);
      expect(response.headers.get('content-type')).toMatch(/^text\/html/);
      expect(await response.text()).toContain('You are not signed in');
    },
  );

  it('a session that is over leads back to its app', async () => {
    const service = await startWithBrowsers();
    const { cookie } = await signIn(service);
    await service.backend('DELETE', `/v1/users/${USER}/sessions`);
    const response = await get(service, '/account', cookie);
    expect(response.status).toBe(401);
    expect(await response.text()).toContain(
      '<a class="button primary" href="https://app.sessions.example">Go to the app</a>',
    );
    expect(response.headers.getSetCookie()).toEqual([]);
  });

  it('a database that does not answer: 503, and nobody is signed out', async () => {
    const service = await startWithBrowsers();
    const { cookie } = await signIn(service);
    service.database.faults = [
      { before: 'D1_ERROR: D1 DB is overloaded. Requests queued for too long.' },
    ];
    const response = await get(service, '/account', cookie);
    expect([response.status, Number(response.headers.get('retry-after')) > 0]).toEqual([503, true]);
    const html = await response.text();
    expect(html).toContain('You are still signed in');
    expect(html).not.toContain('D1_ERROR');
  });

  it.each([
    '/account?done=<script>',
    '/account?other=1',
    '/account/activity?before=x',
    '/account/sessions/x/sign-out',
  ])('%s is a page, too', async (path) => {
    const service = await startWithBrowsers();
    const { cookie } = await signIn(service);
    const response = path.endsWith('sign-out')
      ? await post(service, path, cookie)
      : await get(service, path, cookie);
    expect([200, 400]).toContain(response.status);
    expect(await response.text()).not.toContain('<script');
  });
});

describe('words and colours', () => {
  it.each([
    [0, null],
    [59, null],
    [60, '1 minute ago'],
    [7_200, '2 hours ago'],
    [86_400, '1 day ago'],
    // Of a Thursday's first hour it was a Tuesday, which nobody calls yesterday.
    [47 * 3_600, '1 day ago'],
    [6 * 86_400, '6 days ago'],
    [8 * 86_400, '1 week ago'],
    [50 * 86_400, '1 month ago'],
    [400 * 86_400, '1 year ago'],
    // What ends in a moment has not ended.
    [-1, 'in 1 minute'],
    [-59, 'in 1 minute'],
    [-60, 'in 1 minute'],
    [-86_400, 'in 1 day'],
    [-14 * 86_400, 'in 14 days'],
  ])('%i seconds ago is %j', (seconds, expected) => {
    const format = new Intl.RelativeTimeFormat('en');
    expect(sayAgo(new Date(START - seconds * 1000), START, format)).toBe(expected);
  });

  it.each([
    ['America/Sao_Paulo', '31 December 2025 at 21:00 GMT-3'],
    ['UTC', '1 January 2026 at 00:00 UTC'],
    ['Mars/Olympus', '1 January 2026 at 00:00 UTC'],
    [undefined, '1 January 2026 at 00:00 UTC'],
    [7, '1 January 2026 at 00:00 UTC'],
  ])('the exact time of somebody in %s is %s', (timeZone, expected) => {
    const { exactly } = createWording(en, 'en-GB', timeZone, START);
    expect(exactly(new Date(START))).toBe(expected);
  });

  it.each([
    ['#000000', '#ffffff'],
    ['#ffffff', '#000000'],
    ['#ffcc00', '#000000'],
    ['#1f4fd8', '#ffffff'],
    ['#767676', '#000000'],
  ])('on %s the text is %s', (color, expected) => {
    expect(toStylesheet({ name: '', logoUrl: null, color })).toContain(`--on-brand:${expected}`);
  });
});
