/**
 * The log: one line a request, and nothing in it that a caller sent
 * or that opens a session.
 */
import { env } from 'cloudflare:test';
import { base64url, decodeJwt } from 'jose';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
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
import { APP_ORIGIN, OTHER_WEB, send, signIn, startWithBrowsers, WEB } from './browser/browser';

const CANARIES = {
  userAgent: 'canary-user-agent\r\n{"event":"forged"}\u001b[31m',
  ipAddress: '203.0.113.77',
  claim: 'canary-claim@example.com',
  idempotencyKey: 'canary-idempotency-key',
  clientSecret: BACKEND.secret,
};

let lines: string[] = [];

beforeEach(async () => {
  await env.DB.exec(
    'DELETE FROM user_sessions; DELETE FROM idempotency_keys; DELETE FROM outdated_tokens',
  );
  lines = [];
  for (const method of ['log', 'info', 'warn', 'error', 'debug'] as const) {
    vi.spyOn(console, method).mockImplementation((...parts) => {
      lines.push(
        parts.map((part) => (typeof part === 'string' ? part : JSON.stringify(part))).join(' '),
      );
    });
  }
});
afterEach(() => vi.restoreAllMocks());

const create = (service: TestService) =>
  service.create(
    {
      user_id: USER,
      user_agent: CANARIES.userAgent,
      ip_address: CANARIES.ipAddress,
      claims: { email: CANARIES.claim },
    },
    { 'idempotency-key': CANARIES.idempotencyKey },
  );

/**
 * Everything that must not be told: tokens, their parts, what the database stores of them, and what
 * callers sent.
 */
async function secretsOf(tokens: Tokens): Promise<string[]> {
  const { secret } = decodeJwt<{ secret: string }>(tokens.refresh_token.slice(3));
  const row = await readRow(tokens.session.id);
  return [
    ...tokens.refresh_token.slice(3).split('.').slice(1),
    ...tokens.access_token.split('.').slice(1),
    secret,
    row?.refresh_token as string,
    basic(BACKEND).slice(6),
    ...Object.values(CANARIES),
    'canary-user-agent',
  ];
}

/** The tokens in each place of each route where one can stand, right or wrong. */
async function sendEverywhere(
  service: TestService,
  { refresh_token, access_token, session }: Tokens,
): Promise<string[]> {
  const bodies: string[] = [];
  const paths = [
    '/v1/sessions',
    '/v1/sessions/current',
    '/v1/sessions/revoke-others',
    `/v1/sessions/${session.id}`,
    `/v1/sessions/${refresh_token}`,
    `/v1/users/${USER}/sessions`,
    `/v1/users/${refresh_token}`,
    `/oauth/token?refresh_token=${refresh_token}`,
    '/oauth/token',
    '/oauth/revoke',
    '/oauth/introspect',
    '/.well-known/jwks.json',
    `/nowhere/${access_token}`,
    `/v1/sessions?cursor=${refresh_token}`,
  ];
  const authorizations = [
    `Bearer ${access_token}`,
    `Bearer ${refresh_token}`,
    basic(BACKEND),
    `Basic ${refresh_token}`,
  ];
  const inputs = [
    undefined,
    new URLSearchParams({
      grant_type: 'refresh_token',
      client_id: APP,
      refresh_token,
      token: refresh_token,
    }),
    new URLSearchParams({
      grant_type: refresh_token,
      client_id: refresh_token,
      client_secret: BACKEND.secret,
      scope: access_token,
    }),
    new URLSearchParams({
      token: access_token,
      client_id: BACKEND.id,
      client_secret: BACKEND.secret,
    }),
    JSON.stringify({
      user_id: refresh_token,
      user_agent: CANARIES.userAgent,
      [refresh_token]: access_token,
    }),
  ];
  for (const path of paths) {
    for (const method of ['GET', 'POST', 'DELETE']) {
      for (const authorization of authorizations) {
        for (const body of method === 'POST' ? inputs : [undefined]) {
          const headers = {
            authorization,
            ...(typeof body === 'string' && { 'content-type': 'application/json' }),
          };
          const response = await service.request(path, { method, headers, ...(body && { body }) });
          if (response.status >= 400) bodies.push(await response.text());
        }
      }
    }
  }
  return bodies;
}

