/**
 * Who may ask: the matrix of fetch metadata, Origin, method and content type.
 */
import { env } from 'cloudflare:test';
import { beforeEach, describe, expect, it } from 'vitest';
import { ISSUER, readRow, type TestService } from '../../fixtures';
import { USER } from '../../people';
import {
  APP_ORIGIN,
  asBackend,
  type Jar,
  OTHER_WEB,
  readSetCookies,
  send,
  signIn,
  startWithBrowsers,
} from './browser';

const JSON_TYPE = { 'content-type': 'application/json' };
let service: TestService;
let jar: Jar;
let sessionId: string;

beforeEach(async () => {
  await env.DB.exec('DELETE FROM user_sessions; DELETE FROM outdated_tokens');
  service = await startWithBrowsers();
  const signedIn = await signIn(service, { user_id: USER });
  jar = signedIn.jar;
  sessionId = signedIn.session.id;
  service.advance(31);
});

const POSTS = ['/browser/refresh', '/browser/sign-out', '/browser/sign-out-everywhere'];
const GETS = ['/browser/session'];

/** Origins that are not the client's, though they look like it. */
const HOSTILE_ORIGINS = [
  'null',
  'https://evil.example',
  'https://app.sessions.example.evil.example',
  'https://evilapp.sessions.example',
  'https://evil.sessions.example',
  'https://evil.app.sessions.example',
  'http://app.sessions.example',
  'https://app.sessions.example:8443',
  'https://app.sessions.example:443',
  'https://app.sessions.example/',
  'https://app.sessions.example.',
  'https://APP.sessions.example',
  'https://app.sessions.example@evil.example',
  'http://sessions.example',
  'https://sessions.example.evil.example',
  'https://sessions.example:444',
  'file://',
  'chrome-extension://abcdefghijklmnop',
  'https://app.sessions.example, https://evil.example',
  'https://evil.example https://app.sessions.example',
  '*',
];

