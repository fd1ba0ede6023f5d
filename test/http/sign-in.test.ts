/** Sessions from ID tokens: RFC 7523 §3, OpenID Connect Core §3.1.3.7, and the cookie form. */
import { env } from 'cloudflare:test';
import { base64url, decodeJwt, generateKeyPair } from 'jose';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import {
  APP,
  BACKEND,
  basic,
  ISSUER,
  readRow,
  START,
  sha256Hex,
  startService,
  type TestService,
  type Tokens,
  watch,
} from '../fixtures';
import { DESCRIBED, emptyHomes, FROM, homeOf, livesIn, takeAway } from '../homes/three-homes';
import { UA } from '../risk/callers';
import { CLIENT_AT_PROVIDER, openProvider, PROVIDER, type Provider } from './provider';

const GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const NOW = START / 1000;
const NONCE = 'a-nonce-of-sixteen-or-more';
const WEB_ORIGIN = 'https://app.sessions.example';

beforeEach(async () => {
  await env.DB.exec(
    'DELETE FROM user_sessions; DELETE FROM users; DELETE FROM used_assertions; DELETE FROM session_events; DELETE FROM outdated_tokens',
  );
  for (const level of ['log', 'warn', 'error'] as const)
    vi.spyOn(console, level).mockImplementation(() => {});
  return () => vi.restoreAllMocks();
});

async function start(
  trusted: Record<string, unknown> = {},
  variables: Parameters<typeof startService>[0] = {},
  web: Record<string, unknown> = {},
): Promise<{ service: TestService; provider: Provider }> {
  const clock = { now: START };
  const provider = await openProvider(PROVIDER, clock);
  const clients = [
    {
      client_id: BACKEND.id,
      secret_sha256: await sha256Hex(BACKEND.secret),
      allow: ['sign_in', 'refresh', 'manage_users', 'manage_all', 'erase_users'],
    },
    { client_id: APP, allow: ['refresh', 'sign_in'] },
    { client_id: 'other-app' },
    {
      client_id: 'web',
      allow: ['refresh', 'sign_in'],
      origins: [WEB_ORIGIN],
      return_urls: [`${WEB_ORIGIN}/`],
      ...web,
    },
  ];
  const service = await startService(
    {
      CLIENTS: JSON.stringify(clients),
      TRUSTED_ISSUERS: JSON.stringify([
        { issuer: PROVIDER, audience: CLIENT_AT_PROVIDER, ...trusted },
      ]),
      ...variables,
    },
    clock,
    provider.send,
  );
  return { service, provider };
}

interface Answer {
  status: number;
  body: Tokens & { error?: string };
  headers: Headers;
}

async function exchange(
  service: TestService,
  assertion: string,
  more: Record<string, string> = {},
): Promise<Answer> {
  const response = await service.form(
    '/oauth/token',
    { grant_type: GRANT, assertion, client_id: APP, ...more },
    { 'user-agent': UA.iphone(), 'cf-connecting-ip': '192.0.2.9' },
  );
  return { status: response.status, body: await response.json(), headers: response.headers };
}

const countOf = async (table: string) =>
  (await env.DB.prepare(`SELECT count(*) AS n FROM ${table}`).first<{ n: number }>())?.n;