describe('tokens, secrets, hashes and bound parameters', () => {
  it('sent through every route, are in no line of the log and in no error', async () => {
    const service = await startService();
    const tokens = await create(service);
    const secrets = await secretsOf(tokens);
    const errors = await sendEverywhere(service, tokens);
    expect(errors.length).toBeGreaterThan(150);
    for (const secret of secrets)
      expect([...lines, ...errors].filter((text) => text.includes(secret))).toEqual([]);
  });

  it('are not told by a database that fails either', async () => {
    const service = await startService();
    const tokens = await create(service);
    const secrets = await secretsOf(tokens);
    const errors: string[] = [];
    const statements = ['create', 'refresh', 'list', 'revoke'] as const;
    for (const statement of statements) {
      const fault = {
        before: 'D1_ERROR: UNIQUE constraint failed: user_sessions.id: SQLITE_CONSTRAINT',
      };
      // A list that the replica does not give is asked of the primary.
      service.database.faults = [fault, fault];
      const response = await {
        create: () =>
          service.request('/v1/sessions', {
            method: 'POST',
            headers: {
              authorization: basic(BACKEND),
              'content-type': 'application/json',
              'idempotency-key': 'other',
            },
            body: JSON.stringify({
              user_agent: CANARIES.userAgent,
              ip_address: CANARIES.ipAddress,
            }),
          }),
        refresh: () =>
          service.form('/oauth/token', {
            grant_type: 'refresh_token',
            client_id: APP,
            refresh_token: tokens.refresh_token,
          }),
        list: () => service.bearer('GET', '/v1/sessions', tokens.access_token),
        revoke: () => service.bearer('DELETE', '/v1/sessions/current', tokens.access_token),
      }[statement]();
      expect(response.status).toBe(503);
      errors.push(await response.text());
    }
    expect(
      lines.filter((line) => line.includes('database_unavailable')).length,
    ).toBeGreaterThanOrEqual(statements.length);
    for (const secret of secrets)
      expect([...lines, ...errors].filter((text) => text.includes(secret))).toEqual([]);
  });
});

describe('a request', () => {
  it('is one line of JSON that names the route, not the URL', async () => {
    const service = await startService();
    const tokens = await create(service);
    const cases = [
      [
        'GET',
        '/v1/sessions',
        tokens.access_token,
        { route: '/v1/sessions', status: 200, d1_round_trips: 1 },
      ],
      [
        'GET',
        '/v1/sessions?limit=0',
        tokens.access_token,
        { route: '/v1/sessions', status: 400, outcome: 'invalid_request' },
      ],
      [
        'DELETE',
        `/v1/sessions/${crypto.randomUUID()}`,
        tokens.access_token,
        { route: '/v1/sessions/:id', status: 404 },
      ],
      [
        'DELETE',
        '/v1/sessions/current',
        tokens.access_token,
        { route: '/v1/sessions/current', status: 204 },
      ],
      [
        'GET',
        '/v1/sessions',
        tokens.access_token,
        { route: expect.any(String), status: 401, outcome: 'invalid_token' },
      ],
    ] as const;
    for (const [method, path, token, expected] of cases) {
      lines = [];
      const response = await service.bearer(method, path, token);
      const [line, ...others] = lines
        .map((text) => JSON.parse(text))
        .filter(({ event }) => event === 'request');
      expect(others).toEqual([]);
      expect(lines[0]).not.toMatch(/[\r\n]/);
      expect(line).toMatchObject({ event: 'request', method, ...expected });
      expect(line).toMatchObject({
        request_id: response.headers.get('x-request-id'),
        duration_ms: expect.any(Number),
      });
    }
  });

  it('of an unknown path does not put the path into the log', async () => {
    const service = await startService();
    lines = [];
    await service.request('/made/up/path-of-a-caller');
    expect(lines).toHaveLength(1);
    expect(lines[0]).not.toContain('path-of-a-caller');
  });
});