describe('who asks', () => {
  type Expected = 'passes' | 'refused';
  const sites = ['same-origin', 'same-site', 'cross-site', 'none', 'other', ''];
  const origins: [string, string | null][] = [
    ['no origin', null],
    ["the service's own origin", ISSUER],
    ["the client's origin", APP_ORIGIN],
    ...HOSTILE_ORIGINS.map((origin): [string, string] => [origin, origin]),
  ];

  /** The table as it was decided: rows are Sec-Fetch-Site ('': absent), columns Origin. */
  const decided: Record<
    string,
    { none: [post: Expected, get: Expected]; own: Expected; client: Expected }
  > = {
    'same-origin': { none: ['passes', 'passes'], own: 'passes', client: 'passes' },
    'same-site': { none: ['refused', 'refused'], own: 'refused', client: 'passes' },
    'cross-site': { none: ['refused', 'refused'], own: 'refused', client: 'passes' },
    none: { none: ['refused', 'passes'], own: 'refused', client: 'refused' },
    other: { none: ['refused', 'refused'], own: 'refused', client: 'refused' },
    '': { none: ['refused', 'passes'], own: 'passes', client: 'passes' },
  };
  const expected = (site: string, origin: string | null, method: string): Expected => {
    const row = decided[site] as (typeof decided)[string];
    if (origin === null) return row.none[method === 'POST' ? 0 : 1];
    return origin === ISSUER ? row.own : origin === APP_ORIGIN ? row.client : 'refused';
  };

  const paths = [
    ...POSTS.map((path) => ['POST', path] as const),
    ...GETS.map((path) => ['GET', path] as const),
  ];
  const cases = paths.flatMap(([method, path]) =>
    sites.map((site) => [method, path, site] as const),
  );

  it.each(cases)('%s %s with Sec-Fetch-Site %j', async (method, path, site) => {
    for (const [name, origin] of origins) {
      const before = await readRow(sessionId);
      service.database.roundTrips = 0;
      const own = new Map(jar);
      const response = await send(service, own, method, path, {
        ...JSON_TYPE,
        ...(site && { 'sec-fetch-site': site }),
        ...(origin !== null && { origin }),
      });
      const outcome = expected(site, origin, method);
      if (outcome === 'refused') {
        expect({ name, status: response.status }).toEqual({ name, status: 403 });
        expect(await response.json()).toMatchObject({ code: 'cross_site_request' });
        expect(response.headers.getSetCookie()).toEqual([]);
        expect(service.database.roundTrips, name).toBe(0);
        expect(await readRow(sessionId), name).toEqual(before);
      } else {
        expect({ name, isGood: response.status < 300 }).toEqual({ name, isGood: true });
      }
      const mayRead = outcome === 'passes' && origin === APP_ORIGIN;
      expect(response.headers.get('access-control-allow-origin'), name).toBe(
        mayRead ? origin : null,
      );
      expect(response.headers.get('access-control-allow-credentials'), name).toBe(
        mayRead ? 'true' : null,
      );
      expect(response.headers.get('vary'), name).toBe('Origin, Sec-Fetch-Site, Cookie');
      expect(response.headers.get('cache-control'), name).toBe('no-store');
      if (outcome === 'passes' && method === 'POST') {
        const signedIn = await signIn(service, { user_id: USER });
        jar = signedIn.jar;
        sessionId = signedIn.session.id;
        service.advance(31);
      }
    }
  });

  it("for another client's app the browser has no session: it is answered so, and changes nothing", async () => {
    const other = await signIn(service, {
      client_id: OTHER_WEB,
      browser: { return_url: 'https://other.sessions.example/' },
    });
    const headers = { ...JSON_TYPE, 'sec-fetch-site': 'same-site', origin: APP_ORIGIN };
    const before = await readRow(other.session.id);
    for (const [method, path] of paths) {
      service.database.roundTrips = 0;
      const response = await send(service, other.jar, method, path, headers);
      expect(response.status, path).toBe(path === '/browser/sign-out' ? 204 : 401);
      const none = await send(service, new Map(), method, path, headers);
      expect(response.status, path).toBe(none.status);
      expect(response.headers.getSetCookie(), path).toEqual([]);
      expect(response.headers.get('access-control-allow-origin'), path).toBe(APP_ORIGIN);
      if (response.status === 401) expect(service.database.roundTrips, path).toBe(0);
    }
    expect(await readRow(other.session.id)).toEqual(before);
    const own = { ...headers, origin: 'https://other.sessions.example' };
    expect((await send(service, other.jar, 'POST', '/browser/refresh', own)).status).toBe(200);
  });

  it("another client's app does not sign out by the access token that the browser holds", async () => {
    const other = await signIn(service, {
      client_id: OTHER_WEB,
      browser: { return_url: 'https://other.sessions.example/' },
    });
    const headers = { ...JSON_TYPE, 'sec-fetch-site': 'same-site', origin: APP_ORIGIN };
    const access: Jar = new Map([['__Host-access', other.jar.get('__Host-access') as string]]);
    const response = await send(service, access, 'POST', '/browser/sign-out', headers);
    expect(response.status).toBe(204);
    expect(response.headers.getSetCookie()).toEqual([]);
    expect(await readRow(other.session.id)).toMatchObject({ revoked_at: null });
    const own = { ...headers, origin: 'https://other.sessions.example' };
    await send(service, access, 'POST', '/browser/sign-out', own);
    expect(await readRow(other.session.id)).toMatchObject({ revoked_reason: 'signed_out' });
  });

  it('the session of a client that is gone from the configuration keeps no other app out', async () => {
    const other = 'https://other.sessions.example';
    const clients = [{ client_id: OTHER_WEB, origins: [other], return_urls: [`${other}/`] }];
    const gone = await startWithBrowsers({ CLIENTS: JSON.stringify(clients) });
    const headers = { ...JSON_TYPE, 'sec-fetch-site': 'same-site', origin: other };
    const own = new Map(jar);
    expect((await send(gone, own, 'POST', '/browser/refresh', headers)).status).toBe(401);
    expect((await send(gone, own, 'GET', '/browser/session', headers)).status).toBe(401);
    expect((await send(gone, own, 'POST', '/browser/sign-out', headers)).status).toBe(204);
    expect(own.size).toBe(0);
  });

  it('a client that is gone from the configuration has no origins', async () => {
    const gone = await startWithBrowsers({ CLIENTS: '[]' });
    const headers = { ...JSON_TYPE, 'sec-fetch-site': 'same-site', origin: APP_ORIGIN };
    expect((await send(gone, new Map(jar), 'POST', '/browser/refresh', headers)).status).toBe(403);
    const own = { ...JSON_TYPE, 'sec-fetch-site': 'same-origin' };
    expect((await send(gone, new Map(jar), 'POST', '/browser/refresh', own)).status).toBe(401);
  });

  it('what cookies do not open is not concerned: backends and apps with tokens need no Origin', async () => {
    const { refresh_token } = await service.create({ client_id: 'app' });
    expect((await service.refresh(refresh_token, 'app')).status).toBe(200);
  });

  it('no cookie opens what tokens and secrets open', async () => {
    const own = { ...JSON_TYPE, 'sec-fetch-site': 'same-origin', origin: ISSUER };
    for (const [method, path, status] of [
      ['GET', '/v1/sessions', 401],
      ['DELETE', '/v1/sessions/current', 401],
      ['POST', '/v1/sessions/revoke-others', 401],
      ['POST', '/v1/sessions', 401],
      ['DELETE', `/v1/users/${USER}/sessions`, 401],
      ['POST', '/oauth/revoke', 400],
      ['POST', '/oauth/token', 400],
    ] as const) {
      expect((await send(service, new Map(jar), method, path, own)).status).toBe(status);
    }
    expect(await readRow(sessionId)).toMatchObject({ revoked_at: null });
  });
});

