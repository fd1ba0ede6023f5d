/** Signing keys: made on first need, rolled over without a verifier noticing, private at rest. */
import { env } from 'cloudflare:test';
import {
  base64url,
  calculateJwkThumbprint,
  decodeProtectedHeader,
  importJWK,
  type JWK,
  jwtVerify,
} from 'jose';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { parseConfig } from '../../src/config/config';
import { decrypt, deriveKeyring } from '../../src/crypto';
import { DEFAULT_HOME, openHome } from '../../src/db/d1';
import { newAccess } from '../../src/db/d1-access';
import { runScheduled } from '../../src/scheduled';
import { rotateSigningKeys } from '../../src/tokens/rotate-signing-keys';
import { AUDIENCE, ISSUER, START, startService, type TestService } from '../fixtures';
import { USER } from '../people';

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86_400;
const FIRST_SECRET = 'the-first-session-secret-0123456789-abcdef';
const SECOND_SECRET = 'the-second-session-secret-9876543210-fedcba';
const WEEKLY = {
  ACCESS_TOKEN_TTL_SECONDS: '300',
  SIGNING_KEY_LIFETIME_SECONDS: String(7 * DAY),
  SIGNING_KEY_PUBLISH_AHEAD_SECONDS: String(DAY),
  SESSION_LIFETIME_SECONDS: '0',
  INACTIVITY_TIMEOUT_SECONDS: '0',
};

beforeEach(async () => {
  await env.DB.exec('DELETE FROM signing_keys');
  vi.spyOn(console, 'log').mockImplementation(() => {});
});
afterEach(() => {
  vi.restoreAllMocks();
});

async function jwksOf(service: TestService): Promise<JWK[]> {
  const response = await service.request('/.well-known/jwks.json');
  expect(response.status).toBe(200);
  return ((await response.json()) as { keys: JWK[] }).keys;
}

async function readKeys(): Promise<Record<string, string | number>[]> {
  const { results } = await env.DB.prepare('SELECT * FROM signing_keys ORDER BY generation').all();
  return results as Record<string, string | number>[];
}

async function rotate({ env: variables, clock }: TestService) {
  const config = parseConfig(variables);
  const keyring = await deriveKeyring(config.sessionSecret, config.previousSessionSecret);
  const home = openHome(
    { name: DEFAULT_HOME, binding: variables.DB, timeoutMs: config.d1TimeoutMs },
    newAccess(),
  );
  return rotateSigningKeys(home, keyring, config.signingKeys, clock.now);
}

const kidOf = (token: string) => decodeProtectedHeader(token).kid as string;
const isAccepted = async (service: TestService, token: string) =>
  (await service.bearer('GET', '/v1/sessions/current', token)).status === 200;

/** A resource server that keeps the JWKS for exactly as long as its `max-age` allows. */
class Verifier {
  private keys: JWK[] = [];
  private staleAt = Number.NEGATIVE_INFINITY;

  constructor(private readonly phase: number) {}

  async verify(service: TestService, token: string): Promise<void> {
    const now = service.clock.now;
    if (now >= this.staleAt) {
      const response = await service.request('/.well-known/jwks.json');
      this.keys = ((await response.json()) as { keys: JWK[] }).keys;
      const maxAge = Number(/max-age=(\d+)/.exec(response.headers.get('cache-control') ?? '')?.[1]);
      this.staleAt = now + (this.staleAt < 0 ? this.phase : 1) * maxAge * 1000;
    }
    const jwk = this.keys.find(({ kid }) => kid === kidOf(token));
    if (jwk === undefined) throw new Error(`unknown kid at ${new Date(now).toISOString()}`);
    await jwtVerify(token, await importJWK(jwk, jwk.alg), {
      issuer: ISSUER,
      audience: AUDIENCE,
      typ: 'at+jwt',
      currentDate: new Date(now),
    });
  }
}