describe('the grant (RFC 7523 §2.1)', () => {
  it('starts a session, which knows when, how and on what the person signed in', async () => {
    const { service, provider } = await start();
    const authenticated = { auth_time: NOW - 30, amr: ['pwd', 'otp'], acr: 'urn:acr:2' };
    const { status, body } = await exchange(service, await provider.idToken(authenticated));
    expect(status).toBe(200);
    const claims = decodeJwt(body.access_token);
    expect(claims).toMatchObject({ ...authenticated, client_id: APP });
    expect(await readRow(claims.sid as string)).toMatchObject({
      user_id: claims.sub,
      user_agent: UA.iphone(),
      ip_address: '192.0.2.9',
    });
    service.advance(30);
    expect((await service.refresh(body.refresh_token)).status).toBe(200);
  });

  it('issuer and subject are one user, whoever comes; other subjects are others', async () => {
    const { service, provider } = await start();
    const subOf = async (sub: string) =>
      decodeJwt((await exchange(service, await provider.idToken({ sub }))).body.access_token).sub;
    const [one, again, other] = [await subOf('one'), await subOf('one'), await subOf('two')];
    expect(again).toBe(one);
    expect(other).not.toBe(one);
  });

  it('a person whom a backend named before: the same user, once and again', async () => {
    const { service, provider } = await start();
    const { sub } = decodeJwt(
      (await exchange(service, await provider.idToken())).body.access_token,
    );
    // Erased, and met again by a backend that knows the id.
    await env.DB.exec('DELETE FROM user_sessions; DELETE FROM users');
    await env.DB.prepare('INSERT INTO users (id) VALUES (?)').bind(sub).run();
    for (let time = 0; time < 2; time += 1) {
      service.advance(1);
      const { status, body } = await exchange(service, await provider.idToken());
      expect(status).toBe(200);
      expect(decodeJwt(body.access_token).sub).toBe(sub);
    }
    expect(await countOf('users')).toBe(1);
  });

  it('a person under another id already stays that one, whatever id a backend names', async () => {
    const { service, provider } = await start();
    const { sub } = decodeJwt(
      (await exchange(service, await provider.idToken())).body.access_token,
    );
    const other = '7b0e4f50-0f4c-4d0b-8f43-0f7d1d2f7c99';
    await env.DB.exec('DELETE FROM user_sessions');
    await env.DB.prepare('UPDATE users SET id = ?').bind(other).run();
    await env.DB.prepare('INSERT INTO users (id) VALUES (?)').bind(sub).run();
    const { status, body } = await exchange(service, await provider.idToken());
    expect({ status, sub: decodeJwt(body.access_token).sub }).toEqual({ status: 200, sub: other });
  });

  it('50 first sign-ins of one person at once: one user, 50 sessions', async () => {
    const { service, provider } = await start();
    const tokens = await Promise.all(Array.from({ length: 50 }, () => provider.idToken()));
    const answers = await Promise.all(tokens.map((token) => exchange(service, token)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect([await countOf('users'), await countOf('user_sessions')]).toEqual([1, 50]);
  });

  it('an assertion works once (RFC 7523 §3): of 20 at once, one', async () => {
    const { service, provider } = await start();
    const token = await provider.idToken();
    const answers = await Promise.all(Array.from({ length: 20 }, () => exchange(service, token)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ body }) => body.error === 'invalid_grant')).toHaveLength(19);
    expect(await countOf('user_sessions')).toBe(1);
    service.advance(60);
    expect((await exchange(service, token)).body.error).toBe('invalid_grant');
  });

  it('is used up only by a session: after a fault it works', async () => {
    const { service, provider } = await start();
    const token = await provider.idToken();
    await exchange(service, await provider.idToken());
    service.database.faults = [
      { before: 'D1_ERROR: D1 DB is overloaded. Requests queued for too long.' },
    ];
    expect((await exchange(service, token)).status).toBe(503);
    expect((await exchange(service, token)).status).toBe(200);
  });

  it('a commit whose answer was lost gives the session all the same', async () => {
    const { service, provider } = await start();
    await exchange(service, await provider.idToken());
    const idToken = await provider.idToken();
    Object.assign(service.database, {
      roundTrips: 0,
      faults: [null, { after: 'Network connection lost.' }],
    });
    expect((await exchange(service, idToken)).status).toBe(200);
    expect(service.database.roundTrips).toBe(3);
    expect(await countOf('user_sessions')).toBe(2);
  });

  it('used ones are forgotten once they would be refused anyway', async () => {
    const { runScheduled } = await import('../../src/scheduled');
    const { service, provider } = await start();
    await exchange(service, await provider.idToken());
    service.advance(359);
    await runScheduled(service.env, service.clock.now);
    expect(await countOf('used_assertions')).toBe(1);
    service.advance(1);
    await runScheduled(service.env, service.clock.now);
    expect(await countOf('used_assertions')).toBe(0);
  });

  it('the limit per user holds', async () => {
    const { service, provider } = await start(
      {},
      { MAX_SESSIONS_PER_USER: '1', SESSION_LIMIT_POLICY: 'reject' },
    );
    expect((await exchange(service, await provider.idToken())).status).toBe(200);
    const { body } = await exchange(service, await provider.idToken());
    expect(body).toMatchObject({
      error: 'invalid_grant',
      error_description: 'The user has as many active sessions as allowed',
    });
  });

  it('is in the server metadata, where there is a trusted issuer (RFC 8414 §2)', async () => {
    const grants = async (service: TestService) =>
      (
        (await (await service.request('/.well-known/oauth-authorization-server')).json()) as {
          grant_types_supported: string[];
        }
      ).grant_types_supported;
    expect(await grants((await start()).service)).toContain(GRANT);
    const plain = await startService();
    expect(await grants(plain)).not.toContain(GRANT);
    expect((await exchange(plain, 'x')).body.error).toBe('unsupported_grant_type');
  });
});

