/**
 * Refresh tokens: what is not authentic is refused without asking a database, and says nothing of
 * why.
 */
import { env } from 'cloudflare:test';
import { base64url, SignJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import { deriveKeyring, randomSecret } from '../../src/crypto';
import { DEFAULT_HOME } from '../../src/db/d1';
import { issueRefreshToken } from '../../src/tokens/refresh-token';
import { APP, readRow, START, startService, type TestService, type Tokens } from '../fixtures';
import { USER } from '../people';

const GRACE = 30;
const FIRST_SECRET = 'the-first-session-secret-0123456789-abcdef';
const SECOND_SECRET = 'the-second-session-secret-9876543210-fedcba';

interface Claims {
  sid: string;
  home: string;
  secret: string;
  exp?: number;
}

const encode = (value: unknown) => base64url.encode(JSON.stringify(value));
const partsOf = (token: string) => token.slice('v2.'.length).split('.') as [string, string, string];
const claimsOf = (token: string): Claims =>
  JSON.parse(new TextDecoder().decode(base64url.decode(partsOf(token)[1])));
const keyringOf = (service: TestService) =>
  deriveKeyring(service.env.SESSION_SECRET as string, null);
const withHeader = (token: string, header: object) =>
  `v2.${[encode(header), ...partsOf(token).slice(1)].join('.')}`;

async function sign(
  service: TestService,
  header: Record<string, unknown>,
  claims: object,
): Promise<string> {
  const { refreshMac } = (await keyringOf(service)).current;
  const input = `${encode(header)}.${encode(claims)}`;
  const mac = await crypto.subtle.sign('HMAC', refreshMac, new TextEncoder().encode(input));
  return `v2.${input}.${base64url.encode(new Uint8Array(mac))}`;
}

/** Each makes a token that this service never issued out of two that it did. */
const FORGERIES: Record<
  string,
  (one: Tokens, two: Tokens, service: TestService) => string | Promise<string>
> = {
  'a random string': () => randomSecret(),
  'only the prefix': () => 'v2.',
  'three empty parts': () => 'v2...',
  'no prefix': ({ refresh_token }) => refresh_token.slice('v2.'.length),
  'the prefix of another version': ({ refresh_token }) => refresh_token.replace('v2.', 'v1.'),
  'characters outside base64url': () => 'v2.\u{1f600}.%00.\n',
  'a leading space': ({ refresh_token }) => ` ${refresh_token}`,
  'a byte after the end': ({ refresh_token }) => `${refresh_token}A`,
  'a truncated signature': ({ refresh_token }) => refresh_token.slice(0, -8),
  'half of it': ({ refresh_token }) => refresh_token.slice(0, refresh_token.length / 2),
  'no signature': ({ refresh_token }) => refresh_token.slice(0, refresh_token.lastIndexOf('.') + 1),
  'a signature of zeros': ({ refresh_token }) =>
    refresh_token.slice(0, refresh_token.lastIndexOf('.') + 1) + 'A'.repeat(43),
  'an altered byte of the payload': ({ refresh_token }) => {
    const [header, payload, signature] = partsOf(refresh_token);
    return `v2.${header}.${payload.startsWith('e') ? 'f' : 'e'}${payload.slice(1)}.${signature}`;
  },
  'another secret in the payload': ({ refresh_token }) => {
    const [header, , signature] = partsOf(refresh_token);
    return `v2.${header}.${encode({ ...claimsOf(refresh_token), secret: randomSecret() })}.${signature}`;
  },
  'a later exp': ({ refresh_token }) => {
    const [header, , signature] = partsOf(refresh_token);
    return `v2.${header}.${encode({ ...claimsOf(refresh_token), exp: 9_999_999_999 })}.${signature}`;
  },
  'the session id of another session': ({ refresh_token }, two) => {
    const [header, , signature] = partsOf(refresh_token);
    return `v2.${header}.${encode({ ...claimsOf(refresh_token), sid: claimsOf(two.refresh_token).sid })}.${signature}`;
  },
  'the payload of another token': ({ refresh_token }, two) => {
    const [header, , signature] = partsOf(refresh_token);
    return `v2.${header}.${partsOf(two.refresh_token)[1]}.${signature}`;
  },
  'another kid': ({ refresh_token }) =>
    withHeader(refresh_token, { alg: 'HS256', typ: 'rt+jwt', kid: 'AAAAAAAAAAA' }),
  'no kid': ({ refresh_token }) => withHeader(refresh_token, { alg: 'HS256', typ: 'rt+jwt' }),
  'kid __proto__': ({ refresh_token }) =>
    withHeader(refresh_token, { alg: 'HS256', typ: 'rt+jwt', kid: '__proto__' }),
  'kid an array': async ({ refresh_token }, _, service) =>
    withHeader(refresh_token, {
      alg: 'HS256',
      typ: 'rt+jwt',
      kid: [(await keyringOf(service)).current.id],
    }),
  ...Object.fromEntries(
    ['none', 'None', 'nOnE', '', 'RS256', 'ES256', 'EdDSA', 'HS512', 'hs256'].map((alg) => [
      `alg ${alg || 'empty'} under the right kid`,
      async ({ refresh_token }: Tokens, _: Tokens, service: TestService) =>
        withHeader(refresh_token, {
          alg,
          typ: 'rt+jwt',
          kid: (await keyringOf(service)).current.id,
        }),
    ]),
  ),
  'alg none with an empty signature': async ({ refresh_token }, _, service) => {
    const header = encode({
      alg: 'none',
      typ: 'rt+jwt',
      kid: (await keyringOf(service)).current.id,
    });
    return `v2.${header}.${partsOf(refresh_token)[1]}.`;
  },
  'alg none signed with the real key': async ({ refresh_token }, _, service) =>
    sign(
      service,
      { alg: 'none', typ: 'rt+jwt', kid: (await keyringOf(service)).current.id },
      claimsOf(refresh_token),
    ),
  'the typ of an access token, signed with the real key': async ({ refresh_token }, _, service) =>
    sign(
      service,
      { alg: 'HS256', typ: 'at+jwt', kid: (await keyringOf(service)).current.id },
      claimsOf(refresh_token),
    ),
  'no typ, signed with the real key': async ({ refresh_token }, _, service) =>
    sign(
      service,
      { alg: 'HS256', kid: (await keyringOf(service)).current.id },
      claimsOf(refresh_token),
    ),
  'an unknown crit, signed with the real key': async ({ refresh_token }, _, service) =>
    sign(
      service,
      {
        alg: 'HS256',
        typ: 'rt+jwt',
        kid: (await keyringOf(service)).current.id,
        crit: ['x'],
        x: 1,
      },
      claimsOf(refresh_token),
    ),
  'the key of another SESSION_SECRET': async ({ refresh_token }) => {
    const { sid, home, secret } = claimsOf(refresh_token);
    const keyring = await deriveKeyring(SECOND_SECRET, null);
    return issueRefreshToken(keyring, { sessionId: sid, home, secret, expiresAt: null });
  },
  'the key of another SESSION_SECRET under the right kid': async (
    { refresh_token },
    _,
    service,
  ) => {
    const { current } = await deriveKeyring(SECOND_SECRET, null);
    const jwt = new SignJWT({ ...claimsOf(refresh_token) }).setProtectedHeader({
      alg: 'HS256',
      typ: 'rt+jwt',
      kid: (await keyringOf(service)).current.id,
    });
    return `v2.${await jwt.sign(current.refreshMac)}`;
  },
  'SESSION_SECRET itself as the key': async ({ refresh_token }, _, service) => {
    const jwt = new SignJWT({ ...claimsOf(refresh_token) }).setProtectedHeader({
      alg: 'HS256',
      typ: 'rt+jwt',
      kid: (await keyringOf(service)).current.id,
    });
    return `v2.${await jwt.sign(new TextEncoder().encode(service.env.SESSION_SECRET))}`;
  },
  'another key derived from SESSION_SECRET': async ({ refresh_token }, _, service) => {
    const { current } = await keyringOf(service);
    const jwt = new SignJWT({ ...claimsOf(refresh_token) }).setProtectedHeader({
      alg: 'HS256',
      typ: 'rt+jwt',
      kid: current.id,
    });
    return `v2.${await jwt.sign(current.ratchet)}`;
  },
  'the public signing key as a MAC key': async ({ refresh_token }, _, service) => {
    const { keys } = (await (await service.request('/.well-known/jwks.json')).json()) as {
      keys: { x: string }[];
    };
    const jwt = new SignJWT({ ...claimsOf(refresh_token) }).setProtectedHeader({
      alg: 'HS256',
      typ: 'rt+jwt',
      kid: (await keyringOf(service)).current.id,
    });
    return `v2.${await jwt.sign(base64url.decode(keys[0]?.x as string))}`;
  },
  'an access token': ({ access_token }) => access_token,
  'an access token behind the prefix': ({ access_token }) => `v2.${access_token}`,
  'a token of more than 1024 characters': ({ refresh_token }) => refresh_token + 'A'.repeat(1024),
};

describe('a token that this service did not issue', () => {
  it.each(Object.keys(FORGERIES))('%s is refused without a database call', async (name) => {
    const service = await startService();
    const one = await service.create({ user_id: USER });
    const two = await service.create({ user_id: USER });
    const forge = FORGERIES[name] as (typeof FORGERIES)[string];
    const forged = await forge(one, two, service);
    service.database.roundTrips = 0;
    const { status, body } = await service.refresh(forged);
    expect(status).toBe(400);
    expect(body).toEqual({
      error: 'invalid_grant',
      error_description: 'The refresh token is not valid',
    });
    expect(service.database.roundTrips).toBe(0);
    expect((await service.refresh(one.refresh_token)).status).toBe(200);
    expect((await service.refresh(two.refresh_token)).status).toBe(200);
  });

  it('costs no database call on a cold isolate either', async () => {
    const { refresh_token } = await (await startService()).create({ user_id: USER });
    const cold = await startService();
    expect((await cold.refresh(`${refresh_token.slice(0, -4)}AAAA`)).status).toBe(400);
    expect(cold.database.roundTrips).toBe(0);
  });

  it('each single altered character is noticed', async () => {
    const service = await startService();
    const { refresh_token } = await service.create({ user_id: USER });
    service.database.roundTrips = 0;
    // The last character of a base64url part has unused bits, so every other character is tried.
    for (let position = 0; position < refresh_token.length - 1; position += 3) {
      const other = refresh_token[position] === 'B' ? 'C' : 'B';
      const altered = refresh_token.slice(0, position) + other + refresh_token.slice(position + 1);
      expect((await service.refresh(altered)).body.error).toBe('invalid_grant');
    }
    expect(service.database.roundTrips).toBe(0);
  });

  it('an empty one is a missing parameter, and 1 MB is refused unread', async () => {
    const service = await startService();
    await service.create();
    service.database.roundTrips = 0;
    expect(await service.refresh('')).toMatchObject({
      status: 400,
      body: { error: 'invalid_request' },
    });
    expect(await service.refresh('v2.'.padEnd(1_000_000, 'A'))).toMatchObject({
      status: 413,
      body: { error: 'invalid_request' },
    });
    expect(service.database.roundTrips).toBe(0);
  });

  it('an access token is no refresh token and a refresh token no access token', async () => {
    const service = await startService();
    const { refresh_token, access_token } = await service.create({ user_id: USER });
    service.database.roundTrips = 0;
    expect((await service.refresh(access_token)).status).toBe(400);
    expect((await service.bearer('GET', '/v1/sessions/current', refresh_token)).status).toBe(401);
    expect(
      (await service.bearer('GET', '/v1/sessions/current', refresh_token.slice(3))).status,
    ).toBe(401);
    expect(service.database.roundTrips).toBe(0);
  });

  it('one that names an unknown home is refused like a forged one', async () => {
    const service = await startService();
    const { session } = await service.create({ user_id: USER });
    const token = await issueRefreshToken(await keyringOf(service), {
      sessionId: session.id,
      home: 'elsewhere',
      secret: randomSecret(),
      expiresAt: null,
    });
    service.database.roundTrips = 0;
    const { status, body } = await service.refresh(token);
    expect(status).toBe(400);
    expect(body).toEqual({
      error: 'invalid_grant',
      error_description: 'The refresh token is not valid',
    });
    expect(service.database.roundTrips).toBe(0);
  });
});

describe('an authentic token past its absolute limit', () => {
  it('is refused without a database call, and its holder is told why', async () => {
    const service = await startService({ SESSION_LIFETIME_SECONDS: '600' });
    const { refresh_token } = await service.create({ user_id: USER });
    expect(claimsOf(refresh_token).exp).toBe(START / 1000 + 600);
    service.database.roundTrips = 0;
    service.advance(600);
    expect(await service.refresh(refresh_token)).toMatchObject({
      status: 400,
      body: { error: 'invalid_grant', reason: 'expired_absolute' },
    });
    expect(service.database.roundTrips).toBe(0);
  });

  it('says nothing when it is not authentic', async () => {
    const service = await startService({ SESSION_LIFETIME_SECONDS: '600' });
    const { refresh_token } = await service.create({ user_id: USER });
    service.advance(600);
    expect(
      (await service.refresh(`${refresh_token.slice(0, -4)}AAAA`)).body.reason,
    ).toBeUndefined();
  });
});

describe('the database in the wrong hands', () => {
  async function dump(): Promise<string> {
    const { results: tables } = await env.DB.prepare(
      "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\'",
    ).all<{ name: string }>();
    const contents = await Promise.all(
      tables.map(({ name }) => env.DB.prepare(`SELECT * FROM "${name}"`).all()),
    );
    return JSON.stringify(contents.map(({ results }) => results));
  }

  it('holds no token, no secret and no part that is enough to make one', async () => {
    const service = await startService();
    const created = await service.create(
      { user_id: USER },
      { 'idempotency-key': crypto.randomUUID() },
    );
    const guest = await service.create();
    service.advance(GRACE);
    const { body: refreshed } = await service.refresh(created.refresh_token);
    const dumped = await dump();
    expect(dumped).toContain(created.session.id);
    for (const { refresh_token, access_token } of [created, guest, refreshed]) {
      const { secret } = claimsOf(refresh_token);
      expect(secret).toMatch(/^[\w-]{43}$/);
      const signature = partsOf(refresh_token)[2];
      for (const clear of [
        refresh_token,
        access_token,
        secret,
        signature,
        access_token.split('.')[2] as string,
      ]) {
        expect(dumped).not.toContain(clear);
      }
    }
    expect(dumped).not.toContain(service.env.SESSION_SECRET);
  });

  it('a stored hash is no token, and no secret of one', async () => {
    const service = await startService();
    const { session, refresh_token } = await service.create({ user_id: USER });
    const hash = (await readRow(session.id))?.refresh_token as string;
    service.database.roundTrips = 0;
    const [header, , signature] = partsOf(refresh_token);
    const swapped = `v2.${header}.${encode({ ...claimsOf(refresh_token), secret: hash })}.${signature}`;
    for (const token of [hash, `v2.${hash}`, `${session.id}.${hash}`, swapped]) {
      expect((await service.refresh(token)).body).toEqual({
        error: 'invalid_grant',
        error_description: 'The refresh token is not valid',
      });
    }
    expect(service.database.roundTrips).toBe(0);
    expect((await service.refresh(refresh_token)).status).toBe(200);
  });

  it('a stored hash is no secret even to who can sign tokens', async () => {
    const service = await startService();
    const { session } = await service.create({ user_id: USER });
    const hash = (await readRow(session.id))?.refresh_token as string;
    const token = await issueRefreshToken(await keyringOf(service), {
      sessionId: session.id,
      home: DEFAULT_HOME,
      secret: hash,
      expiresAt: null,
    });
    const { status, body } = await service.refresh(token);
    expect(status).toBe(400);
    expect(body).toMatchObject({ error: 'invalid_grant', reason: 'reuse_detected' });
    expect(body.refresh_token).toBeUndefined();
  });
});

describe('what a token is made of', () => {
  it('the same input gives the same token, byte for byte', async () => {
    const input = {
      sessionId: crypto.randomUUID(),
      home: DEFAULT_HOME,
      secret: randomSecret(),
      expiresAt: new Date(START),
    };
    const tokens = await Promise.all(
      Array.from({ length: 5 }, async () =>
        issueRefreshToken(await deriveKeyring(FIRST_SECRET, null), input),
      ),
    );
    expect(new Set(tokens).size).toBe(1);
    const other = await issueRefreshToken(await deriveKeyring(SECOND_SECRET, null), input);
    expect(other).not.toBe(tokens[0]);
    expect(other.length).toBeLessThan(512);
  });

  it('says which session, where, until when, and nothing of the person', async () => {
    const service = await startService();
    const { session, refresh_token } = await service.create({
      user_id: USER,
      ip_address: '203.0.113.7',
      user_agent: 'Browser/1.0',
      claims: { plan: 'gold' },
    });
    expect(claimsOf(refresh_token)).toEqual({
      sid: session.id,
      home: DEFAULT_HOME,
      secret: expect.stringMatching(/^[\w-]{43}$/),
      exp: START / 1000 + 30 * 86_400,
    });
  });

  it('secrets are 256 random bits: none of 100,000 comes twice', () => {
    const secrets = Array.from({ length: 100_000 }, randomSecret);
    expect(new Set(secrets).size).toBe(100_000);
    expect(secrets.every((secret) => /^[A-Za-z0-9_-]{43}$/.test(secret))).toBe(true);
  });
});

describe('replacing SESSION_SECRET', () => {
  async function startServices() {
    const clock = { now: START };
    const [before, during, lagging, after] = await Promise.all([
      startService({ SESSION_SECRET: FIRST_SECRET }, clock),
      startService({ SESSION_SECRET: SECOND_SECRET, SESSION_SECRET_PREVIOUS: FIRST_SECRET }, clock),
      startService({ SESSION_SECRET: FIRST_SECRET, SESSION_SECRET_PREVIOUS: SECOND_SECRET }, clock),
      startService({ SESSION_SECRET: SECOND_SECRET }, clock),
    ]);
    return { clock, before, during, lagging, after };
  }

  it('signs nobody out: tokens of the old secret go on under the new one alone', async () => {
    const { before, during, after } = await startServices();
    const { refresh_token: first } = await before.create({ user_id: USER });
    const { body: second } = await before.refresh(first);
    before.advance(GRACE);
    const third = await during.refresh(second.refresh_token);
    expect(third.status).toBe(200);
    before.advance(GRACE);
    const fourth = await after.refresh(third.body.refresh_token);
    expect(fourth.status).toBe(200);
    before.advance(GRACE);
    expect((await after.refresh(fourth.body.refresh_token)).status).toBe(200);
  });

  it('a token rotated under the old secret and repeated under the new one gives the same successor', async () => {
    const { before, during } = await startServices();
    const { session, refresh_token: first } = await before.create({ user_id: USER });
    const { body: second } = await before.refresh(first);
    const repeated = await during.refresh(first);
    expect(repeated.status).toBe(200);
    expect(claimsOf(repeated.body.refresh_token).secret).toBe(
      claimsOf(second.refresh_token).secret,
    );
    before.advance(GRACE);
    expect((await during.refresh(repeated.body.refresh_token)).status).toBe(200);
    expect(await readRow(session.id)).toMatchObject({ revoked_at: null });
  });

  it('isolates that still sign with the old secret take the tokens of the new one, both ways', async () => {
    const { during, lagging } = await startServices();
    let { refresh_token: token } = await during.create({ user_id: USER });
    for (const [one, other] of [
      [during, lagging],
      [lagging, during],
      [during, lagging],
    ] as const) {
      during.advance(GRACE);
      const rotated = await one.refresh(token);
      const repeated = await other.refresh(token);
      const kept = await other.refresh(rotated.body.refresh_token);
      expect([rotated, repeated, kept].map(({ status }) => status)).toEqual([200, 200, 200]);
      const secrets = [rotated, repeated, kept].map(
        ({ body }) => claimsOf(body.refresh_token).secret,
      );
      expect(new Set(secrets).size).toBe(1);
      token = repeated.body.refresh_token;
    }
  });

  it('races between isolates of both secrets have one successor', async () => {
    const { during, lagging } = await startServices();
    const { session, refresh_token } = await during.create({ user_id: USER });
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, racer) =>
        (racer % 2 === 0 ? during : lagging).refresh(refresh_token),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200));
    expect(new Set(answers.map(({ body }) => claimsOf(body.refresh_token).secret)).size).toBe(1);
    expect(await readRow(session.id)).toMatchObject({ revoked_at: null });
  });

  it('a token of a secret that is gone is refused without a database call', async () => {
    const { before, after } = await startServices();
    const { refresh_token } = await before.create({ user_id: USER });
    expect(await after.refresh(refresh_token, APP)).toMatchObject({
      status: 400,
      body: { error: 'invalid_grant' },
    });
    expect(after.database.roundTrips).toBe(0);
  });
});