describe('the first key', () => {
  it('is one, however many isolates need it at once', async () => {
    const services = await Promise.all(Array.from({ length: 5 }, () => startService()));
    const created = await Promise.all(
      Array.from({ length: 20 }, (_, request) =>
        (services[request % 5] as TestService).create({ user_id: USER }),
      ),
    );
    expect(await readKeys()).toHaveLength(1);
    expect(new Set(created.map(({ access_token }) => kidOf(access_token))).size).toBe(1);
    for (const service of services) {
      for (const { access_token } of created)
        expect(await isAccepted(service, access_token)).toBe(true);
    }
  });

  it('is there for a resource server that asks first', async () => {
    const service = await startService();
    const keys = await jwksOf(service);
    expect(keys.map(({ kid }) => kid)).toEqual([kidOf((await service.create()).access_token)]);
  });
});

describe('the private part', () => {
  it('is encrypted at rest, opens with its own SESSION_SECRET and in its own row alone', async () => {
    await (await startService({ SESSION_SECRET: FIRST_SECRET })).create();
    const [row] = (await env.DB.prepare('SELECT * FROM signing_keys').all()).results as {
      [name: string]: string;
    }[];
    const { kid, private_key } = row as { kid: string; private_key: string };
    const pkcs8 = { name: 'Ed25519' };
    await expect(
      crypto.subtle.importKey('pkcs8', base64url.decode(private_key), pkcs8, false, ['sign']),
    ).rejects.toThrow();
    const { current } = await deriveKeyring(FIRST_SECRET, null);
    const other = (await deriveKeyring(SECOND_SECRET, null)).current;
    await expect(decrypt(other.encryption, private_key, kid)).rejects.toThrow();
    await expect(decrypt(current.encryption, private_key, 'another row')).rejects.toThrow();
    const opened = await decrypt(current.encryption, private_key, kid);
    await crypto.subtle.importKey('pkcs8', opened, pkcs8, false, ['sign']);
    // The last 32 bytes of the PKCS #8 are the key itself.
    expect(JSON.stringify(row)).not.toContain(base64url.encode(opened.slice(-32)));
  });
});

describe('the JWKS', () => {
  it.each(['EdDSA', 'ES256', 'RS256'])('holds public %s keys and nothing else', async (alg) => {
    const service = await startService({ ACCESS_TOKEN_ALG: alg });
    const [jwk] = await jwksOf(service);
    const members = {
      EdDSA: ['crv', 'kty', 'x'],
      ES256: ['crv', 'kty', 'x', 'y'],
      RS256: ['e', 'kty', 'n'],
    }[alg] as string[];
    expect(Object.keys(jwk as JWK).sort()).toEqual([...members, 'alg', 'kid', 'use'].sort());
    expect(jwk).toMatchObject({ alg, use: 'sig', kid: await calculateJwkThumbprint(jwk as JWK) });
  });

  it('may be cached: Cache-Control, ETag, 304, and any origin may read it', async () => {
    const service = await startService({ JWKS_MAX_AGE_SECONDS: '120' });
    const response = await service.request('/.well-known/jwks.json');
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'cache-control': 'public, max-age=120',
      'content-type': 'application/jwk-set+json',
      'access-control-allow-origin': '*',
    });
    const tag = response.headers.get('etag') as string;
    const again = await service.request('/.well-known/jwks.json', {
      headers: { 'if-none-match': tag },
    });
    expect(again.status).toBe(304);
    expect(again.headers.get('cache-control')).toBe('public, max-age=120');
    expect(await again.text()).toBe('');
    const other = await service.request('/.well-known/jwks.json', {
      headers: { 'if-none-match': '"other"' },
    });
    expect(other.status).toBe(200);
  });

  it('is read from the database once in ten seconds', async () => {
    const service = await startService();
    await jwksOf(service);
    service.database.roundTrips = 0;
    service.advance(9);
    await jwksOf(service);
    expect(service.database.roundTrips).toBe(0);
    service.advance(1);
    await jwksOf(service);
    expect(service.database.roundTrips).toBe(1);
  });
});

