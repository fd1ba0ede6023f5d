/** Verifying access tokens as a resource server does, against the real service. */
import { env } from 'cloudflare:test';
import { Hono } from 'hono';
import { base64url, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import {
  createAccessTokenVerifier,
  type Requirements,
  type VerifierOptions,
} from '../../src/client/verify';
import { requireAccessToken, type VerifiedEnv } from '../../src/client/verify/middleware';
import { parseConfig } from '../../src/config/config';
import { deriveKeyring } from '../../src/crypto';
import { openHome } from '../../src/db/d1';
import { newAccess } from '../../src/db/d1-access';
import { findSigningKey, loadKeySet, type SigningKey } from '../../src/tokens/signing-keys';
import { AUDIENCE, BACKEND, basic, ISSUER, startService, type TestService } from '../fixtures';
import { USER } from '../people';

beforeEach(async () => {
  await env.DB.exec('DELETE FROM user_sessions; DELETE FROM users; DELETE FROM outdated_tokens');
  for (const level of ['log', 'warn', 'error'] as const)
    vi.spyOn(console, level).mockImplementation(() => {});
  return () => vi.restoreAllMocks();
});

interface Network {
  send: typeof fetch;
  /** What was asked for, as method and path. */
  asked: string[];
  isDown: boolean;
}

/** The way to the service, as a service binding is one. */
function connect(service: TestService): Network {
  const network: Network = {
    asked: [],
    isDown: false,
    send: async (input, init) => {
      const request = new Request(input, init);
      const { pathname } = new URL(request.url);
      network.asked.push(`${request.method} ${pathname}`);
      if (network.isDown) throw new TypeError('Network connection lost');
      return service.app.request(request);
    },
  };
  return network;
}

async function start(
  options: Partial<VerifierOptions> = {},
  variables: Parameters<typeof startService>[0] = {},
) {
  const service = await startService(variables);
  const network = connect(service);
  const verifier = createAccessTokenVerifier({
    issuer: ISSUER,
    audience: AUDIENCE,
    fetch: network.send,
    now: () => service.clock.now,
    ...options,
  });
  return { service, network, verifier };
}

/** A verifier that is given this as its revocation list. */
function withList({ clock }: TestService, { send }: Network, list: () => Response) {
  return createAccessTokenVerifier({
    issuer: ISSUER,
    audience: AUDIENCE,
    revocations: {},
    now: () => clock.now,
    fetch: async (input, init) =>
      String(input).endsWith('/revocations') ? list() : send(input, init),
  });
}

describe('a good token', () => {
  it('gives its claims, and needs nothing but the keys, once', async () => {
    const { service, network, verifier } = await start();
    const { access_token, session } = await service.create({
      user_id: USER,
      amr: ['pwd'],
      acr: 'urn:acr:2',
    });
    for (let time = 0; time < 3; time += 1) {
      expect(await verifier.verify(access_token)).toMatchObject({
        ok: true,
        claims: {
          iss: ISSUER,
          aud: AUDIENCE,
          sub: USER,
          sid: session.id,
          client_id: 'app',
          amr: ['pwd'],
          acr: 'urn:acr:2',
        },
      });
    }
    expect(network.asked).toEqual(['GET /.well-known/jwks.json']);
  });

  it.each([
    'https://Auth.Example.com',
    'https://auth.example.com:443/Auth/',
    'https://b\u00fccher.example/',
  ])('is one also where ISSUER and the verifier have it as %s', async (issuer) => {
    const { service, verifier } = await start({ issuer }, { ISSUER: issuer });
    const created = await service.app.request(`${issuer.replace(/\/+$/, '')}/v1/sessions`, {
      method: 'POST',
      headers: { authorization: basic(BACKEND), 'content-type': 'application/json' },
      body: '{"client_id":"app"}',
    });
    const { access_token } = (await created.json()) as { access_token: string };
    expect(await verifier.verify(access_token)).toMatchObject({ ok: true });
  });

  it('no URL is a mistake of the caller', () => {
    expect(() => createAccessTokenVerifier({ issuer: 'auth', audience: AUDIENCE })).toThrow(
      TypeError,
    );
  });
});

describe('anything else is refused (RFC 9068 §4, RFC 8725)', () => {
  type Forge = (good: {
    payload: Record<string, unknown>;
    token: string;
  }) => Promise<string> | string;
  const claims = (token: string) =>
    JSON.parse(new TextDecoder().decode(base64url.decode(token.split('.')[1] as string)));
  const part = (value: unknown) => base64url.encode(JSON.stringify(value));

  const forgeries: [string, Forge][] = [
    ['empty', () => ''],
    ['rubbish', () => 'a.b.c'],
    ['10 KB', ({ token }) => token + 'A'.repeat(10_000)],
    [
      'an altered claim',
      ({ token }) => token.replace(/\.[^.]+\./, `.${part({ ...claims(token), sub: 'admin' })}.`),
    ],
    ['alg none', ({ payload }) => `${part({ alg: 'none', typ: 'at+jwt' })}.${part(payload)}.`],
    [
      'alg HS256 with the public key as secret',
      ({ payload }) =>
        new SignJWT(payload)
          .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt' })
          .sign(new TextEncoder().encode('x'.repeat(32))),
    ],
    [
      'a key of its own in the header',
      async ({ payload }) => {
        const { privateKey, publicKey } = await generateKeyPair('EdDSA', { extractable: true });
        const header = { alg: 'EdDSA', typ: 'at+jwt', jwk: await exportJWK(publicKey), kid: 'x' };
        return new SignJWT(payload).setProtectedHeader(header).sign(privateKey);
      },
    ],
    ['a refresh token’s JWS', ({ token }) => `v2.${token}`],
  ];

  it.each(forgeries)('%s', async (_, forge) => {
    const { service, verifier } = await start();
    const { access_token } = await service.create({ user_id: USER });
    const verdict = await verifier.verify(
      await forge({ token: access_token, payload: claims(access_token) }),
    );
    expect(verdict).toMatchObject({ ok: false, error: 'invalid_token' });
  });

  it.each([[[]], [['none']], [['HS256']], [['EdDSA', 'PS256']]])(
    'algorithms %j are a mistake of the caller',
    async (algorithms) => {
      expect(() =>
        createAccessTokenVerifier({ issuer: ISSUER, audience: AUDIENCE, algorithms } as never),
      ).toThrow(/algorithms.*EdDSA, ES256, RS256/);
    },
  );

  it.each([
    ['another audience', { audience: 'urn:other' }],
    ['another issuer', { issuer: 'https://other.example' }],
    [
      'an algorithm that is not allowed',
      { algorithms: ['ES256', 'RS256'] as ('ES256' | 'RS256')[] },
    ],
  ])('%s', async (_, options) => {
    const { service, network } = await start();
    const { access_token } = await service.create();
    const send: typeof fetch = (input, init) =>
      network.send(String(input).replace('https://other.example', ISSUER), init);
    const base = { issuer: ISSUER, audience: AUDIENCE, fetch: send, now: () => service.clock.now };
    expect(
      await createAccessTokenVerifier({ ...base, ...options }).verify(access_token),
    ).toMatchObject({
      error: 'invalid_token',
    });
  });

  it.each(['JWT', 'rt+jwt', 'secevent+jwt', undefined])(
    'another kind of token that the service’s own key has signed: typ %s',
    async (typ) => {
      const { service, verifier } = await start();
      const { access_token } = await service.create();
      const access = newAccess();
      const home = openHome({ name: 'DB', binding: service.env.DB, timeoutMs: 5_000 }, access);
      const { sessionSecret, signingKeys } = parseConfig(service.env);
      const keySet = await loadKeySet(home, await deriveKeyring(sessionSecret, null), {
        policy: signingKeys,
        now: service.clock.now,
      });
      const key = findSigningKey(keySet, service.clock.now) as SigningKey;
      const header = { alg: key.alg, kid: key.kid, ...(typ !== undefined && { typ }) };
      const token = await new SignJWT(claims(access_token))
        .setProtectedHeader(header)
        .sign(key.privateKey);
      expect(await verifier.verify(token)).toMatchObject({ ok: false, error: 'invalid_token' });
    },
  );

  it('an expired one, past the tolerance', async () => {
    const { service, verifier } = await start({ clockToleranceSeconds: 10 });
    const { access_token, expires_in } = await service.create();
    service.advance(expires_in + 9);
    expect(await verifier.verify(access_token)).toMatchObject({ ok: true });
    service.advance(1);
    expect(await verifier.verify(access_token)).toEqual({
      ok: false,
      error: 'invalid_token',
      description: 'The access token has expired',
    });
  });

  it('one from the future, past the tolerance', async () => {
    const { service, verifier } = await start();
    const { access_token } = await service.create();
    service.advance(-61);
    expect(await verifier.verify(access_token)).toMatchObject({ error: 'invalid_token' });
  });

  it('without keys it cannot be decided, which is no refusal', async () => {
    const { service, network, verifier } = await start();
    const { access_token } = await service.create();
    network.isDown = true;
    expect(await verifier.verify(access_token)).toMatchObject({ ok: false, error: 'unavailable' });
    network.isDown = false;
    service.advance(5);
    expect(await verifier.verify(access_token)).toMatchObject({ ok: true });
  });
});

describe('a clock that differs from the service’s', () => {
  /** A resource server whose clock is so many seconds ahead; behind, where it is negative. */
  async function startAt(ahead: number, options: Partial<VerifierOptions> = {}) {
    const { service, network } = await start();
    const verifier = createAccessTokenVerifier({
      issuer: ISSUER,
      audience: AUDIENCE,
      fetch: network.send,
      now: () => service.clock.now + ahead * 1000,
      ...options,
    });
    return { service, verifier };
  }

  it.each([-60, -6, 6, 60])(
    'by %i s: a fresh token is good, as RFC 7519 §4.1 allows',
    async (ahead) => {
      const { service, verifier } = await startAt(ahead);
      const { access_token } = await service.create();
      expect(await verifier.verify(access_token)).toMatchObject({ ok: true });
    },
  );

  it('by 60 s: a token is good until it expires by the service’s clock', async () => {
    const { service, verifier } = await startAt(60);
    const { access_token, expires_in } = await service.create();
    service.advance(expires_in - 1);
    expect(await verifier.verify(access_token)).toMatchObject({ ok: true });
    service.advance(1);
    expect(await verifier.verify(access_token)).toMatchObject({ error: 'invalid_token' });
  });

  it('by a minute behind: what the list has refused is never good again, when the list drops it', async () => {
    const { service, verifier } = await startAt(-60, { revocations: { pollSeconds: 1 } });
    const { access_token } = await service.create({ user_id: USER });
    await service.bearer('DELETE', '/v1/sessions/current', access_token);
    for (let seconds = 0; seconds < 600; seconds += 15) {
      service.advance(15);
      expect(await verifier.verify(access_token), `${seconds} s`).toMatchObject({
        error: 'invalid_token',
      });
    }
  });
});

describe('revocation', () => {
  const POLL = 15;
  const endings: [string, (service: TestService, accessToken: string) => Promise<unknown>][] = [
    ['signed out', (service, token) => service.bearer('DELETE', '/v1/sessions/current', token)],
    [
      'signed out everywhere by a backend',
      (service) => service.backend('DELETE', `/v1/users/${USER}/sessions`),
    ],
    ['erased with its user', (service) => service.backend('DELETE', `/v1/users/${USER}`)],
  ];

  it.each(endings)(
    '%s: refused within the poll, and not before it is asked again',
    async (_, end) => {
      const { service, network, verifier } = await start({ revocations: { pollSeconds: POLL } });
      const { access_token } = await service.create({ user_id: USER });
      const { access_token: other } = await service.create({ user_id: crypto.randomUUID() });
      expect(await verifier.verify(access_token)).toMatchObject({ ok: true });
      await end(service, access_token);
      service.advance(POLL - 1);
      expect(await verifier.verify(access_token)).toMatchObject({ ok: true });
      service.advance(1);
      expect(await verifier.verify(access_token)).toEqual({
        ok: false,
        error: 'invalid_token',
        description: 'The session of this access token is over',
      });
      expect(await verifier.verify(other)).toMatchObject({ ok: true });
      expect(network.asked.filter((path) => path.endsWith('/revocations'))).toHaveLength(2);
    },
  );

  it('a sign-in after the sign-out everywhere is good, in the same second too', async () => {
    const { service, verifier } = await start({ revocations: {} });
    const { access_token: before } = await service.create({ user_id: USER });
    await service.backend('DELETE', `/v1/users/${USER}/sessions`);
    const { access_token: after } = await service.create({ user_id: USER });
    expect(await verifier.verify(before)).toMatchObject({ error: 'invalid_token' });
    expect(await verifier.verify(after)).toMatchObject({ ok: true });
  });

  it('a list that cannot be read: the last one serves for a while, then nothing passes; then it recovers', async () => {
    const { service, network, verifier } = await start({
      revocations: { pollSeconds: POLL, acceptStaleSeconds: 60 },
    });
    const tokenNow = async () => (await service.create()).access_token;
    expect(await verifier.verify(await tokenNow())).toMatchObject({ ok: true });
    network.isDown = true;
    service.advance(60);
    expect(await verifier.verify(await tokenNow())).toMatchObject({ ok: true });
    service.advance(1);
    expect(await verifier.verify(await tokenNow())).toMatchObject({
      ok: false,
      error: 'unavailable',
    });
    network.isDown = false;
    service.advance(2);
    expect(await verifier.verify(await tokenNow())).toMatchObject({ ok: true });
  });

  it('without any list nothing passes', async () => {
    const { service, network, verifier } = await start({ revocations: {} });
    const { access_token } = await service.create();
    await verifier.verify(access_token);
    const fresh = withList(service, network, () => new Response('', { status: 500 }));
    expect(await fresh.verify(access_token)).toMatchObject({ ok: false, error: 'unavailable' });
  });

  it('a list that says that it is not all, and not what it misses, is none', async () => {
    const { service, network } = await start();
    const { access_token } = await service.create();
    const list = { salt: 'salt', sessions: '', not_before: '', complete: false };
    const verifier = withList(service, network, () => Response.json(list));
    expect(await verifier.verify(access_token)).toMatchObject({ ok: false, error: 'unavailable' });
  });

  it('an unchanged list is not sent again', async () => {
    const { service, network } = await start();
    const statuses: number[] = [];
    const verifier = createAccessTokenVerifier({
      issuer: ISSUER,
      audience: AUDIENCE,
      revocations: { pollSeconds: POLL },
      now: () => service.clock.now,
      fetch: async (input, init) => {
        const response = await network.send(input, init);
        if (String(input).endsWith('/revocations')) statuses.push(response.status);
        return response;
      },
    });
    const { access_token } = await service.create();
    for (let poll = 0; poll < 3; poll += 1) {
      await verifier.verify(access_token);
      service.advance(POLL);
    }
    expect(statuses).toEqual([200, 304, 304]);
  });

  it('live: asks at once', async () => {
    const { service, network, verifier } = await start({
      introspection: { clientId: BACKEND.id, clientSecret: BACKEND.secret },
    });
    const { access_token } = await service.create({ user_id: USER });
    expect(await verifier.verify(access_token, { live: true })).toMatchObject({ ok: true });
    await service.bearer('DELETE', '/v1/sessions/current', access_token);
    expect(await verifier.verify(access_token)).toMatchObject({ ok: true });
    expect(await verifier.verify(access_token, { live: true })).toMatchObject({
      error: 'invalid_token',
    });
    network.isDown = true;
    expect(await verifier.verify(access_token, { live: true })).toMatchObject({
      error: 'unavailable',
    });
  });
});

describe('step-up (RFC 9470)', () => {
  it.each<[string, Requirements, boolean]>([
    ['recent enough', { maxAge: 300 }, true],
    ['too long ago', { maxAge: 299 }, false],
    ['of a wanted class', { acr: ['urn:acr:1', 'urn:acr:2'] }, true],
    ['of another class', { acr: ['urn:acr:3'] }, false],
    ['by all wanted methods', { amr: ['pwd'] }, true],
    ['by some of them', { amr: ['pwd', 'otp'] }, false],
  ])('%s: %o', async (_, requirements, expected) => {
    const { service, verifier } = await start();
    const authenticated = {
      auth_time: service.clock.now / 1000 - 300,
      amr: ['pwd', 'hwk'],
      acr: 'urn:acr:2',
    };
    const { access_token } = await service.create({ user_id: USER, ...authenticated });
    const verdict = await verifier.verify(access_token, requirements);
    expect(verdict.ok ? true : verdict.error).toBe(expected || 'insufficient_user_authentication');
  });

  it('a guest has never authenticated', async () => {
    const { service, verifier } = await start();
    const { access_token } = await service.create();
    expect(await verifier.verify(access_token, { maxAge: 10 ** 9 })).toMatchObject({ ok: false });
  });
});

describe('the middleware', () => {
  async function startApi(requirements: Requirements = {}) {
    const { service, network, verifier } = await start({ revocations: {} });
    const api = new Hono<VerifiedEnv>();
    api.use(requireAccessToken(verifier, requirements));
    api.get('/', (c) => c.text(c.get('accessToken').sub));
    const call = (authorization?: string, path = '/') =>
      api.request(path, authorization === undefined ? {} : { headers: { authorization } });
    return { service, network, call };
  }

  it('lets a good token pass, with its claims', async () => {
    const { service, call } = await startApi();
    const { access_token } = await service.create({ user_id: USER });
    for (const scheme of ['Bearer', 'bearer', 'BEARER'])
      expect(await (await call(`${scheme} ${access_token}`)).text()).toBe(USER);
  });

  it.each([undefined, 'Basic eDp5', 'Bearer', 'Bearer a b', 'Token x'])(
    'without a token (%s): a bare challenge (RFC 6750 §3.1)',
    async (authorization) => {
      const { call } = await startApi();
      const response = await call(authorization);
      expect([response.status, response.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
    },
  );

  it('a bad one: invalid_token, never cached', async () => {
    const { call } = await startApi();
    const response = await call('Bearer a.b.c');
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toBe(
      'Bearer error="invalid_token", error_description="The access token is not valid"',
    );
    expect(response.headers.get('cache-control')).toBe('no-store');
  });

  it('in the URL it is no token (RFC 6750 §2.3)', async () => {
    const { service, call } = await startApi();
    const { access_token } = await service.create();
    expect((await call(undefined, `/?access_token=${access_token}`)).status).toBe(401);
  });

  it('an old authentication: the challenge of RFC 9470 §3', async () => {
    const { service, call } = await startApi({ maxAge: 60, acr: ['urn:acr:2', 'urn:acr:3'] });
    const { access_token } = await service.create({ user_id: USER });
    expect((await call(`Bearer ${access_token}`)).headers.get('www-authenticate')).toBe(
      'Bearer error="insufficient_user_authentication", error_description="A more recent or stronger authentication is required", max_age="60", acr_values="urn:acr:2 urn:acr:3"',
    );
  });

  it('when it cannot be decided: 503 with Retry-After, not 401', async () => {
    const { service, network, call } = await startApi();
    const { access_token } = await service.create();
    network.isDown = true;
    const response = await call(`Bearer ${access_token}`);
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '5']);
  });
});
