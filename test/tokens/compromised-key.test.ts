/** A signing key is compromised: one call takes it out of use, in every home and isolate. */
import { env } from 'cloudflare:test';
import { decodeProtectedHeader } from 'jose';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { createAccessTokenVerifier } from '../../src/client/verify';
import { openHome } from '../../src/db/d1';
import { newAccess } from '../../src/db/d1-access';
import { copyKeyRows } from '../../src/db/signing-key-rows';
import { runScheduled } from '../../src/scheduled';
import { AUDIENCE, ISSUER, START, startService, type TestService, watch } from '../fixtures';
import { USER } from '../people';

/** How late an isolate knows, and a resource server, which keeps the JWKS for 300 s. */
const ISOLATES = 60;
const VERIFIERS = ISOLATES + 300;
/** Long enough for its tokens to outlive every bound. */
const LONG = { ACCESS_TOKEN_TTL_SECONDS: '3600' };

beforeEach(async () => {
  for (const database of [env.DB, env.DB_WEUR as D1Database])
    await database.exec('DELETE FROM signing_keys; DELETE FROM user_sessions; DELETE FROM users');
  for (const level of ['log', 'warn', 'error'] as const)
    vi.spyOn(console, level).mockImplementation(() => {});
  return () => vi.restoreAllMocks();
});

const kidOf = (token: string) => decodeProtectedHeader(token).kid as string;
const isAccepted = async (service: TestService, token: string) =>
  (await service.bearer('GET', '/v1/sessions/current', token)).status === 200;