describe('roll-over', () => {
  /**
   * Walks the clock; every token that lives is verified by every verifier, through every isolate,
   * at every step.
   */
  async function walk(
    services: TestService[],
    { days, cron, step }: { days: number; cron: (second: number) => boolean; step: number },
  ): Promise<string[]> {
    const clock = (services[0] as TestService).clock;
    const verifiers = Array.from({ length: 4 }, (_, position) => new Verifier(position / 4));
    const sessions = await Promise.all(
      services.map((service) => service.create({ user_id: USER })),
    );
    const refreshTokens = sessions.map(({ refresh_token }) => refresh_token);
    const kids: string[] = [];
    let alive: { token: string; until: number }[] = [];
    for (let second = 0, turn = 0; second < days * DAY; turn += 1) {
      if (cron(second)) await rotate(services[turn % services.length] as TestService);
      const signer = turn % services.length;
      const { status, body } = await (services[signer] as TestService).refresh(
        refreshTokens[signer] as string,
      );
      expect(status).toBe(200);
      refreshTokens[signer] = body.refresh_token;
      if (kids.at(-1) !== kidOf(body.access_token)) kids.push(kidOf(body.access_token));
      alive = [
        ...alive.filter(({ until }) => until > clock.now),
        { token: body.access_token, until: clock.now + 300_000 },
      ];
      for (const { token } of alive) {
        for (const [position, verifier] of verifiers.entries()) {
          await verifier.verify(
            services[(turn + position) % services.length] as TestService,
            token,
          );
        }
      }
      // Close steps where keys change, far ones between.
      const rows = await readKeys();
      const isNear = rows.some(
        ({ activates_at }) => Math.abs(Number(activates_at) * 1000 - clock.now) < 900_000,
      );
      const isCronTurn = rows.length > 1 && !isNear ? Math.min(step, HOUR) : step;
      const seconds = isNear ? 97 : isCronTurn;
      second += seconds;
      for (const at of new Set(services.map((service) => service.clock))) at.now += seconds * 1000;
    }
    return kids;
  }

  it('through three keys no verifier meets an unknown kid, no token outlives its key, and old keys are purged', async () => {
    const clock = { now: START };
    const services = await Promise.all(
      Array.from({ length: 3 }, () => startService(WEEKLY, clock)),
    );
    const kids = await walk(services, { days: 15, cron: () => true, step: 2 * HOUR });
    expect(kids).toHaveLength(3);
    expect(new Set(kids).size).toBe(3);
    await rotate(services[0] as TestService);
    expect((await readKeys()).map(({ kid }) => kid)).toEqual([kids[2]]);
    clock.now += 300_000;
    expect((await jwksOf(services[1] as TestService)).map(({ kid }) => kid)).toEqual([kids[2]]);
  }, 60_000);

  it('a change of the algorithm rolls over the same way', async () => {
    const clock = { now: START };
    await (await startService(WEEKLY, clock)).create();
    const services = await Promise.all(
      Array.from({ length: 2 }, () =>
        startService({ ...WEEKLY, ACCESS_TOKEN_ALG: 'ES256' }, clock),
      ),
    );
    const kids = await walk(services, { days: 1.2, cron: () => true, step: HOUR });
    expect(kids).toHaveLength(2);
    expect((await jwksOf(services[0] as TestService)).map(({ alg }) => alg)).toEqual(['ES256']);
  }, 60_000);

  it('without a cron for 30 days the old key goes on, and the next is still published ahead', async () => {
    const clock = { now: START };
    const service = await startService(WEEKLY, clock);
    const first = kidOf((await service.create()).access_token);
    service.advance(30 * DAY);
    const { access_token } = await service.create();
    expect(kidOf(access_token)).toBe(first);
    expect(await isAccepted(service, access_token)).toBe(true);
    const kids = await walk([service], { days: 1.1, cron: () => true, step: HOUR });
    expect(kids).toEqual([first, expect.any(String)]);
  }, 60_000);

  it('a key of before is trusted until its last token has expired, and then no more', async () => {
    const service = await startService(WEEKLY);
    const { access_token: old } = await service.create();
    service.advance(6 * DAY);
    await rotate(service);
    service.advance(DAY - 1);
    const { access_token: last } = await service.create();
    expect(kidOf(last)).toBe(kidOf(old));
    service.advance(1);
    expect(kidOf((await service.create()).access_token)).not.toBe(kidOf(old));
    service.advance(298);
    expect(await isAccepted(service, last)).toBe(true);
    service.advance(2 * MINUTE);
    expect((await jwksOf(service)).map(({ kid }) => kid)).not.toContain(kidOf(old));
    expect(await rotate(service)).toMatchObject({ purged: 1 });
  });

  it('two crons at once publish one key', async () => {
    const clock = { now: START };
    const services = await Promise.all(
      Array.from({ length: 4 }, () => startService(WEEKLY, clock)),
    );
    await services[0]?.create();
    clock.now += 6 * DAY * 1000;
    const reports = await Promise.all(services.map(rotate));
    expect(reports.filter(({ published }) => published !== null)).toHaveLength(1);
    expect(await readKeys()).toHaveLength(2);
    await Promise.all(services.map(rotate));
    expect(await readKeys()).toHaveLength(2);
  });

  it('is part of what the Cron Trigger does', async () => {
    const service = await startService(WEEKLY);
    await service.create();
    service.advance(6 * DAY);
    await runScheduled(service.env, service.clock.now);
    expect(await readKeys()).toHaveLength(2);
  });
});

