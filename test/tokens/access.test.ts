/** Access tokens: RFC 9068, verified strictly, without a database. */
import { env } from 'cloudflare:test';
import {
  base64url,
  CompactSign,
  decodeJwt,
  decodeProtectedHeader,
  exportJWK,
  generateKeyPair,
  type JWK,
} from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config/config';
import { deriveKeyring } from '../../src/crypto';
import { DEFAULT_HOME, openHome } from '../../src/db/d1';
import { newAccess } from '../../src/db/d1-access';
import { RESERVED_CLAIMS } from '../../src/tokens/access-token';
import { findSigningKey, loadKeySet, type SigningKey } from '../../src/tokens/signing-keys';
import {
  APP,
  AUDIENCE,
  BACKEND,
  basic,
  ISSUER,
  START,
  startService,
  type TestService,
} from '../fixtures';
import { USER } from '../people';

const NOW = START / 1000;

const encode = (value: unknown) => base64url.encode(JSON.stringify(value));
const utf8 = (text: string) => new TextEncoder().encode(text);

async function signingKeyOf({ env, clock }: TestService): Promise<SigningKey> {
  const config = parseConfig(env);
  const keyring = await deriveKeyring(config.sessionSecret, config.previousSessionSecret);
  const home = openHome(
    { name: DEFAULT_HOME, binding: env.DB, timeoutMs: config.d1TimeoutMs },
    newAccess(),
  );
  return findSigningKey(
    await loadKeySet(home, keyring, { policy: config.signingKeys, now: clock.now }),
    clock.now,
  ) as SigningKey;
}

async function jwksOf(service: TestService): Promise<JWK[]> {
  const response = await service.request('/.well-known/jwks.json');
  return ((await response.json()) as { keys: JWK[] }).keys;
}

let service: TestService;
let key: SigningKey;
let claims: Record<string, unknown>;
let header: Record<string, unknown>;
let good: string;
let attacker: CryptoKeyPair;
let attackerJwk: JWK;

beforeAll(async () => {
  service = await startService();
  good = (await service.create({ user_id: USER })).access_token;
  key = await signingKeyOf(service);
  claims = decodeJwt(good);
  header = { ...decodeProtectedHeader(good) };
  attacker = (await generateKeyPair('EdDSA', { extractable: true })) as CryptoKeyPair;
  attackerJwk = await exportJWK(attacker.publicKey);
});

/** A token signed with the real key, whatever it says. */
async function signed(
  payload: string | object,
  changes: Record<string, unknown> = {},
): Promise<string> {
  const input = `${encode({ ...header, ...changes })}.${base64url.encode(typeof payload === 'string' ? payload : JSON.stringify(payload))}`;
  const signature = await crypto.subtle.sign('Ed25519', key.privateKey, utf8(input));
  return `${input}.${base64url.encode(new Uint8Array(signature))}`;
}

async function statusOf(token: string): Promise<number> {
  return (await service.bearer('GET', '/v1/sessions/current', token)).status;
}

async function expectRefused(token: string): Promise<void> {
  service.database.roundTrips = 0;
  expect(await statusOf(token)).toBe(401);
  expect(service.database.roundTrips).toBe(0);
}

