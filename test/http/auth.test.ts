/** Who may call what; and what holds for every answer. */
import { beforeAll, describe, expect, it, vi } from 'vitest';
import {
  APP,
  BACKEND,
  basic,
  OTHER_BACKEND,
  readRow,
  sha256Hex,
  startService,
  type TestService,
  type Tokens,
} from '../fixtures';
import { USER } from '../people';
import { ALL_ROUTES, BACKEND_ROUTES, OAUTH_ROUTES, toInit, USER_ROUTES } from './routes';

let service: TestService;
let tokens: Tokens;

beforeAll(async () => {
  service = await startService();
  tokens = await service.create({ user_id: USER });
});

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

describe('routes of backends', () => {
  const credentials = (): [string, Record<string, string>][] => [
    ['none', {}],
    ['a wrong secret', { authorization: basic({ ...BACKEND, secret: 'wrong' }) }],
    [
      "another client's secret",
      { authorization: basic({ ...BACKEND, secret: OTHER_BACKEND.secret }) },
    ],
    ['an unknown client', { authorization: basic({ id: 'nobody', secret: BACKEND.secret }) }],
    ['a name of a prototype', { authorization: basic({ id: '__proto__', secret: 'x' }) }],
    ['no secret', { authorization: basic({ ...BACKEND, secret: '' }) }],
    ['the hash for the secret', { authorization: basic({ ...BACKEND, secret: 'a'.repeat(64) }) }],
    ['no colon', { authorization: `Basic ${btoa('backend')}` }],
    ['no base64', { authorization: 'Basic %%%' }],
    ['a public client with a secret', { authorization: basic({ id: APP, secret: 'x' }) }],
  ];
  const tokensInstead = (): [string, Record<string, string>][] => [
    ["a user's access token", bearer(tokens.access_token)],
    ['a refresh token', bearer(tokens.refresh_token)],
    ['another scheme', { authorization: 'Digest x' }],
  ];

  it.each(BACKEND_ROUTES)(
    '$method $path is 401 without good credentials, with no database call',
    async (route) => {
      service.database.roundTrips = 0;
      // Wrong credentials look alike; whoever shows a token in their place is told so.
      for (const [cases, told] of [
        [credentials(), /^The client is unknown or its credentials are wrong$/],
        [tokensInstead(), /must be Basic, with the client_id and secret of a client/],
      ] as const) {
        for (const [name, headers] of cases) {
          const response = await service.request(route.path, toInit(route, headers));
          expect(response.status, name).toBe(401);
          const challenge = response.headers.get('www-authenticate');
          if (name === 'none') expect(challenge).toBe(null);
          else expect(challenge, name).toMatch(/^Basic realm=/);
          const { code, detail } = (await response.json()) as Record<string, string>;
          expect(code, name).toBe('invalid_client');
          expect(detail, name).toMatch(told);
        }
      }
      expect(service.database.roundTrips).toBe(0);
    },
  );

  it.each(BACKEND_ROUTES)(
    '$method $path is 401 with credentials in the URL or body',
    async (route) => {
      const query = `?client_id=${BACKEND.id}&client_secret=${BACKEND.secret}`;
      expect((await service.request(route.path + query, toInit(route))).status).toBe(401);
    },
  );

  it('both of two secrets are good while one replaces the other', async () => {
    const hashes = [await sha256Hex('old'), await sha256Hex('new')];
    const both = await startService({
      CLIENTS: JSON.stringify([
        { client_id: 'b', secret_sha256: hashes, allow: ['create_sessions'] },
      ]),
    });
    for (const [secret, status] of [
      ['old', 201],
      ['new', 201],
      ['other', 401],
    ] as const) {
      const headers = { authorization: basic({ id: 'b', secret }) };
      expect(
        (await both.request('/v1/sessions', toInit(BACKEND_ROUTES[0] as never, headers))).status,
      ).toBe(status);
    }
  });
});

describe('routes of users', () => {
  it.each(USER_ROUTES)(
    '$method $path is 401 without a good access token, with no database call',
    async (route) => {
      service.database.roundTrips = 0;
      for (const headers of [
        {},
        ...(route.takesClients ? [] : [{ authorization: basic(BACKEND) }]),
        bearer(tokens.refresh_token),
        bearer(`${tokens.access_token.slice(0, -4)}AAAA`),
        bearer('x'),
        bearer('a.b.c'),
        bearer('x'.repeat(20_000)),
        { authorization: 'Bearer' },
        { authorization: `Bearer ${tokens.access_token}, Bearer ${tokens.access_token}` },
      ] as Record<string, string>[]) {
        const response = await service.request(route.path, toInit(route, headers));
        expect(response.status, JSON.stringify(headers)).toBe(401);
        expect(await response.json()).toMatchObject({ code: 'invalid_token' });
      }
      expect(service.database.roundTrips).toBe(0);
    },
  );

  it('A cannot see or end what is B’s: it is 404, as what does not exist', async () => {
    const other = await service.create({ user_id: '11111111-1111-4111-8111-111111111111' });
    const answers = await Promise.all(
      [other.session.id, '22222222-2222-4222-8222-222222222222'].map(async (id) => {
        const response = await service.bearer('DELETE', `/v1/sessions/${id}`, tokens.access_token);
        const { instance, ...body } = (await response.json()) as Record<string, unknown>;
        return { status: response.status, body };
      }),
    );
    expect(answers[0]).toMatchObject({ status: 404 });
    expect(answers[0]).toEqual(answers[1]);
    expect(await readRow(other.session.id)).toMatchObject({ revoked_at: null });
    const list = await (await service.bearer('GET', '/v1/sessions', tokens.access_token)).text();
    expect(list).not.toContain(other.session.id);
  });
});