describe('what no form can send', () => {
  const forms: [string, Record<string, string>, string | undefined][] = [
    ['urlencoded', { 'content-type': 'application/x-www-form-urlencoded' }, 'a=b'],
    ['multipart', { 'content-type': 'multipart/form-data; boundary=x' }, '--x--'],
    ['plain text', { 'content-type': 'text/plain' }, '{"a":"b"}'],
    ['plain text that says JSON', { 'content-type': 'text/plain; application/json' }, '{}'],
    ['XML', { 'content-type': 'application/xml' }, '<a/>'],
    ['something like JSON', { 'content-type': 'application/jsonp' }, '{}'],
    ['a beacon without a type', {}, undefined],
    [
      'plain text with the custom header',
      { 'content-type': 'text/plain', 'x-requested-with': 'fetch' },
      '{}',
    ],
    ['an empty custom header', { 'x-requested-with': '' }, undefined],
  ];
  const cases = POSTS.flatMap((path) =>
    forms.map(([name, headers, body]) => [path, name, headers, body] as const),
  );

  it.each(cases)('%s refuses %s, even of its own origin', async (path, _, headers, body) => {
    const before = await readRow(sessionId);
    for (const origin of [ISSUER, APP_ORIGIN]) {
      const site = origin === ISSUER ? 'same-origin' : 'same-site';
      const sent = { 'sec-fetch-site': site, origin, ...headers };
      service.database.roundTrips = 0;
      const response = await send(service, new Map(jar), 'POST', path, sent, body);
      expect(response.status).toBe(415);
      expect(await response.json()).toMatchObject({ code: 'unsupported_media_type' });
      expect(response.headers.getSetCookie()).toEqual([]);
      expect(service.database.roundTrips).toBe(0);
    }
    expect(await readRow(sessionId)).toEqual(before);
  });

  it.each<[string, Record<string, string>, string | undefined]>([
    ['JSON', JSON_TYPE, '{}'],
    ['JSON with a charset', { 'content-type': 'application/json; charset=utf-8' }, ' {} '],
    ['a JSON type without a body', JSON_TYPE, undefined],
    ['the custom header', { 'x-requested-with': 'fetch' }, undefined],
  ])('POST takes %s', async (_, headers, body) => {
    const sent = { 'sec-fetch-site': 'same-site', origin: APP_ORIGIN, ...headers };
    expect((await send(service, jar, 'POST', '/browser/refresh', sent, body)).status).toBe(200);
  });

  it.each(['[]', 'null', '7', '{', '{"session_id":"x"}', '{"__proto__":{}}', '\0'])(
    'a body that says something is 400: %j',
    async (body) => {
      const sent = { 'sec-fetch-site': 'same-origin', ...JSON_TYPE };
      for (const path of POSTS) {
        const response = await send(service, new Map(jar), 'POST', path, sent, body);
        expect(response.status).toBe(400);
        expect(response.headers.getSetCookie()).toEqual([]);
      }
    },
  );
});

