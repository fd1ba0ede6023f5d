/**
 * A sign-in by ID token whose answer was lost (RFC 7523 §3 uses the token up): with an
 * Idempotency-Key the same request gives the same session and tokens, to whoever brings that very
 * ID token, and nobody else.
 */
import { env } from 'cloudflare:test';
import { decodeJwt } from 'jose';
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
import { DESCRIBED, emptyHomes, FROM, HOMES, homeOf, takeAway } from '../homes/three-homes';
import { CLIENT_AT_PROVIDER, openProvider, PROVIDER, type Provider } from './provider';

const GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const NONCE = 'a-nonce-of-sixteen-or-more';
const ORIGIN = 'https://app.sessions.example';
const KEY = 'key-of-this-sign-in';

let service: TestService;
let provider: Provider;
beforeEach(async () => {
  await env.DB.exec(
    'DELETE FROM user_sessions; DELETE FROM users; DELETE FROM used_assertions; DELETE FROM idempotency_keys',
  );
  for (const level of ['log', 'warn'] as const)
    vi.spyOn(console, level).mockImplementation(() => {});
  const clock = { now: START };
  provider = await openProvider(PROVIDER, clock);
  const allow = ['refresh', 'sign_in'];
  const clients = [
    { client_id: APP, allow },
    { client_id: 'other-app', allow },
    { client_id: 'web', allow, origins: [ORIGIN], return_urls: [`${ORIGIN}/`] },
  ];
  const trusted = [{ issuer: PROVIDER, audience: CLIENT_AT_PROVIDER }];
  const variables = {
    CLIENTS: JSON.stringify(clients),
    TRUSTED_ISSUERS: JSON.stringify(trusted),
  };
  service = await startService(variables, clock, provider.send);
  return () => vi.restoreAllMocks();
});

async function exchange(assertion: string, key?: string, client_id = APP) {
  const form = { grant_type: GRANT, assertion, client_id };
  const response = await service.form('/oauth/token', form, key ? { 'idempotency-key': key } : {});
  const body = (await response.json()) as Tokens & { reason?: string };
  return { status: response.status, body };
}
const sidOf = ({ body }: { body: Tokens }) => decodeJwt(body.access_token).sid;

it('a repeat with the key gives the same session and refresh token', async () => {
  const token = await provider.idToken();
  const first = await exchange(token, KEY);
  const again = await exchange(token, KEY);
  expect(again.status).toBe(200);
  expect(sidOf(again)).toBe(sidOf(first));
  expect(again.body.refresh_token).toBe(first.body.refresh_token);
  const count = await env.DB.prepare('SELECT count(*) AS n FROM user_sessions').first();
  expect(count).toEqual({ n: 1 });
});

it('many at once are one sign-in', async () => {
  const token = await provider.idToken();
  const answers = await Promise.all(Array.from({ length: 5 }, () => exchange(token, KEY)));
  expect(new Set(answers.map(sidOf)).size).toBe(1);
});

it('without the key, with another, or by another client, the ID token is used up', async () => {
  const token = await provider.idToken();
  expect((await exchange(token, KEY)).status).toBe(200);
  for (const repeat of [
    await exchange(token),
    await exchange(token, 'another-key'),
    await exchange(token, KEY, 'other-app'),
  ])
    expect([repeat.status, repeat.body.reason]).toEqual([400, 'assertion_used']);
});

it('one that was used without a key cannot be repeated with one', async () => {
  const token = await provider.idToken();
  await exchange(token);
  expect((await exchange(token, KEY)).body.reason).toBe('assertion_used');
});

it('the key does not open the session to another ID token, nor to another person', async () => {
  const first = await exchange(await provider.idToken(), KEY);
  expect((await exchange(await provider.idToken(), KEY)).status).toBe(422);
  const other = await exchange(await provider.idToken({ sub: 'other' }), KEY);
  expect(other.status).toBe(200);
  expect(sidOf(other)).not.toBe(sidOf(first));
});

it('once the session has moved on, the repeat is told so', async () => {
  const token = await provider.idToken();
  const { body } = await exchange(token, KEY);
  service.advance(31);
  await service.refresh(body.refresh_token);
  expect((await exchange(token, KEY)).status).toBe(409);
});

it('a browser’s repeat keeps its session, also where it had the answer', async () => {
  const id_token = await provider.idToken({ nonce: NONCE });
  const signIn = (cookie = '') =>
    service.request('/browser/sign-in', {
      method: 'POST',
      headers: {
        'sec-fetch-site': 'same-site',
        origin: ORIGIN,
        'content-type': 'application/json',
        'idempotency-key': KEY,
        cookie,
      },
      body: JSON.stringify({ client_id: 'web', id_token, nonce: NONCE }),
    });
  const first = await signIn();
  const { session } = (await first.json()) as Tokens;
  const [line = ''] = first.headers.getSetCookie();
  for (const cookie of ['', line.split(';')[0]]) {
    const again = await signIn(cookie);
    expect(again.status).toBe(201);
    expect(await again.json()).toMatchObject({ session: { id: session.id } });
    expect(again.headers.getSetCookie()[0]?.split(';')[0]).toBe(line.split(';')[0]);
  }
  expect(await readRow(session.id)).toMatchObject({ revoked_at: null });
});

