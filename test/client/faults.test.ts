/**
 * What goes wrong around the client, in every mode, and how many requests it may cost: fault × mode
 * × number of refreshes. The service is the real one; what fails is a clock, an API, a proxy.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { type CookieClientOptions, createSessionClient } from '../../src/client/browser';
import { APP, ISSUER, type TestService } from '../fixtures';
import {
  type Jar,
  MEMORY_ORIGIN,
  MEMORY_WEB,
  signIn,
  startWithBrowsers,
} from '../http/browser/browser';
import { viaJar } from './via-jar';

type Mode = 'token' | 'memory' | 'cookie';
type Client = ReturnType<typeof createSessionClient>;
type Answer = (request: Request) => Response | undefined;

interface World {
  service: TestService;
  client: Client;
  /** What happens to requests before they reach the service. */
  intercept: Answer;
  refreshes(): number;
  signOuts(): number;
}

const API = `${ISSUER}/api/things`;
const MEMORY = { client_id: MEMORY_WEB, browser: { return_url: MEMORY_ORIGIN } };
const opened: Client[] = [];
afterEach(() => {
  for (const client of opened.splice(0)) client.close();
});

async function open(mode: Mode): Promise<World> {
  const service = await startWithBrowsers();
  const app = mode === 'memory' ? MEMORY : {};
  const { jar } = mode === 'token' ? { jar: new Map() as Jar } : await signIn(service, app);
  const sent: string[] = [];
  const world = { intercept: () => undefined } as unknown as World;
  const send: typeof fetch = async (input, init) => {
    const { keepalive, credentials, ...rest } = (init ?? {}) as RequestInit & {
      keepalive?: boolean;
      credentials?: string;
    };
    const request = new Request(input as RequestInfo, rest);
    sent.push(new URL(request.url).pathname);
    const answer = world.intercept(request);
    if (answer) return answer;
    if (mode === 'token') return service.app.fetch(request);
    const origin = mode === 'memory' ? MEMORY_ORIGIN : ISSUER;
    return viaJar(service, jar, request, origin);
  };
  const common = { baseUrl: ISSUER, fetch: send, now: () => service.clock.now };
  const client =
    mode === 'token'
      ? createSessionClient({ ...common, mode, clientId: APP })
      : createSessionClient({ ...common, mode } as CookieClientOptions);
  opened.push(client);
  if ('start' in client && mode === 'token') {
    const { start } = client as ReturnType<typeof createSessionClient> & {
      start(tokens: unknown): Promise<void>;
    };
    await start(await service.create({ client_id: APP }));
  }
  expect(await client.refresh()).toBe('active');
  sent.length = 0;
  const count = (pattern: RegExp) => sent.filter((path) => pattern.test(path)).length;
  return Object.assign(world, {
    service,
    client,
    refreshes: () => count(/token$|\/refresh$/),
    signOuts: () => count(/revoke$|sign-out/),
  });
}

const refusing: Answer = (request) =>
  request.url === API ? new Response(null, { status: 401 }) : undefined;
const answering: Answer = (request) => (request.url === API ? new Response() : undefined);
const proxy =
  (retryAfter: string): Answer =>
  () =>
    new Response('<html>', { status: 503, headers: { 'retry-after': retryAfter } });

/** Calls one after the other; the API's answers. */
async function call({ client }: World, times: number): Promise<number[]> {
  const statuses: number[] = [];
  for (let made = 0; made < times; made += 1) statuses.push((await client.fetch(API)).status);
  return statuses;
}

const HOUR_MS = 3_600_000;

/** What goes wrong, and between how many and how many refreshes it costs. */
const FAULTS: [string, (world: World) => Promise<unknown>, number, number][] = [
  [
    'a clock that was an hour ahead and is set right: 60 calls',
    async (world) => {
      world.intercept = answering;
      world.service.clock.now += HOUR_MS;
      // What is adopted by the wrong clock.
      await world.client.refresh();
      world.service.clock.now -= HOUR_MS;
      expect(new Set(await call(world, 60))).toEqual(new Set([200]));
    },
    2,
    2,
  ],
  [
    'a clock that was an hour behind and is set right: 60 calls',
    async (world) => {
      world.intercept = answering;
      world.service.clock.now += HOUR_MS;
      await call(world, 60);
    },
    1,
    1,
  ],
  [
    'a clock that is adjusted by a few milliseconds: 20 calls',
    async (world) => {
      world.intercept = answering;
      world.service.clock.now -= 20;
      await call(world, 20);
    },
    0,
    0,
  ],
  [
    'an API that always answers 401: 20 calls',
    async (world) => {
      world.intercept = refusing;
      expect(new Set(await call(world, 20))).toEqual(new Set([401]));
      expect(world.client.session).toBe('active');
    },
    1,
    1,
  ],
  [
    'an API that always answers 401: 20 calls at once, twice',
    async (world) => {
      world.intercept = refusing;
      await Promise.all(Array.from({ length: 20 }, () => world.client.fetch(API)));
      await Promise.all(Array.from({ length: 20 }, () => world.client.fetch(API)));
    },
    1,
    1,
  ],
  [
    'an API that always answers 401 to streams: 20 calls',
    async (world) => {
      world.intercept = refusing;
      for (let made = 0; made < 20; made += 1) {
        const body = new Blob(['text']).stream();
        await world.client.fetch(API, { method: 'POST', body });
      }
    },
    1,
    1,
  ],
  [
    'an API that refuses, then works, then refuses',
    async (world) => {
      world.intercept = refusing;
      await call(world, 5);
      world.intercept = answering;
      await call(world, 1);
      world.intercept = refusing;
      await call(world, 5);
    },
    2,
    2,
  ],
  [
    'an API that wants a stronger sign-in (RFC 9470 §3): 5 calls',
    async (world) => {
      const challenge = 'Bearer error="insufficient_user_authentication", max_age="300"';
      world.intercept = ({ url }) =>
        url === API
          ? new Response(null, { status: 401, headers: { 'www-authenticate': challenge } })
          : undefined;
      expect(await call(world, 5)).toEqual(Array(5).fill(401));
    },
    0,
    0,
  ],
  [
    'Retry-After: 3600 of a proxy: nothing for two minutes, then on',
    async (world) => {
      world.intercept = proxy('3600');
      await world.client.refresh().catch(() => {});
      world.intercept = () => undefined;
      await expect(world.client.refresh()).rejects.toThrow();
      world.service.advance(121);
      expect(await world.client.refresh()).toBe('active');
    },
    2,
    2,
  ],
  [
    'Retry-After: 3600, and the clock is set back by an hour',
    async (world) => {
      world.intercept = proxy('3600');
      await world.client.refresh().catch(() => {});
      world.intercept = () => undefined;
      world.service.clock.now -= HOUR_MS;
      expect(await world.client.refresh()).toBe('active');
    },
    2,
    2,
  ],
  [
    'Retry-After: 3600, and the person signs out',
    async (world) => {
      world.intercept = proxy('3600');
      await world.client.refresh().catch(() => {});
      world.intercept = () => undefined;
      await world.client.signOut();
      expect(world.client.session).toBe('signed_out');
      expect(world.signOuts()).toBe(1);
    },
    1,
    1,
  ],
];

describe.each<Mode>(['token', 'memory', 'cookie'])('in the mode %s', (mode) => {
  it.each(FAULTS)('%s', async (_, happen, least, most) => {
    const world = await open(mode);
    await happen(world);
    expect(world.refreshes()).toBeGreaterThanOrEqual(least);
    expect(world.refreshes()).toBeLessThanOrEqual(most);
  });
});
