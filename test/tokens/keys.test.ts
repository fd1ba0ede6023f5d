/** Signing keys: made once, encrypted, published ahead of use, kept until their last token has expired. */
import { env } from 'cloudflare:test';
import { decodeProtectedHeader, type JWK } from 'jose';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { runScheduled } from '../../src/scheduled';
import { startService, type TestService } from '../fixtures';

const USER = '7b0e4f50-0f4c-4d0b-8f43-0f7d1d2f7c11';
const HOUR = 3600;
const DAY = 24 * HOUR;

beforeEach(async () => {
  await env.DB.exec('DELETE FROM signing_keys');
  vi.spyOn(console, 'log').mockImplementation(() => {});
  return () => vi.restoreAllMocks();
});

async function publishedKeys(service: TestService): Promise<JWK[]> {
  const response = await service.request('/.well-known/jwks.json');
  return ((await response.json()) as { keys: JWK[] }).keys;
}

const kidOf = (token: string) => decodeProtectedHeader(token).kid as string;

describe('the first key', () => {
  it('is made once, by whichever of many isolates comes first', async () => {
    const services = await Promise.all(Array.from({ length: 5 }, () => startService()));
    const created = await Promise.all(services.flatMap((service) => [1, 2, 3, 4].map(() => service.create())));
    const { results } = await env.DB.prepare('SELECT kid FROM signing_keys').all();
    expect(results).toHaveLength(1);
    expect(new Set(created.map(({ access_token }) => kidOf(access_token)))).toEqual(new Set([results[0]?.kid]));
  });

  it('is never empty in the JWKS, even when the JWKS is asked for first (threat 44)', async () => {
    expect(await publishedKeys(await startService())).toHaveLength(1);
  });

  it.each([
    ['EdDSA', { kty: 'OKP', crv: 'Ed25519' }],
    ['ES256', { kty: 'EC', crv: 'P-256' }],
  ])('%s by configuration, public part alone (J-14)', async (alg, shape) => {
    const [jwk] = await publishedKeys(await startService({ ACCESS_TOKEN_ALG: alg }));
    expect(jwk).toMatchObject({ ...shape, alg, use: 'sig' });
    for (const secretMember of ['d', 'p', 'q', 'k']) expect(jwk).not.toHaveProperty(secretMember);
  });

  it('is encrypted at rest: another secret cannot sign with it, and makes its own', async () => {
    const service = await startService();
    await service.create();
    const stranger = await startService({ SESSION_SECRET: 'another-secret-of-the-tests-0123456789abc' });
    await stranger.create();
    const { results } = await env.DB.prepare('SELECT kid, private_key FROM signing_keys').all<Record<string, string>>();
    expect(results).toHaveLength(2);
    for (const { private_key } of results)
      expect(atob((private_key as string).replaceAll('-', '+').replaceAll('_', '/'))).not.toContain('\x06\x03+ep');
  });
});

describe('the JWKS document', () => {
  it('is cacheable, with an ETag (J-16)', async () => {
    const service = await startService();
    const response = await service.request('/.well-known/jwks.json');
    expect(response.headers.get('cache-control')).toBe('public, max-age=300');
    expect(response.headers.get('content-type')).toContain('application/jwk-set+json');
    const etag = response.headers.get('etag') as string;
    const again = await service.request('/.well-known/jwks.json', { headers: { 'if-none-match': etag } });
    expect(again.status).toBe(304);
  });
});

