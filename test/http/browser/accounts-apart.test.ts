/** Accounts of one browser that live in different homes, or that signed in by ID tokens. */
import { env } from 'cloudflare:test';
import { beforeEach, expect, it, vi } from 'vitest';
import { readRow, sha256Hex, startService } from '../../fixtures';
import { emptyHomes, FROM, startThreeHomes, takeAway } from '../../homes/three-homes';
import { CLIENT_AT_PROVIDER, openProvider, PROVIDER } from '../provider';
import { type Jar, NAVIGATION, SAME_ORIGIN, send } from './browser';

const ADA = '7b0e4f50-0f4c-4d0b-8f43-0f7d1d2f7c01';
const BOB = '7b0e4f50-0f4c-4d0b-8f43-0f7d1d2f7c02';
const ORIGIN = 'https://app.sessions.example';

beforeEach(async () => {
  await emptyHomes();
  for (const level of ['log', 'warn', 'error'] as const)
    vi.spyOn(console, level).mockImplementation(() => {});
  return () => vi.restoreAllMocks();
});

const clients = async (web: object = {}) =>
  JSON.stringify([
    {
      client_id: 'backend',
      secret_sha256: await sha256Hex('backend-secret-of-the-tests'),
      allow: ['create_sessions', 'operate', 'manage_users'],
      for_clients: ['web'],
    },
    {
      client_id: 'web',
      allow: ['refresh', 'sign_in'],
      origins: [ORIGIN],
      return_urls: [`${ORIGIN}/`],
      several_accounts: true,
      ...web,
    },
  ]);

async function startApart() {
  const homes = await startThreeHomes({ CLIENTS: await clients() });
  const { service } = homes;
  const jar: Jar = new Map();
  for (const [user_id, from] of [
    [ADA, FROM.paris],
    [BOB, FROM.tokyo],
  ] as const) {
    const body = { user_id, client_id: 'web', browser: { return_url: `${ORIGIN}/` } };
    const { body: created } = await homes.post('/v1/sessions', body, from);
    const { start_url } = created.browser as { start_url: string };
    const { pathname, search } = new URL(start_url);
    const started = await send(service, jar, 'GET', pathname + search, NAVIGATION);
    expect(started.status).toBe(303);
  }
  const list = async () => {
    const answer = await send(service, jar, 'GET', '/browser/sessions');
    return { status: answer.status, body: (await answer.json()) as { sessions?: object[] } };
  };
  await list();
  homes.roundTrips();
  return { ...homes, jar, list };
}

it('accounts of two homes are listed by one round trip to each', async () => {
  const { list, roundTrips } = await startApart();
  expect((await list()).body.sessions).toMatchObject([{ user_id: ADA }, { user_id: BOB }]);
  expect(roundTrips()).toEqual({ DB: 0, DB_APAC: 1, DB_WEUR: 1 });
});

it('an account that moved to another home is listed, switched to and signed out there', async () => {
  const { service, jar, list, post } = await startApart();
  expect((await post(`/v1/users/${ADA}/move`, { home: 'DB_APAC' })).body).toMatchObject({
    moved: true,
  });
  expect((await list()).body.sessions).toMatchObject([{ user_id: ADA }, { user_id: BOB }]);
  const switched = await send(service, jar, 'POST', '/browser/switch', SAME_ORIGIN, '{"index":0}');
  expect(await switched.json()).toMatchObject({ session: { user_id: ADA } });
  await send(service, jar, 'POST', '/browser/sign-out', SAME_ORIGIN, '{"index":0}');
  expect((await list()).body.sessions).toMatchObject([{ user_id: BOB, current: false }]);
});

it('while a home is away nobody is taken for signed out', async () => {
  const { list, databases } = await startApart();
  takeAway(databases.DB_APAC);
  expect((await list()).status).toBe(503);
});