async function revoke(service: TestService, body: Record<string, unknown>) {
  const response = await service.request('/v1/signing-keys/revoke', {
    method: 'POST',
    headers: { ...service.credentials, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

async function jwksOf(service: TestService): Promise<string[]> {
  const response = await service.request('/.well-known/jwks.json');
  return ((await response.json()) as { keys: { kid: string }[] }).keys.map(({ kid }) => kid);
}

const listOf = async (service: TestService) =>
  (await (await service.backend('GET', '/v1/signing-keys')).json()) as {
    keys: { kid: string; state: string }[];
  };

const openAt = (name: string, binding: D1Database) =>
  openHome({ name, binding, timeoutMs: 5_000 }, newAccess());

it('the isolate that is told refuses it at once, and signs with a new key', async () => {
  const service = await startService(LONG);
  const { access_token: stolen, refresh_token } = await service.create({ user_id: USER });
  const { status, body } = await revoke(service, { kid: kidOf(stolen) });
  expect([status, body.revoked]).toEqual([200, [kidOf(stolen)]]);
  expect(body).toMatchObject({
    refused_here_within: ISOLATES,
    refused_by_verifiers_within: VERIFIERS,
  });
  expect(await isAccepted(service, stolen)).toBe(false);
  expect(await jwksOf(service)).toEqual([body.signing]);
  const refreshed = await service.refresh(refresh_token);
  expect(kidOf(refreshed.body.access_token)).toBe(body.signing);
  expect(await isAccepted(service, refreshed.body.access_token)).toBe(true);
  expect((await listOf(service)).keys.map(({ state }) => state)).toEqual(['signing', 'revoked']);
});

it('every other isolate within its bound, and a resource server within its own', async () => {
  const clock = { now: START };
  const [told, other] = await Promise.all([startService(LONG, clock), startService(LONG, clock)]);
  const verifier = createAccessTokenVerifier({
    issuer: ISSUER,
    audience: AUDIENCE,
    now: () => clock.now,
    fetch: async (input, init) => other.app.request(new Request(input, init)),
  });
  const { access_token: stolen } = await other.create({ user_id: USER });
  expect((await verifier.verify(stolen)).ok).toBe(true);
  expect(await isAccepted(other, stolen)).toBe(true);
  const { body } = await revoke(told, { kid: kidOf(stolen) });
  // What the new key has signed is good everywhere at once, or after a cool-down.
  const { access_token: fresh } = await told.create({ user_id: USER });
  clock.now += 10_000;
  expect(await isAccepted(other, fresh)).toBe(true);
  expect((await verifier.verify(fresh)).ok).toBe(true);
  clock.now += (ISOLATES - 10) * 1000;
  expect(await isAccepted(other, stolen)).toBe(false);
  expect(await jwksOf(other)).toEqual([body.signing]);
  expect(kidOf((await other.create()).access_token)).toBe(body.signing);
  clock.now += 300_000;
  expect(await verifier.verify(stolen)).toMatchObject({ ok: false, error: 'invalid_token' });
});

it('an isolate whose database is away, within five minutes', async () => {
  const clock = { now: START };
  const [told, other] = await Promise.all([startService(LONG, clock), startService(LONG, clock)]);
  const { access_token: stolen } = await other.create({ user_id: USER });
  await revoke(told, { kid: kidOf(stolen) });
  const away = { before: 'D1_ERROR: D1 DB is overloaded. Requests queued for too long.' };
  other.database.faults = Array.from({ length: 50 }, () => away);
  clock.now += 299_000;
  expect((await other.request('/.well-known/jwks.json')).status).toBe(200);
  clock.now += 1_000;
  expect((await other.request('/.well-known/jwks.json')).status).toBe(503);
});

it('all keys at once, the one that waits too; repeated, it takes no newer one', async () => {
  const service = await startService({ ...LONG, SIGNING_KEY_LIFETIME_SECONDS: '172800' });
  const { access_token: stolen } = await service.create({ user_id: USER });
  service.advance(86_400);
  await runScheduled(service.env, service.clock.now);
  expect((await listOf(service)).keys.map(({ state }) => state)).toEqual(['waiting', 'signing']);
  service.advance(1);
  const before = service.clock.now / 1000;
  const { body } = await revoke(service, { created_before: before });
  expect(body.revoked).toHaveLength(2);
  expect(kidOf(stolen)).not.toBe(body.signing);
  service.advance(1);
  expect((await revoke(service, { created_before: before })).body).toMatchObject({
    revoked: [],
    signing: body.signing,
  });
  service.advance(172_800);
  expect(await jwksOf(service)).toEqual([body.signing]);
});

it('calls at once leave one key that signs and none that is compromised', async () => {
  const services = await Promise.all(Array.from({ length: 4 }, () => startService(LONG)));
  const { access_token: stolen } = await (services[0] as TestService).create();
  await Promise.all(services.map((service) => revoke(service, { kid: kidOf(stolen) })));
  const { keys } = await listOf(services[0] as TestService);
  expect(keys.map(({ state }) => state)).toEqual(['signing', 'revoked']);
});

it('which one has to be said, and it has to be there', async () => {
  const service = await startService();
  const { access_token } = await service.create();
  for (const body of [{}, { kid: kidOf(access_token), created_before: 1 }, { all: true }])
    expect((await revoke(service, body)).status).toBe(400);
  const later = { created_before: service.clock.now / 1000 + 1 };
  expect((await revoke(service, later)).status).toBe(400);
  expect((await revoke(service, { kid: 'nobody' })).status).toBe(404);
  expect(await isAccepted(service, access_token)).toBe(true);
});

it('its row is purged a day later, and never comes back', async () => {
  const service = await startService(LONG);
  const { access_token: stolen } = await service.create();
  await revoke(service, { kid: kidOf(stolen) });
  service.advance(86_399);
  await runScheduled(service.env, service.clock.now);
  expect((await listOf(service)).keys).toHaveLength(2);
  service.advance(1);
  await runScheduled(service.env, service.clock.now);
  expect((await listOf(service)).keys.map(({ state }) => state)).toEqual(['signing']);
});

describe('in every home', () => {
  async function start() {
    const silent = watch(env.DB_WEUR as D1Database);
    const service = await startService({ ...LONG, DB_WEUR: silent.binding });
    const { access_token: stolen } = await service.create({ user_id: USER });
    await runScheduled(service.env, service.clock.now);
    return { service, silent, stolen };
  }
  const statesAt = async (binding: D1Database) =>
    (await binding.prepare('SELECT kid, revoked_at FROM signing_keys ORDER BY generation').all())
      .results;

  it('the copies are withdrawn by the same call', async () => {
    const { service, stolen } = await start();
    const { body } = await revoke(service, { kid: kidOf(stolen) });
    expect(await statesAt(env.DB_WEUR as D1Database)).toEqual([
      { kid: kidOf(stolen), revoked_at: START / 1000 },
      { kid: body.signing, revoked_at: null },
    ]);
  });

  it('one that is silent is named, and the call repeated', async () => {
    const { service, silent, stolen } = await start();
    const away = { before: 'D1_ERROR: D1 DB is overloaded. Requests queued for too long.' };
    silent.faults = [away];
    const failed = await revoke(service, { kid: kidOf(stolen) });
    expect(failed).toMatchObject({ status: 503, body: { homes: ['DB_WEUR'] } });
    expect((await revoke(service, { kid: kidOf(stolen) })).status).toBe(200);
    expect((await statesAt(env.DB_WEUR as D1Database))[0]).toMatchObject({
      revoked_at: START / 1000,
    });
  });

  it('a copy that was under way brings no key back', async () => {
    const { service, stolen } = await start();
    await revoke(service, { kid: kidOf(stolen) });
    // What the default home had before the call, written after it.
    const { results } = await env.DB.prepare('SELECT * FROM signing_keys').all();
    await env.DB.exec(`DELETE FROM signing_keys WHERE kid <> '${kidOf(stolen)}'`);
    await env.DB.exec('UPDATE signing_keys SET revoked_at = NULL');
    await copyKeyRows(openAt('DB', env.DB), openAt('DB_WEUR', env.DB_WEUR as D1Database));
    expect(results).toHaveLength(2);
    expect(await statesAt(env.DB_WEUR as D1Database)).toEqual([
      { kid: kidOf(stolen), revoked_at: START / 1000 },
    ]);
  });
});