describe('who called', () => {
  const requestLine = () =>
    lines.map((line) => JSON.parse(line)).findLast(({ event }) => event === 'request');

  it.each([
    ['a client that exists', BACKEND.id, 'wrong', BACKEND.id],
    ['a client that does not', 'web-backend.2_b', 'wrong', 'web-backend.2_b'],
    ['a secret in place of the id', BACKEND.secret, BACKEND.id, undefined],
    ['one text for both', 'a-secret', 'a-secret', undefined],
    ['random bytes in base64', 'Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYg', 'wrong', undefined],
    ['an e-mail address', 'jane@example.com', 'wrong', undefined],
    ['what is another text once it is decoded', 'half-of-a-s%65cret', 'wrong', undefined],
    ['control characters', 'a\r\nb\u001b[31m', 'wrong', undefined],
    ['what no client could be called', 'x'.repeat(129), 'wrong', undefined],
  ])('without proof: of %s the line tells what is safe to tell', async (_, id, secret, told) => {
    const service = await startService();
    for (const request of [
      () => service.request('/v1/homes', { headers: { authorization: basic({ id, secret }) } }),
      () => service.form('/oauth/introspect', { token: 'x', client_id: id, client_secret: secret }),
    ]) {
      lines = [];
      expect((await request()).status).toBe(401);
      expect(requestLine().claimed_client_id).toBe(told);
      expect(requestLine()).not.toHaveProperty('client_id');
    }
  });

  it('with proof, is client_id alone', async () => {
    const service = await startService();
    await service.backend('GET', '/v1/homes');
    expect(requestLine()).toMatchObject({ client_id: BACKEND.id });
    expect(requestLine()).not.toHaveProperty('claimed_client_id');
  });

  it('with a cookie, is the client whose session it has proved to be', async () => {
    const service = await startWithBrowsers();
    const page = { origin: APP_ORIGIN, 'sec-fetch-site': 'same-site', 'x-requested-with': 'x' };
    const { jar } = await signIn(service);
    expect(requestLine()).toMatchObject({ route: '/browser/start', client_id: WEB });
    const own = { 'sec-fetch-site': 'same-origin' };
    const told = async (method: string, path: string, headers: Record<string, string>) => {
      const { status } = await send(service, jar, method, path, headers);
      const { client_id, claimed_client_id } = requestLine();
      return { status, client_id, claimed_client_id };
    };
    const proved = { status: 200, client_id: WEB, claimed_client_id: undefined };
    expect(await told('GET', '/browser/session', page)).toEqual(proved);
    expect(await told('GET', '/account', own)).toEqual(proved);
    expect(await told('POST', '/browser/refresh', page)).toEqual(proved);
    const [name, cookie = ''] = [...jar].find(([key]) => key === '__Host-session') ?? [''];
    const forged = { status: 401, client_id: undefined, claimed_client_id: WEB };
    const unknown = { ...forged, claimed_client_id: undefined };
    jar.set(name, `${cookie.split('~')[0]}~v2.forged`);
    expect(await told('POST', '/browser/refresh', page)).toEqual(forged);
    // Another client's name before an authentic token proves nothing.
    jar.set(name, `${base64url.encode(OTHER_WEB)}~${cookie.split('~')[1]}`);
    expect(await told('GET', '/account', own)).toEqual({ ...forged, claimed_client_id: OTHER_WEB });
    jar.set(name, `${base64url.encode('made-up')}~${cookie.split('~')[1]}`);
    expect(await told('GET', '/account', own)).toEqual(unknown);
    expect(await told('POST', '/browser/refresh', page)).toEqual(unknown);
    jar.set(name, cookie);
    expect(await told('POST', '/browser/sign-out', page)).toEqual({ ...proved, status: 204 });
  });
});

describe('a request id', () => {
  const RAY = '8f2a1c3d4e5f6071-FRA';
  const eventsOf = (logged: string[]) =>
    logged
      .map((line) => JSON.parse(line) as { event: string; event_id?: string })
      .flatMap(({ event_id }) => event_id ?? []);

  it('is drawn for each call, so that calls of one invocation report their own events alone', async () => {
    const service = await startService();
    const events: string[][] = [];
    for (let call = 0; call < 2; call += 1) {
      lines = [];
      await service.create({ user_id: USER }, { 'cf-ray': RAY });
      events.push(eventsOf(lines));
    }
    const [first, second] = events as [string[], string[]];
    expect([first.length, second.length]).toEqual([1, 1]);
    expect(second).not.toEqual(first);
  });

  it('is never the caller’s choice; the ray is a field of its own in the line', async () => {
    const service = await startService();
    const [one, two] = await Promise.all(
      [1, 2].map(() => service.request('/healthz', { headers: { 'cf-ray': RAY } })),
    );
    const ids = [one, two].map((response) => response?.headers.get('x-request-id'));
    expect(new Set([...ids, RAY]).size).toBe(3);
    const logged = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(logged.map(({ request_id }) => request_id).sort()).toEqual([...ids].sort());
    expect(logged.map(({ cf_ray }) => cf_ray)).toEqual([RAY, RAY]);
  });
});
