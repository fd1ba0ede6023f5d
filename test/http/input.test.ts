/**
 * Bad input: a clear 4xx that names the field, before any database is asked.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import {
  APP,
  BACKEND,
  basic,
  readRow,
  startService,
  type TestService,
  type Tokens,
} from '../fixtures';
import { USER } from '../people';
import { ALL_ROUTES, toInit } from './routes';

let service: TestService;
let tokens: Tokens;

beforeAll(async () => {
  service = await startService();
  tokens = await service.create({ user_id: USER });
});

/** What came back, and how often D1 was asked. */
async function send(path: string, init: RequestInit) {
  service.database.roundTrips = 0;
  const response = await service.request(path, init);
  const text = await response.text();
  return {
    status: response.status,
    body: text ? JSON.parse(text) : null,
    roundTrips: service.database.roundTrips,
  };
}

const post = (body: BodyInit, headers: Record<string, string> = {}) =>
  send('/v1/sessions', {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', authorization: basic(BACKEND), ...headers },
  });

describe('POST /v1/sessions', () => {
  it.each<[string, unknown, string]>([
    ['user_id', 'user-1', 'must be a UUID'],
    ['user_id', 7, 'must be of type string'],
    ['user_id', null, 'must be of type string'],
    ['user_id', `${USER}\n`, 'must be a UUID'],
    ['client_id', 7, 'must be of type string'],
    ['client_id', 'x'.repeat(129), ''],
    ['client_id', 'nobody', 'must be a client'],
    ['client_id', '__proto__', 'must be a client'],
    ['user_agent', {}, 'must be of type string'],
    ['ip_address', 16909060, 'must be of type string'],
    ['expires_in', '60', 'must be of type number'],
    ['expires_in', 0, 'must be at least 1'],
    ['expires_in', -1, 'must be at least 1'],
    ['expires_in', 1.5, 'whole number'],
    ['expires_in', 1e308, 'must be at most'],
    ['expires_in', null, 'cannot be null'],
    ['auth_time', '2026', 'must be of type number'],
    ['auth_time', -1, 'must not be negative'],
    ['auth_time', 1.5, 'whole seconds'],
    ['auth_time', 1e15, 'is in the future'],
    ['amr', 'pwd', 'must be of type Array'],
    ['amr', [7], 'must be of type string'],
    ['amr', [''], ''],
    ['amr', ['x'.repeat(33)], ''],
    ['amr', Array(11).fill('pwd'), ''],
    ['claims', 'x', 'must be an object'],
    ['claims', null, 'must be an object'],
    ['claims', ['x'], 'must be an object'],
    ['claims', { note: 'x'.repeat(2048) }, 'must be at most 2048 bytes'],
    ['claims', { note: '😀'.repeat(600) }, 'must be at most 2048 bytes'],
    ['home', 7, 'must be of type string'],
    ['home', 'elsewhere', 'is not one of this service'],
    ['guest_session_id', 'x', 'must be a UUID'],
    ['browser', 'x', 'must be'],
    ['browser', {}, 'browser.return_url is missing'],
    ['browser', { return_url: 7 }, 'browser.return_url must be of type string'],
    [
      'browser',
      { return_url: 'https://a.example', code: 'x' },
      'browser.code is not a known field',
    ],
    ['toString', 1, 'is not a known field'],
    ['userId', USER, 'is not a known field'],
    ['refresh_token', 'x', 'is not a known field'],
  ])('refuses %s %j', async (field, value, message) => {
    const { status, body, roundTrips } = await post(JSON.stringify({ [field]: value }));
    expect({ status, code: body.code, roundTrips }).toEqual({
      status: 400,
      code: 'invalid_request',
      roundTrips: 0,
    });
    expect(body.detail).toContain(field);
    expect(body.detail).toContain(message);
  });

  it.each([
    'iss',
    'sub',
    'aud',
    'exp',
    'nbf',
    'iat',
    'jti',
    'client_id',
    'scope',
    'auth_time',
    'amr',
    'sid',
    'home',
    'cnf',
    'guest',
    'act',
    'active',
    'token_type',
    'username',
  ])('refuses a claim that shadows %s', async (claim) => {
    const { status, body, roundTrips } = await post(JSON.stringify({ claims: { [claim]: 'x' } }));
    expect({ status, roundTrips }).toEqual({ status: 400, roundTrips: 0 });
    expect(body.errors).toEqual([
      { field: 'claims', message: `must not shadow a registered claim: ${claim}` },
    ]);
  });

  it.each(['__proto__', 'constructor', 'prototype'])(
    'refuses the key %s, and no prototype changes',
    async (key) => {
      for (const text of [`{"${key}":{"polluted":1}}`, `{"claims":{"${key}":{"polluted":1}}}`]) {
        const { status, body, roundTrips } = await post(text);
        expect({ status, roundTrips }).toEqual({ status: 400, roundTrips: 0 });
        expect(body.detail).toMatch(new RegExp(`${key}|claims`));
      }
      expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    },
  );

  it('names every field at fault', async () => {
    const { body } = await post(JSON.stringify({ user_id: 'x', ip_address: 4, amr: 'z' }));
    expect(body.errors.map(({ field }: { field: string }) => field)).toEqual([
      'user_id',
      'ip_address',
      'amr',
    ]);
  });

  it('refuses guest_session_id without a user', async () => {
    const { status, body, roundTrips } = await post(JSON.stringify({ guest_session_id: USER }));
    expect({ status, roundTrips }).toEqual({ status: 400, roundTrips: 0 });
    expect(body.detail).toContain('guest_session_id');
  });

  it.each<[string, BodyInit]>([
    ['nothing', ''],
    ['no JSON', '{user_id:1}'],
    ['a form', 'user_id=1'],
    ['an array', '[]'],
    ['a text', '"x"'],
    ['null', 'null'],
    ['invalid UTF-8', new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])],
    ['an overlong UTF-8 slash', new Uint8Array([0x22, 0xc0, 0xaf, 0x22])],
    ['NUL in a value', '{"user_agent":"a\\u0000b"}'],
    ['NUL in a key', '{"a\\u0000b":1}'],
    ['NUL deep inside', '{"claims":{"a":[{"b":"\\u0000"}]}}'],
    ['a lone surrogate in a value', '{"user_agent":"\\ud800"}'],
    ['a lone surrogate in a key', '{"claims":{"\\udc00":1}}'],
    ['nesting 8000 deep', '['.repeat(8000) + ']'.repeat(8000)],
    ['nesting in claims', `{"claims":${'{"a":'.repeat(2500)}1${'}'.repeat(2501)}`],
  ])('refuses a body that is %s', async (_, body) => {
    const answer = await post(body);
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_request' }, roundTrips: 0 });
    expect(answer.body.detail).toMatch(/body|object|claims/);
  });

  it.each(['', ' ', 'a b', 'x'.repeat(256), 'é'])('refuses the Idempotency-Key %j', async (key) => {
    const { status, body, roundTrips } = await post('{}', { 'idempotency-key': key });
    expect({ status, roundTrips }).toEqual({ status: 400, roundTrips: 0 });
    expect(body.detail).toContain('Idempotency-Key');
  });

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'application/jsonp',
    'multipart/form-data',
  ])('refuses the content type %s with 415', async (type) => {
    expect(await post('{}', { 'content-type': type })).toMatchObject({
      status: 415,
      roundTrips: 0,
    });
  });

  it('takes a content type with parameters, in any case', async () => {
    expect(await post('{}', { 'content-type': 'Application/JSON; charset=utf-8' })).toMatchObject({
      status: 201,
    });
  });

  it.each([
    ['an emoji', '📱 Phone', '📱 Phone'],
    ['10 KB', 'x'.repeat(10_240), 'x'.repeat(1024)],
    ['an emoji cut in half', `${'x'.repeat(1023)}😀`, `${'x'.repeat(1023)}\ufffd`],
    ['CRLF and ANSI', 'a\r\nSet-Cookie: x\u001b[31m', 'a\r\nSet-Cookie: x\u001b[31m'],
    ['SQL', "'); DROP TABLE users; --", "'); DROP TABLE users; --"],
  ])('takes a user agent that is %s', async (_, sent, stored) => {
    const { status, body } = await post(JSON.stringify({ user_agent: sent }));
    expect(status).toBe(201);
    expect(body.session.user_agent).toBe(stored);
    expect(await readRow(body.session.id)).toMatchObject({ user_agent: stored });
  });
});