async function startWithProvider(web: object = {}) {
  const provider = await openProvider();
  const service = await startService(
    {
      CLIENTS: await clients(web),
      TRUSTED_ISSUERS: JSON.stringify([{ issuer: PROVIDER, audience: CLIENT_AT_PROVIDER }]),
    },
    undefined,
    provider.send,
  );
  const jar: Jar = new Map();
  const headers = { ...SAME_ORIGIN, 'sec-fetch-site': 'same-site', origin: ORIGIN };
  const signIn = async (sub: string, more: Record<string, string> = {}, token?: string) => {
    const nonce = 'a-nonce-of-sixteen-or-more';
    const id_token = token ?? (await provider.idToken({ sub, nonce }));
    const body = JSON.stringify({ client_id: 'web', id_token, nonce });
    return send(service, jar, 'POST', '/browser/sign-in', { ...headers, ...more }, body);
  };
  const list = async () => {
    const answer = await send(service, jar, 'GET', '/browser/sessions', headers);
    return ((await answer.json()) as { sessions: { id: string; index: number }[] }).sessions;
  };
  return { provider, service, jar, signIn, list };
}

it('an ID token of another person adds an account; of the same, takes the former’s place', async () => {
  const { signIn, list } = await startWithProvider();
  await signIn('ada');
  await signIn('bob');
  const [ada] = await list();
  expect(await list()).toMatchObject([
    { index: 0, current: false },
    { index: 1, current: true },
  ]);
  await signIn('ada');
  expect(await list()).toMatchObject([
    { index: 0, current: true },
    { index: 1, current: false },
  ]);
  expect((await readRow(ada?.id as string))?.revoked_at).not.toBe(null);
});

it('a sign-in whose answer was lost is repeated in its own place, and ends nothing', async () => {
  const { provider, jar, signIn, list } = await startWithProvider();
  await signIn('ada');
  const nonce = 'a-nonce-of-sixteen-or-more';
  const token = await provider.idToken({ sub: 'bob', nonce });
  const key = { 'idempotency-key': 'k1' };
  const before = new Map(jar);
  await signIn('bob', key, token);
  // Once without the answer, and once with it.
  const withAnswer = new Map(jar);
  for (const jarNow of [before, withAnswer]) {
    jar.clear();
    for (const [name, value] of jarNow) jar.set(name, value);
    expect((await signIn('bob', key, token)).status).toBe(201);
    expect(await list()).toMatchObject([
      { index: 0, current: false },
      { index: 1, current: true },
    ]);
  }
});

it('an ID token of a sixth person is refused, and leaves no session that nobody holds', async () => {
  const { signIn, list } = await startWithProvider();
  for (const sub of ['a', 'b', 'c', 'd', 'e']) expect((await signIn(sub)).status).toBe(201);
  const refused = await signIn('f');
  expect([refused.status, await refused.json()]).toMatchObject([
    409,
    { code: 'too_many_accounts' },
  ]);
  expect(refused.headers.getSetCookie()).toEqual([]);
  expect(await list()).toHaveLength(5);
  const live = await env.DB.prepare(
    'SELECT count(*) AS n FROM user_sessions WHERE revoked_at IS NULL',
  ).first<{ n: number }>();
  expect(live?.n).toBe(5);
  expect((await signIn('c')).status).toBe(201);
});

it('an ID token that is refused in a full browser is not used up, and ends no other device', async () => {
  const sessions = { max_per_user: 1, limit_policy: 'evict_oldest' };
  const { provider, jar, signIn, list } = await startWithProvider({ sessions });
  await signIn('f');
  const phone = new Map(jar);
  jar.clear();
  for (const sub of ['a', 'b', 'c', 'd', 'e']) expect((await signIn(sub)).status).toBe(201);
  const nonce = 'a-nonce-of-sixteen-or-more';
  const token = await provider.idToken({ sub: 'f', nonce });
  expect((await signIn('f', {}, token)).status).toBe(409);
  const full = new Map(jar);
  jar.clear();
  for (const [name, value] of phone) jar.set(name, value);
  expect(await list()).toHaveLength(1);

  jar.clear();
  for (const [name, value] of full) jar.set(name, value);
  jar.delete('__Host-session-2');
  jar.delete('__Host-access-2');
  expect((await signIn('f', {}, token)).status).toBe(201);
  expect(await list()).toHaveLength(5);
});