describe('an ID token is good once, however it is spelled (RFC 7519 §4.1.7)', () => {
  const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  /** n of P-256. */
  const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

  const withUnusedBits = (token: string) =>
    token.slice(0, -1) + ALPHABET[ALPHABET.indexOf(token.at(-1) as string) + 1];
  /** The other signature that verifies: s and n - s are as good (FIPS 186-5 §6.4.2). */
  function toTwin(token: string): string {
    const [header, payload, signature] = token.split('.') as [string, string, string];
    const bytes = base64url.decode(signature);
    const s = BigInt(
      `0x${[...bytes.slice(32)].map((b) => b.toString(16).padStart(2, '0')).join('')}`,
    );
    const other = (ORDER - s).toString(16).padStart(64, '0');
    bytes.set(other.match(/../g)?.map((byte) => Number.parseInt(byte, 16)) ?? [], 32);
    return `${header}.${payload}.${base64url.encode(bytes)}`;
  }

  const spellings: [string, (token: string) => string][] = [
    ['unused bits set', withUnusedBits],
    ['padding', (token) => `${token}==`],
    ['padding of the payload', (token) => token.replace(/\.([^.]+)\./, '.$1=.')],
    ['a line break', (token) => `${token}\n`],
    ['white space inside', (token) => `${token.slice(0, -4)} ${token.slice(-4)}`],
    ['the twin of its signature', toTwin],
  ];
  it.each(
    spellings.flatMap(([name, respell]) =>
      ['a jti', 'no jti', 'a jti that is no text'].map((kind) => [name, kind, respell] as const),
    ),
  )('%s, %s: of both spellings at most the first', async (_, kind, respell) => {
    const { service, provider } = await start();
    const jti = { 'a jti': {}, 'no jti': { jti: null }, 'a jti that is no text': { jti: 7 } }[kind];
    const token = await provider.idToken(jti);
    expect((await exchange(service, token)).status).toBe(200);
    for (const other of [respell(token), respell(respell(token))])
      expect((await exchange(service, other)).body.error).toBe('invalid_grant');
    expect(await countOf('user_sessions')).toBe(1);
  });

  it('what is not canonical is refused before its issuer is asked for keys', async () => {
    const { service, provider } = await start();
    const token = await provider.idToken();
    expect((await exchange(service, withUnusedBits(token))).body.error).toBe('invalid_grant');
    expect(provider.asked).toEqual([]);
    expect((await exchange(service, toTwin(token))).status).toBe(200);
  });

  it('two tokens of one jti are one', async () => {
    const { service, provider } = await start();
    const jti = crypto.randomUUID();
    expect((await exchange(service, await provider.idToken({ jti }))).status).toBe(200);
    service.advance(1);
    expect((await exchange(service, await provider.idToken({ jti }))).body.error).toBe(
      'invalid_grant',
    );
    expect((await exchange(service, await provider.idToken())).status).toBe(200);
  });
});