describe('a body over 16 KB is 413', () => {
  const stream = (bytes: number) =>
    new ReadableStream({
      start(controller) {
        for (let left = bytes; left > 0; left -= 1024)
          controller.enqueue(new Uint8Array(Math.min(left, 1024)).fill(32));
        controller.close();
      },
    });
  const posts = ALL_ROUTES.filter(({ method }) => method === 'POST');

  it.each(posts)('on $path, with and without content-length', async (route) => {
    const headers = {
      authorization: route.path.endsWith('others')
        ? `Bearer ${tokens.access_token}`
        : basic(BACKEND),
      'content-type': route.form ? 'application/x-www-form-urlencoded' : 'application/json',
      ...route.headers,
    };
    for (const body of [' '.repeat(16_385), stream(16_385)]) {
      const length: Record<string, string> =
        typeof body === 'string' ? { 'content-length': '16385' } : {};
      const answer = await send(route.path, {
        method: 'POST',
        body,
        headers: { ...headers, ...length },
      });
      expect(answer).toMatchObject({ status: 413, roundTrips: 0 });
    }
  });

  it('and one of just 16 KB is read', async () => {
    expect((await post(`{}${' '.repeat(16_382)}`)).status).toBe(201);
    expect((await post(stream(16_384))).status).toBe(400);
  });
});