describe('GET, HEAD and OPTIONS change nothing, but that an export leaves an audit event', () => {
  it.each(ALL_ROUTES)('on $path', async ({ path }) => {
    const own = await service.create({ user_id: USER });
    const before = await readRow(own.session.id);
    service.database.rowsWritten = 0;
    for (const method of ['GET', 'HEAD', 'OPTIONS']) {
      for (const headers of [bearer(own.access_token), { authorization: basic(BACKEND) }]) {
        const response = await service.request(path, { method, headers });
        expect(response.status).toBeLessThan(500);
        if (method === 'HEAD') expect(await response.text()).toBe('');
        if (response.status === 405) expect(response.headers.get('allow')).not.toBe(null);
      }
    }
    // The row, and its three indexes.
    expect(service.database.rowsWritten).toBe(path.endsWith('/export') ? 4 : 0);
    expect(await readRow(own.session.id)).toEqual(before);
  });
});

describe('headers of every answer', () => {
  const cases: [string, number, () => Promise<Response>][] = [
    ...ALL_ROUTES.map((route): [string, number, () => Promise<Response>] => [
      `${route.method} ${route.path}`,
      0,
      () => service.request(route.path, toInit(route)),
    ]),
    ['404', 404, () => service.request('/nothing')],
    ['404 under /oauth', 404, () => service.request('/oauth/nothing')],
    ['405', 405, () => service.request('/oauth/token')],
    [
      '413',
      413,
      () => service.request('/v1/sessions', { method: 'POST', body: 'x'.repeat(20_000) }),
    ],
    ['500', 500, () => broken('/v1/sessions/current', bearer(tokens.access_token))],
    ['503', 503, () => unavailable()],
  ];

  async function broken(path: string, headers: Record<string, string>) {
    const clock = {
      get now(): number {
        throw new Error('broken');
      },
    };
    return (await startService({}, clock as never)).request(path, { headers });
  }

  async function unavailable() {
    // The replica's copy, and the primary that is asked in its place.
    const fault = { before: 'D1_ERROR: internal error' };
    service.database.faults = [fault, fault];
    const response = await service.bearer('GET', '/v1/sessions', tokens.access_token);
    service.database.faults = [];
    return response;
  }

  it.each(cases)('%s', async (_, status, ask) => {
    const error = vi.spyOn(console, 'error').mockImplementation(() => {});
    const response = await ask();
    error.mockRestore();
    if (status > 0) expect(response.status).toBe(status);
    const headers = Object.fromEntries(response.headers);
    expect(headers).toMatchObject({
      'strict-transport-security': 'max-age=63072000',
      'x-content-type-options': 'nosniff',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
      'cross-origin-resource-policy': 'same-origin',
      'referrer-policy': 'no-referrer',
      'x-frame-options': 'DENY',
      'x-request-id': expect.stringMatching(/./),
    });
    expect(headers['x-powered-by'] ?? headers.server).toBeUndefined();
    const isPublicDocument =
      response.url.includes('.well-known') || headers['access-control-allow-origin'] === '*';
    if (isPublicDocument) expect(headers['cache-control']).toMatch(/^public, max-age=\d+$/);
    else expect(headers).toMatchObject({ 'cache-control': 'no-store', pragma: 'no-cache' });
  });
});

describe('Strict-Transport-Security (RFC 6797)', () => {
  it.each([
    [
      'binds this host alone, so that no other team’s host has to speak https',
      undefined,
      'max-age=63072000',
    ],
    [
      'binds the hosts below it where that is configured',
      'subdomains',
      'max-age=63072000; includeSubDomains',
    ],
    ['is left to whoever is in front', 'off', null],
  ])('%s', async (_, HSTS, expected) => {
    const own = await startService({ HSTS });
    for (const path of ['/healthz', '/nothing', '/account'])
      expect((await own.request(path)).headers.get('strict-transport-security')).toBe(expected);
  });
});

describe('headers that an intermediary sets', () => {
  it('change nothing that is recorded or answered', async () => {
    const spoofed = {
      'x-forwarded-for': '198.51.100.66',
      'x-real-ip': '198.51.100.66',
      'cf-connecting-ip': '198.51.100.66',
      'true-client-ip': '198.51.100.66',
      forwarded: 'for=198.51.100.66;host=evil.example;proto=http',
      'x-forwarded-host': 'evil.example',
      'x-forwarded-proto': 'http',
      'x-http-method-override': 'DELETE',
      'x-original-url': '/healthz',
      'user-agent': 'spoofed-agent',
      'cf-ray': 'not a ray\t"}',
      host: 'evil.example',
    };
    const { session } = await service.create(
      { user_id: USER, ip_address: '203.0.113.9', user_agent: 'told' },
      spoofed,
    );
    expect(await readRow(session.id)).toMatchObject({
      ip_address: '203.0.113.9',
      user_agent: 'told',
    });
    const silent = await service.create({ user_id: USER }, spoofed);
    expect(await readRow(silent.session.id)).toMatchObject({ ip_address: null, user_agent: null });
    const response = await service.request('/.well-known/oauth-authorization-server', {
      headers: spoofed,
    });
    expect(await response.text()).not.toContain('evil.example');
    expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  });
});

describe('OAuth endpoints', () => {
  it.each(OAUTH_ROUTES)('$path is 401 without a client', async (route) => {
    const response = await service.request(route.path, toInit(route));
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({ error: 'invalid_client' });
  });
});