describe('who may bring one', () => {
  it.each([
    ['a client without sign_in', { client_id: 'other-app' }, 'unauthorized_client'],
    ['an unknown client', { client_id: 'nobody' }, 'invalid_client'],
    ['a confidential client without its secret', { client_id: BACKEND.id }, 'invalid_client'],
  ])('%s: %s', async (_, more, error) => {
    const { service, provider } = await start();
    expect((await exchange(service, await provider.idToken(), more)).body.error).toBe(error);
    expect(await countOf('users')).toBe(0);
  });

  it('only the clients that the issuer is for, where it says', async () => {
    const { service, provider } = await start({ clients: ['web'] });
    expect((await exchange(service, await provider.idToken())).body.error).toBe('invalid_grant');
    expect((await exchange(service, await provider.idToken(), { client_id: 'web' })).status).toBe(
      200,
    );
  });

  it('whoever asks for a scope too: sessions have none, and the answer says so (RFC 6749 §3.3)', async () => {
    const { service, provider } = await start();
    const more = { scope: 'openid profile' };
    const { status, body } = await exchange(service, await provider.idToken(), more);
    expect({ status, scope: body.scope }).toEqual({ status: 200, scope: '' });
  });

  it('a backend: its own address and user agent are not taken for its user’s', async () => {
    const { service, provider } = await start();
    const response = await service.form(
      '/oauth/token',
      { grant_type: GRANT, assertion: await provider.idToken() },
      { authorization: basic(BACKEND), 'user-agent': 'node', 'cf-connecting-ip': '192.0.2.77' },
    );
    const { access_token } = (await response.json()) as Tokens;
    expect(await readRow(decodeJwt(access_token).sid as string)).toMatchObject({
      user_agent: null,
      ip_address: null,
    });
  });
});