describe('paths and queries', () => {
  const bearer = () => ({ authorization: `Bearer ${tokens.access_token}` });
  const ids = [
    '1',
    'null',
    `${USER}0`,
    USER.slice(1),
    `{${USER}}`,
    '%00',
    '%F0%9F%98%80',
    "'%20OR%201=1",
    '%0d%0aX:1',
  ];

  it.each(ids)('an id that is no UUID is 400: %s', async (id) => {
    expect(await send(`/v1/sessions/${id}`, { method: 'DELETE', headers: bearer() })).toMatchObject(
      {
        status: 400,
        body: { errors: [{ field: 'id', message: 'must be a UUID' }] },
        roundTrips: 0,
      },
    );
    for (const [method, path] of [
      ['GET', `/v1/users/${id}/sessions`],
      ['DELETE', `/v1/users/${id}/sessions`],
      ['DELETE', `/v1/users/${id}`],
    ] as const) {
      expect(
        await send(path, { method, headers: { authorization: basic(BACKEND) } }),
      ).toMatchObject({
        status: 400,
        body: { errors: [{ field: 'user_id', message: 'must be a UUID' }] },
        roundTrips: 0,
      });
    }
  });

  it.each([
    ['limit=0', 'limit'],
    ['limit=101', 'limit'],
    ['limit=-1', 'limit'],
    ['limit=1e1', 'limit'],
    ['limit=', 'limit'],
    ['limit=1&limit=2', 'more than once'],
    ['cursor=', 'cursor'],
    ['cursor=x', 'cursor'],
    ["cursor=1_'--", 'cursor'],
    [`cursor=999999999999_${USER}`, 'cursor'],
    ['page=2', 'unknown parameter'],
    ['__proto__=2', 'unknown parameter'],
    ['toString=2', 'unknown parameter'],
  ])('the query %s is 400 on both lists', async (query, message) => {
    for (const [path, headers] of [
      ['/v1/sessions', bearer()],
      [`/v1/users/${USER}/sessions`, { authorization: basic(BACKEND) }],
    ] as const) {
      const { status, body, roundTrips } = await send(`${path}?${query}`, { headers });
      expect({ status, roundTrips }).toEqual({ status: 400, roundTrips: 0 });
      expect(body.detail).toContain(message);
    }
  });

  it('include is for backends, and only ended', async () => {
    expect(await send('/v1/sessions?include=ended', { headers: bearer() })).toMatchObject({
      status: 400,
      roundTrips: 0,
    });
    const headers = { authorization: basic(BACKEND) };
    expect(await send(`/v1/users/${USER}/sessions?include=all`, { headers })).toMatchObject({
      status: 400,
      body: { detail: expect.stringContaining('include') },
      roundTrips: 0,
    });
  });
});

describe('forms', () => {
  const forms = ALL_ROUTES.filter(({ form }) => form !== undefined);
  /** People get a page, programs what they can read. */
  const accept = 'application/json';

  it.each(forms)(
    '$path refuses invalid UTF-8, JSON, multipart and parameters in the URL',
    async (route) => {
      const urlencoded = { 'content-type': 'application/x-www-form-urlencoded', accept };
      const bad: [string, RequestInit][] = [
        [
          route.path,
          { method: 'POST', body: new Uint8Array([0x61, 0x3d, 0xff]), headers: urlencoded },
        ],
        [
          route.path,
          { method: 'POST', body: '{}', headers: { 'content-type': 'application/json', accept } },
        ],
        [route.path, { method: 'POST', body: new FormData(), headers: { accept } }],
        [`${route.path}?client_id=${APP}`, toInit(route)],
      ];
      for (const [path, init] of bad) {
        expect(await send(path, init)).toMatchObject({
          status: 400,
          body: route.path.startsWith('/oauth/')
            ? { error: 'invalid_request' }
            : { code: 'invalid_request' },
          roundTrips: 0,
        });
      }
    },
  );

  it.each(forms)(
    '$path takes any text as a token without a fault or a database call',
    async (route) => {
      for (const token of [
        '\0',
        '\ud800',
        'x'.repeat(15_000),
        'v2.',
        'v2...',
        '.'.repeat(2000),
        '😀',
        "' OR 1=1 --",
      ]) {
        const body = new URLSearchParams({
          ...route.form,
          token,
          refresh_token: token,
          ...(route.form?.code !== undefined && { code: token }),
          client_id: APP,
        });
        const headers = { ...route.headers, accept };
        const { status, roundTrips } = await send(route.path, { method: 'POST', body, headers });
        expect(status).toBeLessThan(500);
        expect(roundTrips).toBe(0);
      }
    },
  );
});