describe('with several homes', () => {
  beforeEach(emptyHomes);

  /** Isolates in several places, of one clock, and with one provider. */
  async function startPlaces() {
    const { DB: _, ...variables } = service.env;
    const inHomes = {
      ...variables,
      HOMES: JSON.stringify(DESCRIBED),
      DB_APAC: env.DB_APAC,
      DB_WEUR: env.DB_WEUR,
    };
    const open = (changes: object = {}) =>
      startService({ ...inHomes, ...changes }, service.clock, provider.send);
    return { open, isolates: [await open(), await open()] as const };
  }
  async function from(isolate: TestService, assertion: string, cf: object, key = KEY) {
    const request = new Request(`${ISSUER}/oauth/token`, {
      method: 'POST',
      headers: { 'idempotency-key': key },
      body: new URLSearchParams({ grant_type: GRANT, assertion, client_id: APP }),
      cf,
    } as RequestInit);
    const response = await isolate.app.request(request);
    return { status: response.status, body: (await response.json()) as Tokens };
  }
  async function countSessions() {
    const counts = HOMES.map((name) =>
      env[name].prepare('SELECT count(*) AS n FROM user_sessions').first<{ n: number }>(),
    );
    return (await Promise.all(counts)).reduce((sum, count) => sum + (count?.n ?? 0), 0);
  }

  it('a repeat that comes from another region, through another isolate, gives the same session', async () => {
    const { isolates } = await startPlaces();
    const assertion = await provider.idToken();
    const first = await from(isolates[0], assertion, FROM.paris);
    const again = await from(isolates[1], assertion, FROM.tokyo);
    expect([first.status, again.status]).toEqual([200, 200]);
    expect(again.body.refresh_token).toBe(first.body.refresh_token);
    expect(homeOf(again.body.refresh_token)).toBe('DB_WEUR');
    expect(await countSessions()).toBe(1);
  });

  it('repeats that come from three regions at once are one session', async () => {
    for (let round = 0; round < 5; round += 1) {
      await emptyHomes();
      const { isolates } = await startPlaces();
      const assertion = await provider.idToken();
      const places = [FROM.paris, FROM.tokyo, FROM.newYork, FROM.paris, FROM.tokyo, FROM.newYork];
      const send = () =>
        Promise.all(
          places.map((cf, index) => from(isolates[index % 2] as TestService, assertion, cf)),
        );
      const answers = [...(await send()), ...(await send())];
      const given = answers.filter(({ status }) => status === 200);
      expect(given.length).toBeGreaterThan(0);
      expect(new Set(given.map(({ body }) => decodeJwt(body.access_token).sid)).size).toBe(1);
      // Whoever met another's half-done sign-in asks again, and is given the same.
      const last = await from(isolates[0], assertion, FROM.tokyo);
      expect(last.body.refresh_token).toBe(given[0]?.body.refresh_token);
      expect(await countSessions()).toBe(1);
    }
  });

  it('while the home that has it is away, the repeat is not decided, and no other session starts', async () => {
    const { open, isolates } = await startPlaces();
    const assertion = await provider.idToken();
    const first = await from(isolates[0], assertion, FROM.paris);
    const away = watch(env.DB_WEUR);
    takeAway(away);
    const cut = await open({ DB_WEUR: away.binding });
    for (const place of [FROM.paris, FROM.tokyo])
      expect((await from(cut, assertion, place)).status).toBe(503);
    const again = await from(isolates[1], assertion, FROM.tokyo);
    expect(again.body.refresh_token).toBe(first.body.refresh_token);
    expect(await countSessions()).toBe(1);
  });

  it('once the person has moved to another home, the repeat is told so, and starts nothing', async () => {
    const clients = [
      ...JSON.parse(service.env.CLIENTS as string),
      { client_id: BACKEND.id, secret_sha256: await sha256Hex(BACKEND.secret), allow: ['operate'] },
    ];
    const { open } = await startPlaces();
    const isolate = await open({ CLIENTS: JSON.stringify(clients) });
    const assertion = await provider.idToken();
    const first = await from(isolate, assertion, FROM.paris);
    const moved = await isolate.request(
      `/v1/users/${decodeJwt(first.body.access_token).sub}/move`,
      {
        method: 'POST',
        headers: { authorization: basic(BACKEND), 'content-type': 'application/json' },
        body: JSON.stringify({ home: 'DB_APAC' }),
      },
    );
    expect(moved.status).toBe(200);
    expect((await from(isolate, assertion, FROM.paris)).status).toBe(409);
    service.advance(31);
    expect((await isolate.refresh(first.body.refresh_token)).status).toBe(200);
  });

  it('without its key the ID token is used up in every region', async () => {
    const { isolates } = await startPlaces();
    const assertion = await provider.idToken();
    await from(isolates[0], assertion, FROM.paris);
    for (const place of Object.values(FROM))
      expect((await from(isolates[1], assertion, place, 'another-key')).status).toBe(400);
    expect(await countSessions()).toBe(1);
  });
});
