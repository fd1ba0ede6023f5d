/**
 * ACCESS_TOKEN_ALG: RS256 beside the others (RFC 9068 §2.1, RFC 7518 §3.3), and a live service
 * whose algorithm is changed.
 */
import { env } from 'cloudflare:test';
import { base64url, CompactSign, decodeProtectedHeader, importJWK, type JWK } from 'jose';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { SIGNING_ALGS } from '../../src/config/signing-key-policy';
import { runScheduled } from '../../src/scheduled';
import { verifierOf } from '../client/verifier';
import { START, startService, type TestService } from '../fixtures';
import { USER } from '../people';

const MINUTE = 60;
const HOUR = 3_600;
const DAY = 86_400;

let log = vi.spyOn(console, 'log');
beforeEach(async () => {
  for (const database of [env.DB, env.DB_WEUR as D1Database])
    await database.exec('DELETE FROM signing_keys; DELETE FROM user_sessions; DELETE FROM users');
  log = vi.spyOn(console, 'log').mockImplementation(() => {});
  return () => vi.restoreAllMocks();
});

const utf8 = (text: string) => new TextEncoder().encode(text);
const encode = (value: unknown) => base64url.encode(JSON.stringify(value));
const kidOf = (token: string) => decodeProtectedHeader(token).kid as string;
const algOf = (token: string) => decodeProtectedHeader(token).alg;
const isAccepted = async (service: TestService, token: string) =>
  (await service.bearer('GET', '/v1/sessions/current', token)).status === 200;

async function jwksOf(service: TestService): Promise<JWK[]> {
  const response = await service.request('/.well-known/jwks.json');
  return ((await response.json()) as { keys: JWK[] }).keys;
}

/** What the cron's line says of the signing keys. */
async function runCron(service: TestService): Promise<Record<string, unknown>> {
  log.mockClear();
  await runScheduled(service.env, service.clock.now);
  const lines = log.mock.calls.map(([line]) => JSON.parse(line) as Record<string, unknown>);
  return lines.find(({ event }) => event === 'scheduled')?.signing_keys as Record<string, unknown>;
}