describe('what is issued', () => {
  it('has the header and the claims of RFC 9068 and no others', async () => {
    const { session, access_token } = await service.create({
      user_id: USER,
      auth_time: NOW - 60,
      amr: ['pwd', 'otp'],
    });
    expect(decodeProtectedHeader(access_token)).toEqual({
      alg: 'EdDSA',
      typ: 'at+jwt',
      kid: (await jwksOf(service))[0]?.kid,
    });
    expect(decodeJwt(access_token)).toEqual({
      iss: ISSUER,
      aud: AUDIENCE,
      sub: USER,
      client_id: APP,
      iat: NOW,
      exp: NOW + 300,
      jti: expect.stringMatching(/^[0-9a-f-]{36}$/),
      sid: session.id,
      home: DEFAULT_HOME,
      auth_time: NOW - 60,
      amr: ['pwd', 'otp'],
    });
    expect(access_token.length).toBeLessThan(1024);
  });

  it('is another token each time', async () => {
    const jtis = await Promise.all(
      Array.from(
        { length: 20 },
        async () => decodeJwt((await service.create({ user_id: USER })).access_token).jti,
      ),
    );
    expect(new Set(jtis).size).toBe(20);
  });

  it("a guest's subject is its session", async () => {
    const { session, access_token } = await service.create();
    expect(decodeJwt(access_token)).toMatchObject({
      sub: session.id,
      sid: session.id,
      guest: true,
    });
    expect(await statusOf(access_token)).toBe(200);
  });

  it('custom claims are in every access token of the session', async () => {
    const custom = {
      plan: 'gold',
      'https://example.com/tenant': { id: 7, tags: ['a', null, true] },
    };
    const { access_token, refresh_token } = await service.create({ user_id: USER, claims: custom });
    expect(decodeJwt(access_token)).toMatchObject(custom);
    const { body } = await service.refresh(refresh_token);
    expect(decodeJwt(body.access_token)).toMatchObject({ ...custom, sub: USER });
  });

  it.each([...RESERVED_CLAIMS])('the claim %s cannot be set', async (name) => {
    service.database.roundTrips = 0;
    const response = await service.request('/v1/sessions', {
      method: 'POST',
      body: `{"client_id":"${APP}","claims":{"ok":1,"${name}":"mine"}}`,
      headers: { 'content-type': 'application/json', authorization: basic(BACKEND) },
    });
    expect(response.status).toBe(400);
    expect(service.database.roundTrips).toBe(0);
  });

  it('a token of a release before introspects without names that are reserved now', async () => {
    const token = await signed({ ...claims, username: 'root', scope: 'admin', plan: 'gold' });
    const answer = await service.form('/oauth/introspect', { token }, service.credentials);
    const introspection = await answer.json<Record<string, unknown>>();
    expect(introspection).toMatchObject({ active: true, sub: USER, plan: 'gold' });
    expect(Object.keys(introspection)).not.toContain('username');
    expect(Object.keys(introspection)).not.toContain('scope');
  });

  it('does not outlive its session', async () => {
    const { access_token, expires_in } = await service.create({ user_id: USER, expires_in: 100 });
    expect(expires_in).toBe(100);
    expect(decodeJwt(access_token).exp).toBe(NOW + 100);
  });
});

describe('what it costs', () => {
  it('verifying asks no database: the route alone does, once', async () => {
    service.database.roundTrips = 0;
    expect(await statusOf(good)).toBe(200);
    expect(service.database.roundTrips).toBe(1);
  });

  it('a token signed with the real key, as this file makes them, is accepted', async () => {
    expect(await statusOf(await signed(claims))).toBe(200);
  });
});

describe('the signature', () => {
  it('each single altered character is noticed', async () => {
    service.database.roundTrips = 0;
    for (let position = 0; position < good.length - 1; position += 5) {
      const other = good[position] === 'B' ? 'C' : 'B';
      expect(await statusOf(good.slice(0, position) + other + good.slice(position + 1))).toBe(401);
    }
    expect(service.database.roundTrips).toBe(0);
  });

  it.each(['none', 'None', 'nOnE', 'NONE', ''])(
    'alg %j is refused, with and without a signature',
    async (alg) => {
      await expectRefused(`${encode({ ...header, alg })}.${encode(claims)}.`);
      await expectRefused(`${encode({ ...header, alg })}.${encode(claims)}`);
      await expectRefused(`${encode({ ...header, alg })}.${encode(claims)}.${good.split('.')[2]}`);
      await expectRefused(await signed(claims, { alg }));
    },
  );

  it.each(['RS256', 'PS256', 'ES256', 'ES384', 'Ed25519', 'HS256', 'HS512', 'dir', 'eddsa'])(
    'alg %s is refused for a key of another algorithm',
    async (alg) => {
      await expectRefused(await signed(claims, { alg }));
    },
  );

  it.each(['HS256', 'HS384', 'HS512'])(
    '%s with anything public as the secret is refused',
    async (alg) => {
      const [jwk] = await jwksOf(service);
      const { x } = jwk as { x: string };
      const { kid, alg: _, use: __, ...bare } = jwk as JWK;
      const secrets = [JSON.stringify(jwk), JSON.stringify(bare), x, kid as string].map(utf8);
      for (const secret of [...secrets, base64url.decode(x)]) {
        const hash = `SHA-${alg.slice(2)}`;
        const hmac = await crypto.subtle.importKey('raw', secret, { name: 'HMAC', hash }, false, [
          'sign',
        ]);
        const input = `${encode({ ...header, alg })}.${encode(claims)}`;
        const mac = new Uint8Array(await crypto.subtle.sign('HMAC', hmac, utf8(input)));
        await expectRefused(`${input}.${base64url.encode(mac)}`);
      }
    },
  );

  it.each([
    ['empty', 0],
    ['zeros', 64],
    ['too short', 63],
    ['too long', 65],
  ])('a signature that is %s is refused', async (_, length) => {
    const [head, body] = good.split('.');
    await expectRefused(`${head}.${body}.${base64url.encode(new Uint8Array(length))}`);
  });

  it("an attacker's key under the real kid is refused", async () => {
    const token = await new CompactSign(utf8(JSON.stringify(claims)))
      .setProtectedHeader({ ...header, alg: 'EdDSA' })
      .sign(attacker.privateKey);
    await expectRefused(token);
  });
});