describe('replacing SESSION_SECRET', () => {
  it('the cron encrypts the keys anew, after which the old secret is not needed', async () => {
    const clock = { now: START };
    const before = await startService({ SESSION_SECRET: FIRST_SECRET }, clock);
    const { access_token } = await before.create();
    const during = await startService(
      { SESSION_SECRET: SECOND_SECRET, SESSION_SECRET_PREVIOUS: FIRST_SECRET },
      clock,
    );
    expect(kidOf((await during.create()).access_token)).toBe(kidOf(access_token));
    expect(await rotate(during)).toMatchObject({ reencrypted: 1 });
    expect(await rotate(during)).toMatchObject({ reencrypted: 0 });
    const after = await startService({ SESSION_SECRET: SECOND_SECRET }, clock);
    expect(kidOf((await after.create()).access_token)).toBe(kidOf(access_token));
    expect(await isAccepted(after, access_token)).toBe(true);
    expect(await readKeys()).toHaveLength(1);
  });

  it('a secret that is lost costs a new key, and tokens of the old one stay good', async () => {
    const clock = { now: START };
    const { access_token } = await (
      await startService({ SESSION_SECRET: FIRST_SECRET }, clock)
    ).create();
    const after = await startService({ SESSION_SECRET: SECOND_SECRET }, clock);
    const { access_token: fresh } = await after.create();
    expect(kidOf(fresh)).not.toBe(kidOf(access_token));
    expect(await isAccepted(after, access_token)).toBe(true);
    expect(await isAccepted(after, fresh)).toBe(true);
    expect(await readKeys()).toHaveLength(2);
  });

  it('a key that waits under a lost secret does not end the one that signs', async () => {
    const clock = { now: START };
    const before = await startService({ ...WEEKLY, SESSION_SECRET: FIRST_SECRET }, clock);
    await before.create();
    before.advance(6 * DAY);
    await rotate(before);
    const after = await startService({ ...WEEKLY, SESSION_SECRET: SECOND_SECRET }, clock);
    await after.create();
    for (let hour = 0; hour < 48; hour += 1) {
      before.advance(HOUR);
      const { access_token } = await after.create();
      expect(await isAccepted(after, access_token)).toBe(true);
      await rotate(after);
      expect(await isAccepted(after, access_token)).toBe(true);
    }
  });
});