describe('rotation', () => {
  it('through three keys, no verifier that caches the JWKS as told meets an unknown key, and no token outlives its key (J-15)', async () => {
    const variables = {
      SIGNING_KEY_LIFETIME_SECONDS: String(2 * DAY),
      SIGNING_KEY_PUBLISH_AHEAD_SECONDS: String(2 * HOUR),
      SESSION_LIFETIME_SECONDS: '0',
      INACTIVITY_TIMEOUT_SECONDS: '0',
    };
    const clock = { now: Date.UTC(2026, 0, 1) };
    const isolates = await Promise.all(Array.from({ length: 3 }, () => startService(variables, clock)));
    // Verifiers that fetch from any isolate, at times that have nothing to do with each other.
    const verifiers = Array.from({ length: 4 }, () => ({
      kids: new Set<string>(),
      fetchedAt: Number.NEGATIVE_INFINITY,
    }));
    const live: { kid: string; expiresAt: number }[] = [];
    const kids = new Set<string>();
    const step = 97;
    for (let second = 0; second < 5 * DAY; second += step) {
      clock.now += step * 1000;
      const round = Math.floor(second / step);
      // The cron, every hour or so.
      if (round % 37 === 0) await runScheduled((isolates[0] as TestService).env, clock.now);
      for (const [position, verifier] of verifiers.entries()) {
        if (clock.now - verifier.fetchedAt < 300_000) continue;
        const keys = await publishedKeys(isolates[(round + position) % 3] as TestService);
        Object.assign(verifier, { kids: new Set(keys.map(({ kid }) => kid)), fetchedAt: clock.now });
      }
      if (round % 3 === 0) {
        const { access_token, expires_in } = await (isolates[round % 3] as TestService).create();
        live.push({ kid: kidOf(access_token), expiresAt: clock.now + expires_in * 1000 });
        kids.add(kidOf(access_token));
      }
      while (live[0] !== undefined && live[0].expiresAt <= clock.now) live.shift();
      for (const { kid } of live) for (const verifier of verifiers) expect(verifier.kids).toContain(kid);
    }
    expect(kids.size).toBe(3);
    await runScheduled((isolates[0] as TestService).env, clock.now);
    const { results } = await env.DB.prepare('SELECT kid FROM signing_keys').all();
    expect(results.length).toBeLessThanOrEqual(2);
  }, 120_000);

  it('waits when the cron does not run, and goes on when it does, the next key published ahead all the same', async () => {
    const service = await startService();
    const { access_token } = await service.create();
    service.advance(200 * DAY);
    const late = await service.create();
    expect(kidOf(late.access_token)).toBe(kidOf(access_token));
    await Promise.all([runScheduled(service.env, service.clock.now), runScheduled(service.env, service.clock.now)]);
    service.advance(301);
    expect(await publishedKeys(service)).toHaveLength(2);
    expect(kidOf((await service.create()).access_token)).toBe(kidOf(access_token));
    service.advance(DAY);
    expect(kidOf((await service.create()).access_token)).not.toBe(kidOf(access_token));
  });

  it('changes the algorithm the same way: published first, then active', async () => {
    const before = await startService();
    const { access_token } = await before.create();
    const after = await startService({ ACCESS_TOKEN_ALG: 'ES256' }, before.clock);
    await runScheduled(after.env, after.clock.now);
    expect(decodeProtectedHeader((await after.create()).access_token).alg).toBe('EdDSA');
    after.advance(DAY + 301);
    expect(decodeProtectedHeader((await after.create()).access_token).alg).toBe('ES256');
    expect((await after.bearer('GET', '/v1/sessions', access_token)).status).toBe(401);
  });
});

describe('replacing SESSION_SECRET', () => {
  const OLD = 'the-session-secret-of-the-tests-0123456789';
  const NEW = 'the-other-session-secret-of-tests-9876543210';

  it('signs no one out, and encrypts the signing keys anew', async () => {
    const before = await startService({ SESSION_SECRET: OLD, SESSION_SECRET_PREVIOUS: NEW });
    const { refresh_token: first, access_token } = await before.create({ user_id: USER });
    const { body: second } = await before.refresh(first);
    const during = await startService({ SESSION_SECRET: NEW, SESSION_SECRET_PREVIOUS: OLD }, before.clock);
    // The predecessor of a rotation under the old secret, retried under the new one.
    expect((await during.refresh(first)).status).toBe(200);
    during.advance(60);
    const { status, body: third } = await during.refresh(second.refresh_token);
    expect(status).toBe(200);
    // An isolate of the version before, which still runs, gets a token of the new one.
    expect((await before.refresh(third.refresh_token)).status).toBe(200);
    await runScheduled(during.env, during.clock.now);
    const after = await startService({ SESSION_SECRET: NEW }, before.clock);
    after.advance(60);
    expect((await after.refresh(third.refresh_token)).status).toBe(200);
    expect((await after.bearer('GET', '/v1/sessions', access_token)).status).toBe(200);
    expect((await env.DB.prepare('SELECT count(*) AS n FROM signing_keys').first())?.n).toBe(1);
  });
});