describe('what is refused (OpenID Connect Core §3.1.3.7, RFC 7523 §3, RFC 8725)', () => {
  const cases: [string, Record<string, unknown>, Record<string, unknown>?][] = [
    ['another issuer (§3.1.3.7, 2)', { iss: 'https://evil.example' }],
    ['the issuer with a slash more', { iss: `${PROVIDER}/` }],
    ['another audience (3)', { aud: 'someone-else' }],
    ['no audience', { aud: null }],
    ['several audiences and no azp (4)', { aud: [CLIENT_AT_PROVIDER, 'other'] }],
    ['an azp of someone else (5)', { azp: 'other' }],
    [
      'several audiences and an azp of someone else (5)',
      { aud: [CLIENT_AT_PROVIDER, 'other'], azp: 'other' },
    ],
    ['expired (9)', { exp: NOW - 61 }],
    ['no exp', { exp: null }],
    ['too old (10)', { iat: NOW - 661, exp: NOW + 600 }],
    ['no iat', { iat: null }],
    ['from the future', { iat: NOW + 61 }],
    ['not yet good (nbf)', { nbf: NOW + 61 }],
    ['a nonce that nobody drew (11)', { nonce: NONCE }],
    ['no subject', { sub: null }],
    ['an empty subject', { sub: '' }],
    ['a subject of 256 characters', { sub: 'x'.repeat(256) }],
    ['a subject that is no text', { sub: 7 }],
    ['an auth_time in the future', { auth_time: NOW + 3_600 }],
    ['an access token of the issuer', {}, { typ: 'at+jwt' }],
    ['a logout token of the issuer', {}, { typ: 'logout+jwt' }],
    ['a token of events', { events: {} }],
    ['an unknown critical header', {}, { crit: ['x'], x: 1 }],
  ];

  /** Why, as whoever brings an authentic token is told; the others are of wrong claims. */
  const reasons: [RegExp, string | undefined][] = [
    [/issuer \(|with a slash|critical/, undefined],
    [/audience|azp/, 'wrong_audience'],
    [/^expired|^too old/, 'assertion_expired'],
    [/^a nonce/, 'wrong_nonce'],
    [/./, 'wrong_claims'],
  ];

  it.each(cases)('%s', async (name, claims, header) => {
    const { service, provider } = await start();
    const token = await provider.idToken(claims, header).catch(() => null);
    if (token === null) return;
    const { status, body } = await exchange(service, token);
    expect({ status, body }).toEqual({
      status: 400,
      body: {
        error: 'invalid_grant',
        error_description: 'The assertion is not valid',
        reason: reasons.find(([of]) => of.test(name))?.[1],
      },
    });
    expect([await countOf('users'), await countOf('user_sessions')]).toEqual([0, 0]);
  });

  it.each([
    [
      'several audiences with our azp',
      { aud: [CLIENT_AT_PROVIDER, 'other'], azp: CLIENT_AT_PROVIDER },
      {},
    ],
    ['clocks that differ by a minute', { iat: NOW + 60, exp: NOW - 59 }, {}],
    ['typ JWT', {}, { typ: 'JWT' }],
    ['a subject of 255 characters', { sub: 'x'.repeat(255) }, {}],
  ])('%s is good', async (_, claims, header) => {
    const { service, provider } = await start();
    expect((await exchange(service, await provider.idToken(claims, header))).status).toBe(200);
  });

  it('the nonce of another sign-in, or none where there is one', async () => {
    const { service, provider } = await start();
    const token = await provider.idToken({ nonce: NONCE });
    expect((await exchange(service, token, { nonce: `${NONCE}x` })).body.error).toBe(
      'invalid_grant',
    );
    expect((await exchange(service, await provider.idToken(), { nonce: NONCE })).body.error).toBe(
      'invalid_grant',
    );
    expect((await exchange(service, token, { nonce: NONCE })).status).toBe(200);
  });

  it('alg none, HS256 with the public key, another’s key, a key in the header, and rubbish (RFC 8725 §2.1, §3.10)', async () => {
    const { service, provider } = await start();
    const [, payload] = (await provider.idToken()).split('.');
    const part = (value: unknown) => btoa(JSON.stringify(value)).replaceAll('=', '');
    const { privateKey } = await generateKeyPair('ES256');
    const { kid } = provider.publicKey();
    const forged = [
      `${part({ alg: 'none' })}.${payload}.`,
      await provider.idToken(
        {},
        { alg: 'HS256' },
        new TextEncoder().encode(JSON.stringify(provider.publicKey())),
      ),
      await provider.idToken({}, {}, privateKey),
      await provider.idToken({}, { jwk: provider.publicKey(), kid }, privateKey),
      await provider.idToken(
        {},
        { jku: 'https://evil.example/keys', x5u: 'https://evil.example/x' },
        privateKey,
      ),
      'x',
      'a.b.c',
      `${'A'.repeat(9_000)}.b.c`,
    ];
    for (const token of forged) {
      const { body } = await exchange(service, token);
      expect(body.error).toBe('invalid_grant');
      expect(body).not.toHaveProperty('reason');
    }
    expect(
      provider.asked.every((path) => ['/.well-known/openid-configuration', '/keys'].includes(path)),
    ).toBe(true);
    expect(await countOf('users')).toBe(0);
  });

  it('an algorithm that is not configured', async () => {
    const { service, provider } = await start({ algorithms: ['RS256'] });
    expect((await exchange(service, await provider.idToken())).body.error).toBe('invalid_grant');
  });

  it('the log says why, and holds neither the token nor its subject', async () => {
    const { service, provider } = await start();
    const token = await provider.idToken({ aud: 'someone-else', sub: 'a-secret-subject' });
    await exchange(service, token);
    const lines = vi.mocked(console.log).mock?.calls ?? [];
    expect(JSON.stringify(lines)).not.toContain(token.slice(0, 60));
    expect(JSON.stringify(lines)).not.toContain('a-secret-subject');
  });
});

describe('the issuer’s keys', () => {
  it('are asked for once, and kept', async () => {
    const { service, provider } = await start();
    for (let time = 0; time < 3; time += 1) await exchange(service, await provider.idToken());
    expect(provider.asked).toEqual(['/.well-known/openid-configuration', '/keys']);
    service.advance(601);
    await exchange(service, await provider.idToken());
    expect(provider.asked).toHaveLength(4);
  });

  it('a new key is found; unknown ones are asked for once a cool-down, so that forged kids flood nobody', async () => {
    const { service, provider } = await start();
    await exchange(service, await provider.idToken());
    service.advance(30);
    await provider.rotate();
    expect((await exchange(service, await provider.idToken())).status).toBe(200);
    const before = provider.asked.length;
    for (let forged = 0; forged < 20; forged += 1)
      expect(
        (await exchange(service, await provider.idToken({}, { kid: `forged-${forged}` }))).status,
      ).toBe(400);
    expect(provider.asked.length).toBe(before);
  });

  const isDiscovery = (path: string) => path.endsWith('openid-configuration');
  it.each<[string, (path: string, provider: Provider) => Response | Promise<Response> | undefined]>(
    [
      ['is down', () => Promise.reject(new TypeError('Network connection lost'))],
      ['answers 500', () => new Response('', { status: 500 })],
      ['answers rubbish', () => new Response('<html>')],
      ['redirects', () => Response.redirect('https://evil.example/')],
      [
        'answers a megabyte',
        (path, provider) =>
          isDiscovery(path)
            ? undefined
            : Response.json({ keys: [provider.publicKey()], padding: 'x'.repeat(2 ** 20) }),
      ],
      [
        'names another issuer (Discovery §4.3)',
        (path) =>
          isDiscovery(path)
            ? Response.json({ issuer: 'https://evil.example', jwks_uri: `${PROVIDER}/keys` })
            : undefined,
      ],
      [
        'names keys without https',
        (path) =>
          isDiscovery(path)
            ? Response.json({ issuer: PROVIDER, jwks_uri: 'http://id.example/keys' })
            : undefined,
      ],
    ],
  )(
    'an issuer that %s: 503 with Retry-After, not a refusal; it works once it is back',
    async (_, answer) => {
      const { service, provider } = await start();
      const token = await provider.idToken();
      provider.answer = (path) => answer(path, provider);
      const { status, body, headers } = await exchange(service, token);
      expect({ status, error: body.error, retryAfter: headers.get('retry-after') }).toEqual({
        status: 503,
        error: 'temporarily_unavailable',
        retryAfter: '5',
      });
      // The runtime follows redirects unless it is told not to.
      expect(provider.redirects).toEqual(new Set(['manual']));
      // Firewalls refuse a request that does not say who asks (RFC 9110 §10.1.5).
      expect(provider.userAgents).toEqual(new Set([`edge-sessions (+${ISSUER})`]));
      provider.answer = () => undefined;
      service.advance(30);
      expect((await exchange(service, token)).status).toBe(200);
    },
  );

  it('that are known go on working while it is down', async () => {
    const { service, provider } = await start();
    await exchange(service, await provider.idToken());
    provider.answer = () => Promise.reject(new TypeError('Network connection lost'));
    service.advance(3_599);
    expect((await exchange(service, await provider.idToken())).status).toBe(200);
  });

  it('go out of use an hour after they were read: a withdrawn key does not stay good for ever', async () => {
    const { service, provider } = await start();
    await exchange(service, await provider.idToken());
    provider.answer = () => Promise.reject(new TypeError('Network connection lost'));
    service.advance(3_600);
    expect((await exchange(service, await provider.idToken())).status).toBe(503);
  });

  it('that the provider has withdrawn are refused once they are read anew', async () => {
    const { service, provider } = await start();
    await exchange(service, await provider.idToken());
    const withdrawn = provider.privateKey();
    const { kid } = provider.publicKey();
    await provider.rotate();
    service.advance(600);
    const forged = await provider.idToken({}, { kid }, withdrawn);
    expect((await exchange(service, forged)).body.error).toBe('invalid_grant');
  });

  it('an empty key set is an outage, and takes no known key away', async () => {
    const { service, provider } = await start();
    const token = await provider.idToken();
    provider.answer = (path) => (path === '/keys' ? Response.json({ keys: [] }) : undefined);
    expect((await exchange(service, token)).status).toBe(503);
    provider.answer = () => undefined;
    service.advance(30);
    expect((await exchange(service, token)).status).toBe(200);
    provider.answer = (path) => (path === '/keys' ? Response.json({ keys: [] }) : undefined);
    service.advance(601);
    expect((await exchange(service, await provider.idToken())).status).toBe(200);
  });

  it('may be named by the configuration, without discovery', async () => {
    const { service, provider } = await start({ jwks_uri: `${PROVIDER}/keys` });
    expect((await exchange(service, await provider.idToken())).status).toBe(200);
    expect(provider.asked).toEqual(['/keys']);
  });
});

describe('POST /browser/sign-in', () => {
  const OWN = {
    origin: WEB_ORIGIN,
    'sec-fetch-site': 'same-site',
    'content-type': 'application/json',
  };
  const post = (
    service: TestService,
    body: Record<string, unknown>,
    headers: Record<string, string> = OWN,
  ) => service.request('/browser/sign-in', { method: 'POST', body: JSON.stringify(body), headers });

  it('sets the cookies, and shows no token', async () => {
    const { service, provider } = await start();
    const id_token = await provider.idToken({ nonce: NONCE });
    const response = await post(service, { client_id: 'web', id_token, nonce: NONCE });
    expect(response.status).toBe(201);
    expect(await response.clone().text()).not.toMatch(/eyJ|v2\./);
    expect(response.headers.getSetCookie().map((line) => line.split('=')[0])).toEqual([
      '__Host-session',
      '__Host-access',
    ]);
    expect(response.headers.get('access-control-allow-origin')).toBe(WEB_ORIGIN);
    const cookie = response.headers
      .getSetCookie()
      .map((line) => line.split(';')[0])
      .join('; ');
    expect((await service.request('/browser/session', { headers: { cookie } })).status).toBe(200);
  });

  it('shows the access token alone to pages that hold it in memory', async () => {
    const { service, provider } = await start({}, {}, { access_token: 'memory' });
    const id_token = await provider.idToken({ nonce: NONCE });
    const response = await post(service, { client_id: 'web', id_token, nonce: NONCE });
    expect(response.status).toBe(201);
    expect(response.headers.getSetCookie().map((line) => line.split('=')[0])).toEqual([
      '__Host-session',
    ]);
    const { access_token } = (await response.json()) as { access_token: string };
    expect((await service.bearer('GET', '/v1/sessions/current', access_token)).status).toBe(200);
  });

  it('signs out the session that the browser had', async () => {
    const { service, provider } = await start();
    const signIn = async (cookie = '') => {
      const id_token = await provider.idToken({ nonce: NONCE });
      const response = await post(
        service,
        { client_id: 'web', id_token, nonce: NONCE },
        { ...OWN, cookie },
      );
      const { session } = (await response.json()) as Tokens;
      return {
        id: session.id,
        cookie: response.headers
          .getSetCookie()
          .map((line) => line.split(';')[0])
          .join('; '),
      };
    };
    const first = await signIn();
    const second = await signIn(first.cookie);
    expect(await readRow(first.id)).toMatchObject({ revoked_reason: 'signed_out' });
    expect(await readRow(second.id)).toMatchObject({ revoked_at: null });
  });

  it.each<[string, number, Record<string, unknown>, Record<string, string>?]>([
    ['without a nonce, which ties the token to this browser', 400, { nonce: undefined }],
    ['with another nonce', 401, { nonce: `${NONCE}-of-another` }],
    [
      'from another site',
      403,
      {},
      { ...OWN, origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
    ],
    ['for a client of another origin', 403, { client_id: APP }],
    ['for an unknown client', 403, { client_id: 'nobody' }],
    ['as a form', 415, {}, { ...OWN, 'content-type': 'text/plain' }],
  ])('%s: %i and no cookie', async (_, status, body, headers) => {
    const { service, provider } = await start();
    const id_token = await provider.idToken({ nonce: NONCE });
    const response = await post(
      service,
      { client_id: 'web', id_token, nonce: NONCE, ...body },
      headers,
    );
    expect(response.status).toBe(status);
    expect(response.headers.getSetCookie()).toEqual([]);
    expect(await countOf('user_sessions')).toBe(0);
  });

  it('is for clients that may sign people in, and no other', async () => {
    const clients = [{ client_id: 'web', origins: [WEB_ORIGIN], return_urls: [`${WEB_ORIGIN}/`] }];
    const { service, provider } = await start({}, { CLIENTS: JSON.stringify(clients) });
    const id_token = await provider.idToken({ nonce: NONCE });
    const response = await post(service, { client_id: 'web', id_token, nonce: NONCE });
    expect(response.status).toBe(403);
    expect(await response.json()).toMatchObject({ code: 'client_not_allowed' });
    expect(response.headers.getSetCookie()).toEqual([]);
    expect(await countOf('user_sessions')).toBe(0);
  });

  it('works where the browser has the session of another app, which it replaces', async () => {
    const other = 'https://other.sessions.example';
    const app = { allow: ['refresh', 'sign_in'] };
    const clients = [
      { client_id: 'web', origins: [WEB_ORIGIN], ...app },
      { client_id: 'other-web', origins: [other], ...app },
    ];
    const { service, provider } = await start({}, { CLIENTS: JSON.stringify(clients) });
    const id_token = () => provider.idToken({ nonce: NONCE });
    const body = async (client_id: string) => ({
      client_id,
      id_token: await id_token(),
      nonce: NONCE,
    });
    const first = await post(service, await body('web'));
    const cookie = first.headers
      .getSetCookie()
      .map((line) => line.split(';')[0])
      .join('; ');
    const second = await post(service, await body('other-web'), { ...OWN, origin: other, cookie });
    expect(second.status).toBe(201);
    expect(second.headers.get('access-control-allow-origin')).toBe(other);
    const { session } = (await first.json()) as Tokens;
    expect(await readRow(session.id)).toMatchObject({ revoked_reason: 'signed_out' });
  });
});

describe('TRUSTED_ISSUERS', () => {
  it.each([
    ['not json', 'TRUSTED_ISSUERS is not JSON'],
    ['[{"issuer":"http://id.example","audience":"x"}]', 'issuer must be an https URL'],
    [
      '[{"issuer":"https://id.example","audience":"x","jwks_uri":"ftp://x"}]',
      'jwks_uri must be an https URL',
    ],
    ['[{"issuer":"https://id.example","audience":"x","algorithms":["HS256"]}]', 'algorithms'],
    ['[{"issuer":"https://id.example","audience":"x","algorithms":["none"]}]', 'algorithms'],
    ['[{"issuer":"https://id.example","audience":[]}]', 'audience'],
    [
      '[{"issuer":"https://id.example","audience":"x"},{"issuer":"https://id.example","audience":"y"}]',
      'twice',
    ],
  ])('%s is refused at the start', async (text, mistake) => {
    await expect(startService({ TRUSTED_ISSUERS: text })).rejects.toThrow(mistake);
  });
});

describe('with several homes', () => {
  beforeEach(emptyHomes);
  const named = { HOMES: JSON.stringify(DESCRIBED), DB_APAC: env.DB_APAC, DB_WEUR: env.DB_WEUR };

  /** Two services of one clock and provider, as isolates in two places. */
  async function startTwo() {
    const first = await start({}, named);
    const { DB: _, ...variables } = first.service.env;
    const second = await startService(variables, first.service.clock, first.provider.send);
    return { provider: first.provider, services: [first.service, second] as const };
  }
  const from = async (service: TestService, assertion: string, cf: object) => {
    const body = new URLSearchParams({ grant_type: GRANT, assertion, client_id: APP });
    const request = new Request('https://sessions.example/oauth/token', {
      method: 'POST',
      body,
      cf,
    } as RequestInit);
    const response = await service.app.request(request);
    return { status: response.status, body: (await response.json()) as Tokens };
  };

  it('two first sign-ins at once in two regions are of one user, in one home afterwards', async () => {
    for (let round = 0; round < 5; round += 1) {
      await emptyHomes();
      const { provider, services } = await startTwo();
      const [paris, tokyo] = await Promise.all([
        from(services[0], await provider.idToken(), FROM.paris),
        from(services[1], await provider.idToken(), FROM.tokyo),
      ]);
      expect([paris.status, tokyo.status]).toEqual([200, 200]);
      expect(decodeJwt(paris.body.access_token).sub).toBe(decodeJwt(tokyo.body.access_token).sub);
      const third = await from(services[0], await provider.idToken(), FROM.newYork);
      for (const { body } of [paris, tokyo])
        expect(await livesIn(decodeJwt(body.access_token).sid as string)).toEqual([
          homeOf(third.body.refresh_token),
        ]);
    }
  });

  it('an ID token is good once, in however many regions at once (RFC 7523 §3)', async () => {
    for (let round = 0; round < 5; round += 1) {
      await emptyHomes();
      const { provider, services } = await startTwo();
      const assertion = await provider.idToken();
      const places = [FROM.paris, FROM.tokyo, FROM.newYork, FROM.paris, FROM.tokyo, FROM.newYork];
      const answers = await Promise.all(
        places.map((place, index) => from(services[index % 2] as TestService, assertion, place)),
      );
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 400, 400, 400, 400, 400]);
    }
  });

  it('an ID token is not used up by a sign-in that could not be decided', async () => {
    const { provider, services } = await startTwo();
    const assertion = await provider.idToken();
    const { DB: _, ...variables } = services[0].env;
    const silent = { ...variables, DB_APAC: watchAway(env.DB_APAC) };
    const away = await startService(silent, services[0].clock, provider.send);
    expect((await from(away, assertion, FROM.paris)).status).toBe(503);
    expect((await from(services[0], assertion, FROM.paris)).status).toBe(200);
  });
});

function watchAway(binding: D1Database): D1Database {
  const database = watch(binding);
  takeAway(database);
  return database.binding;
}