describe('RS256 by configuration', () => {
  it('signs at+jwt with 2048 bits under the key’s thumbprint, and is good everywhere', async () => {
    const service = await startService({ ACCESS_TOKEN_ALG: 'RS256' });
    const { access_token } = await service.create({ user_id: USER });
    const [jwk, ...others] = await jwksOf(service);
    expect(others).toEqual([]);
    expect(jwk).toMatchObject({ kty: 'RSA', e: 'AQAB', alg: 'RS256', use: 'sig' });
    expect(base64url.decode(jwk?.n as string)).toHaveLength(2048 / 8);
    expect(decodeProtectedHeader(access_token)).toEqual({
      alg: 'RS256',
      typ: 'at+jwt',
      kid: jwk?.kid,
    });
    expect(base64url.decode(access_token.split('.')[2] as string)).toHaveLength(2048 / 8);
    expect(await isAccepted(service, access_token)).toBe(true);
    expect(await verifierOf(service).verify(access_token)).toMatchObject({ ok: true });
  });

  it('no other algorithm passes with its key: of RSA, of other kinds, HMAC, none', async () => {
    const service = await startService({ ACCESS_TOKEN_ALG: 'RS256' });
    const { access_token } = await service.create({ user_id: USER });
    const [, claims, signature] = access_token.split('.') as [string, string, string];
    const header = decodeProtectedHeader(access_token);
    const [jwk] = (await jwksOf(service)) as [JWK];
    const verifier = verifierOf(service);
    const expectRefused = async (token: string) => {
      expect(await isAccepted(service, token)).toBe(false);
      expect(await verifier.verify(token)).toMatchObject({ ok: false, error: 'invalid_token' });
    };
    for (const alg of ['PS256', 'RS384', 'RS512', 'RS1', 'EdDSA', 'ES256', 'HS256', 'none'])
      await expectRefused(`${encode({ ...header, alg })}.${claims}.${signature}`);
    await expectRefused(`${encode({ ...header, alg: 'none' })}.${claims}.`);
    await expectRefused(`${encode(header)}.${claims}.${base64url.encode(new Uint8Array(256))}`);
    const publicKey = (await importJWK(jwk, 'RS256', { extractable: true })) as CryptoKey;
    const spki = (await crypto.subtle.exportKey('spki', publicKey)) as ArrayBuffer;
    const der = btoa(String.fromCharCode(...new Uint8Array(spki)));
    const pem = `-----BEGIN PUBLIC KEY-----\n${der.replace(/(.{64})/g, '$1\n')}\n-----END PUBLIC KEY-----\n`;
    for (const secret of [pem, pem.trim(), JSON.stringify(jwk), jwk.n as string]) {
      const forged = await new CompactSign(base64url.decode(claims))
        .setProtectedHeader({ ...header, alg: 'HS256' })
        .sign(utf8(secret));
      await expectRefused(forged);
    }
  });

  it('twenty requests at once make its key once, though each finds none', async () => {
    const service = await startService({ ACCESS_TOKEN_ALG: 'RS256' });
    const generateKey = vi.spyOn(crypto.subtle, 'generateKey');
    const created = await Promise.all(
      Array.from({ length: 20 }, () => service.create({ user_id: USER })),
    );
    expect(generateKey).toHaveBeenCalledTimes(1);
    expect(new Set(created.map(({ access_token }) => kidOf(access_token))).size).toBe(1);
    expect(await jwksOf(service)).toHaveLength(1);
  });

  it('a compromised key is replaced by one of the same algorithm, in every home', async () => {
    const service = await startService({ ACCESS_TOKEN_ALG: 'RS256', DB_WEUR: env.DB_WEUR });
    const { access_token: stolen } = await service.create({ user_id: USER });
    await runCron(service);
    const response = await service.request('/v1/signing-keys/revoke', {
      method: 'POST',
      headers: { ...service.credentials, 'content-type': 'application/json' },
      body: JSON.stringify({ kid: kidOf(stolen) }),
    });
    const { signing } = (await response.json()) as { signing: string };
    expect(await jwksOf(service)).toMatchObject([{ kid: signing, alg: 'RS256' }]);
    const { access_token: fresh } = await service.create({ user_id: USER });
    expect([kidOf(fresh), algOf(fresh)]).toEqual([signing, 'RS256']);
    expect([await isAccepted(service, stolen), await isAccepted(service, fresh)]).toEqual([
      false,
      true,
    ]);
    const copies = await (env.DB_WEUR as D1Database)
      .prepare('SELECT kid, alg, revoked_at IS NULL AS good FROM signing_keys ORDER BY generation')
      .all();
    expect(copies.results).toEqual([
      { kid: kidOf(stolen), alg: 'RS256', good: 0 },
      { kid: signing, alg: 'RS256', good: 1 },
    ]);
  });
});