describe('keys in the header', () => {
  it.each(['jwk', 'jku', 'x5u', 'x5c', 'x5t'])(
    "%s with an attacker's key is ignored",
    async (name) => {
      const values: Record<string, unknown> = {
        jwk: attackerJwk,
        jku: 'https://attacker.example/jwks.json',
        x5u: 'https://attacker.example/cert.pem',
        x5c: ['MIIB'],
        x5t: 'AAAA',
      };
      const forge = (kid: unknown) => {
        const input = `${encode({ alg: 'EdDSA', typ: 'at+jwt', kid, [name]: values[name] })}.${encode(claims)}`;
        return crypto.subtle
          .sign('Ed25519', attacker.privateKey, utf8(input))
          .then((signature) => `${input}.${base64url.encode(new Uint8Array(signature))}`);
      };
      const fetchBefore = globalThis.fetch;
      let fetches = 0;
      globalThis.fetch = async () => {
        fetches += 1;
        return Response.json({ keys: [attackerJwk] });
      };
      await expectRefused(await forge(key.kid));
      await expectRefused(await forge(undefined));
      await expectRefused(await forge('attacker'));
      globalThis.fetch = fetchBefore;
      expect(fetches).toBe(0);
    },
  );

  it.each([[['exp']], [['x']], [[]], ['x'], [['b64']]])(
    'crit %j is refused, even signed with the real key',
    async (crit) => {
      await expectRefused(await signed(claims, { crit, x: 1, exp: 1 }));
    },
  );

  it('an unencoded payload (RFC 7797) is refused', async () => {
    await expectRefused(await signed(claims, { crit: ['b64'], b64: false }));
  });
});

describe('kid', () => {
  it.each([
    ['../../', '../../'],
    ['a quote', "' OR 1=1 --"],
    ['__proto__', '__proto__'],
    ['constructor', 'constructor'],
    ['empty', ''],
    ['absent', undefined],
    ['null', null],
    ['a number', 0],
    ['an object', {}],
    ['very long', 'k'.repeat(7000)],
  ])('%s is refused', async (_, kid) => {
    await expectRefused(await signed(claims, { kid }));
  });

  it('in an array, in other letters or with a space it is another', async () => {
    await expectRefused(await signed(claims, { kid: [key.kid] }));
    await expectRefused(await signed(claims, { kid: key.kid.toLowerCase() }));
    await expectRefused(await signed(claims, { kid: `${key.kid} ` }));
    await expectRefused(await signed(claims, { kid: key.kid.slice(0, -1) }));
  });
});

describe('times', () => {
  it('exp is exact: good in the last second, refused from exp on', async () => {
    expect(await statusOf(await signed({ ...claims, exp: NOW + 1 }))).toBe(200);
    await expectRefused(await signed({ ...claims, exp: NOW }));
    await expectRefused(await signed({ ...claims, exp: NOW - 1 }));
  });

  it.each(['"9999999999"', 'null', '-1', '1e308', '1e400', 'NaN', 'true', '[9999999999]', '{}'])(
    'exp %s is refused',
    async (exp) => {
      await expectRefused(
        await signed(JSON.stringify({ ...claims, exp: 1 }).replace('"exp":1', `"exp":${exp}`)),
      );
    },
  );

  it('iat may be ahead by the skew of clocks and no more', async () => {
    expect(await statusOf(await signed({ ...claims, iat: NOW + 60 }))).toBe(200);
    await expectRefused(await signed({ ...claims, iat: NOW + 61 }));
    await expectRefused(await signed({ ...claims, iat: 1e12 }));
  });

  it.each(['"1"', 'null', '{}', '1e400'])('iat %s is refused', async (iat) => {
    await expectRefused(
      await signed(JSON.stringify({ ...claims, iat: 1 }).replace('"iat":1', `"iat":${iat}`)),
    );
  });

  it('nbf is honoured', async () => {
    expect(await statusOf(await signed({ ...claims, nbf: NOW }))).toBe(200);
    await expectRefused(await signed({ ...claims, nbf: NOW + 61 }));
    await expectRefused(await signed({ ...claims, nbf: '1' }));
  });
});