describe('CORS', () => {
  const preflight = (path: string, origin: string | null, method: string) =>
    service.request(path, {
      method: 'OPTIONS',
      headers: {
        ...(origin !== null && { origin }),
        'access-control-request-method': method,
        'access-control-request-headers': 'content-type',
        'sec-fetch-site': 'same-site',
        'sec-fetch-mode': 'cors',
      },
    });

  it.each([...POSTS.map((path) => [path, 'POST']), ...GETS.map((path) => [path, 'GET'])])(
    "%s answers the preflight of a client's origin, and no other",
    async (path, method) => {
      service.database.roundTrips = 0;
      for (const origin of [APP_ORIGIN, 'https://ssr.example']) {
        const response = await preflight(path as string, origin, method as string);
        expect(response.status).toBe(204);
        expect(Object.fromEntries(response.headers)).toMatchObject({
          'access-control-allow-origin': origin,
          'access-control-allow-credentials': 'true',
          'access-control-allow-methods': method,
          'access-control-allow-headers': expect.stringMatching(
            /^Content-Type, Idempotency-Key, X-Requested-With, traceparent, tracestate, baggage, sentry-trace/,
          ),
          vary: 'Origin, Sec-Fetch-Site, Cookie',
        });
      }
      const others = HOSTILE_ORIGINS.filter(
        (origin) => origin !== 'https://other.sessions.example',
      );
      for (const origin of [...others, ISSUER, null]) {
        const response = await preflight(path as string, origin, method as string);
        expect(response.status).toBe(403);
        const names = [...response.headers.keys()].filter((name) =>
          name.startsWith('access-control-'),
        );
        expect(names).toEqual([]);
      }
      expect(service.database.roundTrips).toBe(0);
    },
  );

  it('a preflight is not an answer: it sets no cookie and lets in no other origin than the request itself does', async () => {
    const response = await preflight('/browser/refresh', 'https://other.sessions.example', 'POST');
    expect(response.headers.getSetCookie()).toEqual([]);
    const headers = {
      ...JSON_TYPE,
      'sec-fetch-site': 'same-site',
      origin: 'https://other.sessions.example',
    };
    const asked = await send(service, new Map(jar), 'POST', '/browser/refresh', headers);
    expect(asked.status).toBe(401);
    expect(asked.headers.getSetCookie()).toEqual([]);
  });

  it('the start and the token exchange have no preflight', async () => {
    for (const path of ['/browser/start', '/browser/token']) {
      const response = await preflight(path, APP_ORIGIN, 'POST');
      expect(response.status).toBe(405);
      expect(response.headers.get('access-control-allow-origin')).toBe(null);
    }
  });

  it('an app of an allowed origin can read why it was refused', async () => {
    const headers = { ...JSON_TYPE, 'sec-fetch-site': 'same-site', origin: APP_ORIGIN };
    await service.backend('DELETE', `/v1/users/${USER}/sessions`);
    const response = await send(service, jar, 'POST', '/browser/refresh', headers);
    expect(response.status).toBe(401);
    expect(response.headers.get('access-control-allow-origin')).toBe(APP_ORIGIN);
    service.database.faults = [{ before: 'D1_ERROR: internal error' }];
    const unavailable = await send(service, jar, 'POST', '/browser/refresh', headers);
    expect(unavailable.status).toBe(503);
    expect(unavailable.headers.get('access-control-allow-origin')).toBe(APP_ORIGIN);
    expect(unavailable.headers.get('access-control-expose-headers')).toContain('Retry-After');
  });

  it('with credentials is nowhere else', async () => {
    for (const path of [
      '/v1/sessions',
      '/oauth/token',
      '/healthz',
      '/browser/nothing',
      '/account',
    ]) {
      const response = await service.request(path, {
        headers: { origin: APP_ORIGIN, cookie: asBackend(jar).cookie },
      });
      expect(response.headers.get('access-control-allow-credentials')).toBe(null);
    }
  });

  it('never names two origins or a star', async () => {
    for (const origin of [...HOSTILE_ORIGINS, APP_ORIGIN]) {
      const response = await send(service, new Map(jar), 'GET', '/browser/session', { origin });
      expect([null, APP_ORIGIN]).toContain(response.headers.get('access-control-allow-origin'));
      expect(readSetCookies(response)).toEqual([]);
    }
  });
});

describe('methods', () => {
  it.each([
    ['/browser/start', ['PUT', 'PATCH', 'DELETE'], 'GET, HEAD, POST'],
    ['/browser/session', ['POST', 'PUT', 'PATCH', 'DELETE'], 'GET, HEAD, OPTIONS'],
    ['/browser/refresh', ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE'], 'POST, OPTIONS'],
    ['/browser/sign-out', ['GET', 'HEAD', 'PUT', 'DELETE'], 'POST, OPTIONS'],
    ['/browser/sign-out-everywhere', ['GET', 'HEAD', 'PUT', 'DELETE'], 'POST, OPTIONS'],
    ['/browser/token', ['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS'], 'POST'],
  ])('%s answers 405 to others and changes nothing', async (path, methods, allow) => {
    const before = await readRow(sessionId);
    for (const method of methods) {
      const headers = { ...JSON_TYPE, 'sec-fetch-site': 'same-origin', origin: ISSUER };
      const response = await send(service, new Map(jar), method, path, headers);
      expect({ method, status: response.status }).toEqual({ method, status: 405 });
      expect(response.headers.get('allow')).toBe(allow);
      expect(response.headers.getSetCookie()).toEqual([]);
    }
    expect(await readRow(sessionId)).toEqual(before);
  });
});
