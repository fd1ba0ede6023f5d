/** An app with two APIs, each of an audience of its own (RFC 9068 §4), and one session. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createSessionClient } from '../../src/client/browser';
import { APP, BACKEND, ISSUER, startService, type TestService } from '../fixtures';
import { verifierOf } from './verifier';

const ORDERS = 'https://orders.example';
const STOCK = 'https://stock.example';

let service: TestService;
let sent: { url: string; authorization: string | null }[];
let client: ReturnType<typeof open>;

beforeEach(() => {
  sent = [];
});
afterEach(() => client.close());

/** The service with both audiences, and what the app's entry says of them. */
async function start(app: object = {}): Promise<void> {
  const { CLIENTS } = (await startService()).env;
  const entries = JSON.parse(CLIENTS ?? '[]') as { client_id: string }[];
  const clients = entries.map((entry) => ({
    ...entry,
    ...(entry.client_id === APP && app),
    ...(entry.client_id === BACKEND.id && { serves: [ORDERS] }),
  }));
  const AUDIENCE = JSON.stringify([ORDERS, STOCK]);
  service = await startService({ AUDIENCE, CLIENTS: JSON.stringify(clients) });
}

function open() {
  const apis: Record<string, ReturnType<typeof verifierOf>> = {
    [ORDERS]: verifierOf(service, { audience: ORDERS }),
    [STOCK]: verifierOf(service, { audience: STOCK }),
  };
  const send: typeof fetch = async (input, init = {}) => {
    const { keepalive, ...rest } = init as RequestInit & { keepalive?: boolean };
    const request = new Request(input as RequestInfo, rest);
    const authorization = request.headers.get('authorization');
    sent.push({ url: request.url, authorization });
    const api = apis[new URL(request.url).origin];
    if (!api) return service.app.fetch(request);
    const verdict = await api.verify(authorization?.replace('Bearer ', '') ?? '');
    return new Response(null, { status: verdict.ok ? 200 : 401 });
  };
  return createSessionClient({
    mode: 'token',
    clientId: APP,
    baseUrl: ISSUER,
    resources: [ORDERS, STOCK],
    fetch: send,
    now: () => service.clock.now,
  });
}

const call = async (api: string) => (await client.fetch(`${api}/things`)).status;
const refreshes = () => sent.filter(({ url }) => url.endsWith('/oauth/token')).length;

it('both take the one token, which is for both, and share its refreshes', async () => {
  await start();
  client = open();
  await client.start(await service.create({ client_id: APP }));
  for (const api of [ORDERS, STOCK, ORDERS]) expect(await call(api)).toBe(200);
  expect(new Set(sent.map(({ authorization }) => authorization)).size).toBe(1);
  service.advance(301);
  for (const api of [ORDERS, STOCK, ORDERS]) expect(await call(api)).toBe(200);
  expect(refreshes()).toBe(1);
});

it('one that the session is not for refuses it, at one refresh for each life of a token', async () => {
  await start({ audiences: [ORDERS] });
  client = open();
  await client.start(await service.create({ client_id: APP }));
  for (let times = 0; times < 5; times += 1) {
    expect(await call(STOCK)).toBe(401);
    expect(await call(ORDERS)).toBe(200);
  }
  expect(refreshes()).toBe(1);
  expect(client.session).toBe('active');
});
