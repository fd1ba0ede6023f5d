/**
 * Tokens for one API each (RFC 8707 §2.2), with the tokens of the app in its memory and with the
 * refresh token in a cookie: what each API is sent, and what it costs.
 */
import { decodeJwt } from 'jose';
import { afterEach, describe, expect, it } from 'vitest';
import {
  type BearerSessionClient,
  createSessionClient,
  type MemoryClientOptions,
  SessionUnavailableError,
  type TokenSessionClient,
} from '../../src/client/browser';
import { type AudienceClient, withAudience } from '../../src/client/browser/audience';
import { APP, BACKEND, ISSUER, readRow, type TestService } from '../fixtures';
import {
  type Jar,
  MEMORY_ORIGIN,
  MEMORY_WEB,
  signIn,
  startWithBrowsers,
} from '../http/browser/browser';
import { viaJar } from './via-jar';

const ORDERS = 'https://orders.example';
const STOCK = 'https://stock.example';
const AUDIENCE = JSON.stringify([ORDERS, STOCK]);
const MODES = ['token', 'memory'] as const;

interface World {
  service: TestService;
  session: BearerSessionClient;
  orders: AudienceClient;
  stock: AudienceClient;
  /** Whether an API refuses what it is sent. */
  refusing: Set<string>;
  /** The tokens that an API was sent. */
  sentTo(api: string): string[];
  refreshes(): number;
  /** What the database has of the refresh token after each of them. */
  stored: unknown[];
}

const opened: { close(): void }[] = [];
afterEach(() => {
  for (const client of opened.splice(0)) client.close();
});

/** The service with both audiences. */
async function startWithApis(): Promise<TestService> {
  const { CLIENTS = '[]' } = (await startWithBrowsers()).env;
  const clients = (JSON.parse(CLIENTS) as { client_id: string }[]).map((client) =>
    client.client_id === BACKEND.id ? { ...client, serves: [ORDERS] } : client,
  );
  return startWithBrowsers({ AUDIENCE, CLIENTS: JSON.stringify(clients) });
}

async function open(mode: (typeof MODES)[number]): Promise<World> {
  const service = await startWithApis();
  const app = { client_id: MEMORY_WEB, browser: { return_url: MEMORY_ORIGIN } };
  const jar: Jar = mode === 'memory' ? (await signIn(service, app)).jar : new Map();
  service.advance(31);
  const sent: { url: string; token: string }[] = [];
  const refusing = new Set<string>();
  const stored: unknown[] = [];
  const send: typeof fetch = async (input, init = {}) => {
    const { keepalive, credentials, ...rest } = init as RequestInit & Record<string, unknown>;
    const request = new Request(input as RequestInfo, rest as RequestInit);
    const token = (request.headers.get('authorization') ?? '').replace('Bearer ', '');
    sent.push({ url: request.url, token });
    const { origin } = new URL(request.url);
    if (origin !== ISSUER) return new Response(null, { status: refusing.has(origin) ? 401 : 200 });
    const response = await (mode === 'token'
      ? service.app.fetch(request)
      : viaJar(service, jar, request, MEMORY_ORIGIN));
    const { claims } = await response
      .clone()
      .json<{ claims?: { sid: string } }>()
      .catch(() => ({ claims: undefined }));
    if (claims) stored.push((await readRow(claims.sid))?.refresh_token);
    return response;
  };
  const common = {
    baseUrl: ISSUER,
    resources: [ORDERS, STOCK],
    fetch: send,
    now: () => service.clock.now,
  };
  const session =
    mode === 'token'
      ? createSessionClient({ ...common, mode, clientId: APP })
      : createSessionClient({ ...common, mode } as MemoryClientOptions);
  opened.push(session);
  if (mode === 'token')
    await (session as TokenSessionClient).start(await service.create({ client_id: APP }));
  else await session.refresh();
  service.advance(31);
  sent.length = 0;
  stored.length = 0;
  return {
    stored,
    service,
    session,
    orders: withAudience(session, ORDERS),
    stock: withAudience(session, STOCK),
    refusing,
    sentTo: (api) => sent.filter(({ url }) => url.startsWith(api)).map(({ token }) => token),
    refreshes: () => sent.filter(({ url }) => /token$|\/refresh$/.test(url)).length,
  };
}

const audienceOf = (token: string | null | undefined) => decodeJwt(token ?? '').aud;

