/** Whose session it is, as the client for apps tells it: in every mode, and at what cost. */
import { decodeJwt } from 'jose';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ClientOptions, createSessionClient } from '../../src/client/browser';
import { APP, ISSUER, type TestService } from '../fixtures';
import {
  handOff,
  type Jar,
  MEMORY_ORIGIN,
  MEMORY_WEB,
  readSetCookies,
  SAME_ORIGIN,
  start,
  startWithBrowsers,
} from '../http/browser/browser';
import { USER } from '../people';

const MODES = ['token', 'memory', 'cookie'] as const;
const SESSION = {
  user_id: USER,
  amr: ['pwd'],
  acr: 'urn:acr:2',
  auth_time: 1_767_220_000,
  claims: { plan: 'größer' },
};

let service: TestService;
let jar: Jar;
let refreshes: number;
/** What becomes of an answer of the service. */
let change: (body: Record<string, unknown>) => void;
let client: ReturnType<typeof createSessionClient>;

beforeEach(async () => {
  service = await startWithBrowsers();
  [jar, refreshes, change] = [new Map(), 0, () => {}];
});
afterEach(() => client.close());

async function open(mode: (typeof MODES)[number], session: Record<string, unknown> = SESSION) {
  const origin = mode === 'memory' ? MEMORY_ORIGIN : ISSUER;
  const send: typeof fetch = async (input, init = {}) => {
    const { keepalive, credentials, ...rest } = init as RequestInit & Record<string, unknown>;
    const request = new Request(input as RequestInfo, rest);
    const { pathname } = new URL(request.url);
    if (/token$|refresh$/.test(pathname)) refreshes += 1;
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const site = origin === ISSUER ? 'same-origin' : 'same-site';
    const own = { ...SAME_ORIGIN, origin, 'sec-fetch-site': site, ...(cookie && { cookie }) };
    const headers = mode === 'token' ? Object.fromEntries(request.headers) : own;
    const body = await request.text();
    const response = await service.request(pathname, { method: request.method, headers, body });
    for (const { name, value } of readSetCookies(response)) jar.set(name, value);
    const answer = (await response.json()) as Record<string, unknown>;
    change(answer);
    return Response.json(answer, { status: response.status });
  };
  // A page that comes from a sign-in has its cookies before its client.
  if (mode !== 'token') {
    const target = { client_id: MEMORY_WEB, browser: { return_url: MEMORY_ORIGIN } };
    const { browser } = await handOff(service, { ...session, ...(mode === 'memory' && target) });
    await start(service, jar, browser.start_url);
  }
  const common = { baseUrl: ISSUER, fetch: send, now: () => service.clock.now };
  const options = mode === 'token' ? { ...common, mode, clientId: APP } : { ...common, mode };
  client = createSessionClient(options as ClientOptions & { mode: 'token' });
  if (mode !== 'token') return;
  const tokens = await service.create({ client_id: APP, ...session });
  await (
    client as ReturnType<typeof createSessionClient> & { start: (t: unknown) => Promise<void> }
  ).start(tokens);
}

describe.each(MODES)('in the mode %s', (mode) => {
  it('tells the user and the claims, for one refresh', async () => {
    await open(mode);
    const found = await client.getSession();
    expect(found).toEqual({
      sub: USER,
      sid: expect.any(String),
      home: 'DB',
      client_id: expect.any(String),
      amr: ['pwd'],
      acr: 'urn:acr:2',
      auth_time: 1_767_220_000,
      plan: 'größer',
    });
    for (let call = 0; call < 5; call += 1) expect(await client.getSession()).toEqual(found);
    expect(refreshes).toBe(1);
  });

  it('says what the access token says', async () => {
    await open(mode);
    const found = await client.getSession();
    const token =
      mode === 'cookie'
        ? (jar.get('__Host-access') as string)
        : await (client as unknown as { getAccessToken(): Promise<string> }).getAccessToken();
    const { iss, aud, iat, exp, jti, ...said } = decodeJwt(token);
    expect(found).toEqual(said);
  });

  it('a guest has no user', async () => {
    await open(mode, {});
    const found = await client.getSession();
    expect(found).toMatchObject({ guest: true, sub: found?.sid });
  });

  it('a service that tells none is asked once, not at every call', async () => {
    change = (body) => {
      delete body.claims;
    };
    await open(mode);
    for (let call = 0; call < 10; call += 1) expect(await client.getSession()).toBe(null);
    expect(refreshes).toBeLessThanOrEqual(2);
    expect(client.session).toBe('active');
  });

  it('has listeners told of other claims, and of no refresh that tells the same', async () => {
    let plan = 'small';
    change = (body) => {
      if (body.claims) body.claims = { ...body.claims, plan };
    };
    await open(mode);
    await client.getSession();
    const told: unknown[] = [];
    client.onChange((state) => told.push(state));
    client.onSignedOut((reason) => told.push(reason));
    for (plan of ['small', 'large', 'large']) await client.refresh();
    await Promise.resolve();
    expect(told).toEqual(['active']);
    expect(await client.getSession()).toMatchObject({ plan: 'large' });
  });

  it('is null after the session has ended', async () => {
    await open(mode);
    await client.getSession();
    await service.backend('DELETE', `/v1/users/${USER}/sessions`);
    service.advance(300);
    expect(await client.getSession()).toBe(null);
    expect(client.session).toBe('signed_out');
  });
});

it('has listeners told of another person in place of the one before', async () => {
  await open('token');
  await client.getSession();
  const told: unknown[] = [];
  client.onChange((state) => told.push(state));
  const other = '0d9c5f0e-8a55-4f0c-b1f5-0a6f7f1b2c3d';
  const tokens = await service.create({ client_id: APP, user_id: other });
  await (client as unknown as { start(tokens: unknown): Promise<void> }).start(tokens);
  expect(await client.getSession()).toMatchObject({ sub: other });
  expect(told.length).toBeGreaterThan(0);
  expect(new Set(told)).toEqual(new Set(['active']));
});

it('has listeners told of another person also where neither has been told of yet', async () => {
  await open('token');
  const told: unknown[] = [];
  client.onChange((state) => told.push(state));
  const tokens = await service.create({ client_id: APP, user_id: USER });
  await (client as unknown as { start(tokens: unknown): Promise<void> }).start(tokens);
  expect(told).toEqual(['active']);
});