describe('an algorithm that is changed', () => {
  const pairs = SIGNING_ALGS.flatMap((from) =>
    SIGNING_ALGS.filter((to) => to !== from).map((to) => [from, to] as const),
  );

  it.each(pairs)(
    'from %s to %s: signs a day after the cron published it, and no token is ever refused',
    async (from, to) => {
      const clock = { now: START };
      const before = await startService({ ACCESS_TOKEN_ALG: from }, clock);
      const after = await startService({ ACCESS_TOKEN_ALG: to }, clock);
      const sessions = await Promise.all([before.create(), after.create()]);
      const refreshTokens = sessions.map(({ refresh_token }) => refresh_token);
      const verifiers = [before, after].map((service) => verifierOf(service));
      const report = await runCron(after);
      const changesAt = START + DAY * 1000;
      expect(report).toMatchObject({
        published: expect.any(String),
        alg_change: { from, to, at: new Date(changesAt).toISOString() },
      });
      let alive: { token: string; until: number }[] = [];
      while (clock.now < changesAt + 10 * MINUTE * 1000) {
        for (const [position, service] of [before, after].entries()) {
          const { body } = await service.refresh(refreshTokens[position] as string);
          refreshTokens[position] = body.refresh_token;
          expect(algOf(body.access_token)).toBe(clock.now < changesAt ? from : to);
          alive.push({ token: body.access_token, until: clock.now + 300_000 });
        }
        alive = alive.filter(({ until }) => until > clock.now);
        for (const { token } of alive) {
          for (const verifier of verifiers)
            expect(await verifier.verify(token)).toMatchObject({ ok: true });
          for (const service of [before, after])
            expect(await isAccepted(service, token)).toBe(true);
        }
        // Closer steps where the key changes.
        const ahead = (changesAt - clock.now) / 1000;
        const isNear = ahead <= 8 * MINUTE && ahead > -8 * MINUTE;
        clock.now += (isNear ? 100 : Math.min(2 * HOUR, Math.abs(ahead - 8 * MINUTE))) * 1000;
      }
      expect(await runCron(after)).toMatchObject({ published: null, purged: 1, alg_change: null });
      expect((await jwksOf(after)).map(({ alg }) => alg)).toEqual([to]);
    },
    60_000,
  );

  it('is announced by every cron until it happens, and by the list of keys', async () => {
    const clock = { now: START };
    await (await startService({}, clock)).create();
    const after = await startService({ ACCESS_TOKEN_ALG: 'RS256' }, clock);
    const first = await runCron(after);
    clock.now += 15 * MINUTE * 1000;
    expect(await runCron(after)).toMatchObject({ published: null, alg_change: first.alg_change });
    const { keys } = (await (await after.backend('GET', '/v1/signing-keys')).json()) as {
      keys: Record<string, unknown>[];
    };
    expect(keys).toMatchObject([
      { state: 'waiting', alg: 'RS256', activates_at: '2026-01-02T00:00:00Z' },
      { state: 'signing', alg: 'EdDSA' },
    ]);
  });

  /** A service that signs by EdDSA, and was told RS256 this many seconds ago. */
  async function changeAndWait(seconds: number) {
    const clock = { now: START };
    const service = await startService({}, clock);
    await service.create();
    await runCron(await startService({ ACCESS_TOKEN_ALG: 'RS256' }, clock));
    clock.now += seconds * 1000;
    return { clock, service };
  }
  /** By which algorithms it signs for the two days from now on, with a cron every two hours. */
  async function algsOf(service: TestService): Promise<unknown[]> {
    const algs: unknown[] = [];
    for (let hour = 0; hour < 50; hour += 2) {
      await runCron(service);
      const alg = algOf((await service.create()).access_token);
      if (algs.at(-1) !== alg) algs.push(alg);
      service.advance(2 * HOUR);
    }
    return algs;
  }

  it('and changed back before the new one signs, never signs by it', async () => {
    // Ten minutes (JWKS_MAX_AGE_SECONDS + 300 s) before: the last moment.
    const { service } = await changeAndWait(DAY - 600);
    expect(await runCron(service)).toMatchObject({
      published: expect.any(String),
      alg_change: null,
    });
    expect(await algsOf(service)).toEqual(['EdDSA']);
    expect((await jwksOf(service)).map(({ alg }) => alg)).toEqual(['EdDSA']);
  });

  it('and changed back too late for that, signs by it until the next key is known', async () => {
    const { service } = await changeAndWait(DAY - 599);
    expect(await runCron(service)).toMatchObject({ published: expect.any(String) });
    expect(await algsOf(service)).toEqual(['EdDSA', 'RS256', 'EdDSA']);
  });

  it('over and over, adds one key a cron at most, and ends with the last word', async () => {
    const clock = { now: START };
    const services = await Promise.all(
      SIGNING_ALGS.map((alg) => startService({ ACCESS_TOKEN_ALG: alg }, clock)),
    );
    await services[0]?.create();
    for (let turn = 1; turn <= 9; turn += 1) {
      await runCron(services[turn % 3] as TestService);
      clock.now += HOUR * 1000;
    }
    const [last] = services as [TestService];
    expect(await algsOf(last)).toContain('EdDSA');
    expect(algOf((await last.create()).access_token)).toBe('EdDSA');
    expect((await jwksOf(last)).map(({ alg }) => alg)).toEqual(['EdDSA']);
  });
});