describe.each(MODES)('with %s', (mode) => {
  it('each API is sent a token for itself alone, which is kept as long as it is good', async () => {
    const { service, session, orders, stock, sentTo, refreshes } = await open(mode);
    for (let times = 0; times < 3; times += 1) {
      expect((await orders.fetch(`${ORDERS}/all`)).status).toBe(200);
      expect((await stock.fetch(`${STOCK}/all`)).status).toBe(200);
    }
    expect(sentTo(ORDERS).map(audienceOf)).toEqual(Array(3).fill(ORDERS));
    expect(sentTo(STOCK).map(audienceOf)).toEqual(Array(3).fill(STOCK));
    expect(refreshes()).toBe(2);
    // The session's own token is the one that it had, for both.
    expect(audienceOf(await session.getAccessToken())).toEqual([ORDERS, STOCK]);
    expect(refreshes()).toBe(2);
    service.advance(300);
    await orders.fetch(`${ORDERS}/all`);
    expect(new Set(sentTo(ORDERS)).size).toBe(2);
    expect(refreshes()).toBe(3);
  });

  it('calls at once share a refresh, and those of several APIs rotate the token once', async () => {
    const { session, orders, stock, refreshes, stored } = await open(mode);
    const tokens = await Promise.all([
      ...[orders, orders, stock, stock].map((api) => api.getAccessToken()),
      session.refresh().then(() => session.getAccessToken()),
    ]);
    expect(tokens.map(audienceOf)).toEqual([ORDERS, ORDERS, STOCK, STOCK, [ORDERS, STOCK]]);
    expect(refreshes()).toBe(3);
    expect(stored).toHaveLength(3);
    expect(new Set(stored).size).toBe(1);
  });

  it('many calls of several APIs at once, one by turns, cost a refresh for each', async () => {
    const { service, session, orders, stock, refreshes } = await open(mode);
    service.advance(400);
    const calls = Array.from({ length: 10 }, () => [
      orders.fetch(`${ORDERS}/all`),
      stock.fetch(`${STOCK}/all`),
      session.fetch(`${ORDERS}/mine`),
    ]);
    for (const { status } of await Promise.all(calls.flat())) expect(status).toBe(200);
    expect(refreshes()).toBe(3);
  });

  it('an API that refuses every token has its own replaced, once, and costs no other', async () => {
    const { orders, stock, refusing, sentTo, refreshes } = await open(mode);
    await stock.fetch(`${STOCK}/all`);
    refusing.add(ORDERS);
    for (let times = 0; times < 5; times += 1) {
      expect((await orders.fetch(`${ORDERS}/all`)).status).toBe(401);
      expect((await stock.fetch(`${STOCK}/all`)).status).toBe(200);
    }
    expect(new Set(sentTo(STOCK)).size).toBe(1);
    expect(new Set(sentTo(ORDERS)).size).toBe(2);
    // One for each, and one more against the 401.
    expect(refreshes()).toBe(3);
  });

  it('an audience that the session has no tokens for is an error that says so, and ends nothing', async () => {
    const { session } = await open(mode);
    const error = await withAudience(session, 'https://other.example')
      .getAccessToken()
      .catch((caught) => caught);
    expect(error).toBeInstanceOf(SessionUnavailableError);
    expect(error.code).toBe('invalid_target');
    expect(session.session).toBe('active');
    expect(await session.getAccessToken()).not.toBe(null);
  });

  it('signed out, there is none, and what was kept is sent to nobody', async () => {
    const { session, orders, sentTo, refreshes } = await open(mode);
    expect(await orders.getAccessToken()).not.toBe(null);
    await session.signOut();
    const before = refreshes();
    expect(await orders.getAccessToken()).toBe(null);
    await orders.fetch(`${ORDERS}/all`);
    expect(sentTo(ORDERS)).toEqual(['']);
    expect(refreshes()).toBe(before);
  });

  it('a refresh on request gives a new one for this API alone', async () => {
    const { session, orders } = await open(mode);
    const all = await session.getAccessToken();
    const before = await orders.getAccessToken();
    expect(await orders.refresh()).toBe('active');
    const after = await orders.getAccessToken();
    expect(audienceOf(after)).toBe(ORDERS);
    expect(after).not.toBe(before);
    expect(await session.getAccessToken()).toBe(all);
  });
});

it('the next person of the same app gets none of the one before', async () => {
  const { service, session, orders } = await open('token');
  const before = await orders.getAccessToken();
  await (session as TokenSessionClient).start(await service.create({ client_id: APP }));
  const after = await orders.getAccessToken();
  expect(decodeJwt(after ?? '').sid).not.toBe(decodeJwt(before ?? '').sid);
});

it('one that is asked for first leaves the session to get its own when that is needed', async () => {
  const { service, session, orders, refreshes } = await open('memory');
  service.advance(400);
  expect(audienceOf(await orders.getAccessToken())).toBe(ORDERS);
  expect(audienceOf(await session.getAccessToken())).toEqual([ORDERS, STOCK]);
  expect(refreshes()).toBe(2);
});

it('with cookies there is none', () => {
  const client = createSessionClient({
    mode: 'cookie',
    baseUrl: ISSUER,
    fetch: async () => new Response(),
  });
  opened.push(client);
  expect(() => withAudience(client as BearerSessionClient, ORDERS)).toThrow(TypeError);
});