describe('typ', () => {
  it.each([
    'JWT',
    'rt+jwt',
    'dpop+jwt',
    'statuslist+jwt',
    'logout+jwt',
    'id_token',
    '',
    undefined,
    null,
    ['at+jwt'],
  ])('%j is refused', async (typ) => {
    await expectRefused(await signed(claims, { typ }));
  });

  it.each(['at+jwt', 'AT+JWT', 'application/at+jwt'])(
    '%s is the same media type (RFC 9068 §4)',
    async (typ) => {
      expect(await statusOf(await signed(claims, { typ }))).toBe(200);
    },
  );
});

describe('who it is from and for', () => {
  it.each([
    AUDIENCE.slice(0, -1),
    `${AUDIENCE}x`,
    `${AUDIENCE}/`,
    AUDIENCE.toUpperCase(),
    '',
    null,
    [],
    ['urn:other'],
    [[AUDIENCE]],
    { 0: AUDIENCE },
  ])('aud %j is refused', async (aud) => {
    await expectRefused(await signed({ ...claims, aud }));
  });

  it('aud may be a list that this audience is in', async () => {
    expect(await statusOf(await signed({ ...claims, aud: ['urn:other', AUDIENCE] }))).toBe(200);
  });

  it.each([
    `${ISSUER}/`,
    ISSUER.slice(0, -1),
    `${ISSUER}.attacker.example`,
    'http://sessions.example',
    '',
    null,
    [ISSUER],
  ])('iss %j is refused', async (iss) => {
    await expectRefused(await signed({ ...claims, iss }));
  });

  it.each(['iss', 'sub', 'aud', 'exp', 'iat', 'jti', 'client_id', 'sid'])(
    'no token goes without %s',
    async (name) => {
      await expectRefused(await signed({ ...claims, [name]: undefined }));
    },
  );

  it.each(['[]', 'null', '"text"', '1', '', '{'])(
    'a payload that is %j is refused',
    async (payload) => {
      await expectRefused(await signed(payload));
    },
  );
});

describe('its size and form', () => {
  it('20 KB is refused, even when the signature is good', async () => {
    await expectRefused('a'.repeat(20_000));
    await expectRefused(`${good}${'A'.repeat(20_000)}`);
    await expectRefused(await signed({ ...claims, padding: 'x'.repeat(20_000) }));
  });

  it.each(['', '.', '..', '...', 'a.b', 'a.b.c.d', '%', 'é', '{}'])(
    '%j is refused',
    async (token) => {
      await expectRefused(token);
    },
  );
});

describe('ES256 by configuration', () => {
  it('signs with P-256, 64 bytes of signature, under a key of its own', async () => {
    await env.DB.exec('DELETE FROM signing_keys');
    const es256 = await startService({ ACCESS_TOKEN_ALG: 'ES256' });
    const { access_token } = await es256.create({ user_id: USER });
    const [jwk, ...others] = await jwksOf(es256);
    expect(others).toEqual([]);
    expect(jwk).toMatchObject({ kty: 'EC', crv: 'P-256', alg: 'ES256', use: 'sig' });
    expect(decodeProtectedHeader(access_token)).toEqual({
      alg: 'ES256',
      typ: 'at+jwt',
      kid: jwk?.kid,
    });
    const [head, body, signature] = access_token.split('.') as [string, string, string];
    expect(base64url.decode(signature)).toHaveLength(64);
    expect((await es256.bearer('GET', '/v1/sessions/current', access_token)).status).toBe(200);

    const der = new Uint8Array([0x30, 6, 2, 1, 1, 2, 1, 1]);
    for (const bytes of [new Uint8Array(64), new Uint8Array(63), new Uint8Array(0), der]) {
      const token = `${head}.${body}.${base64url.encode(bytes)}`;
      expect((await es256.bearer('GET', '/v1/sessions/current', token)).status).toBe(401);
    }
    for (const alg of ['EdDSA', 'RS256', 'ES384', 'HS256', 'none']) {
      const token = `${encode({ ...decodeProtectedHeader(access_token), alg })}.${body}.${signature}`;
      expect((await es256.bearer('GET', '/v1/sessions/current', token)).status).toBe(401);
    }
  });
});
