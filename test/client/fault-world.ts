/** A client in one of the three modes, and the real service, between which something may fail. */
import { afterEach, expect } from 'vitest';
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

export type Mode = 'token' | 'memory' | 'cookie';
export type Client = ReturnType<typeof createSessionClient>;
export type Answer = (request: Request) => Response | undefined | Promise<Response | undefined>;

export interface World {
  service: TestService;
  client: Client;
  /** What happens to requests before they reach the service. */
  intercept: Answer;
  refreshes(): number;
  /** What `onError` was told. */
  errors: unknown[];
  /** Paths of what was sent, in order. */
  sent: string[];
  signOuts(): number;
}

export const API = `${ISSUER}/api/things`;
const MEMORY = { client_id: MEMORY_WEB, browser: { return_url: MEMORY_ORIGIN } };
const SPEED = 50;
const opened: Client[] = [];
afterEach(() => {
  for (const client of opened.splice(0)) client.close();
});

export async function open(mode: Mode): Promise<World> {
  const service = await startWithBrowsers();
  const app = mode === 'memory' ? MEMORY : {};
  const { jar } = mode === 'token' ? { jar: new Map() as Jar } : await signIn(service, app);
  const sent: string[] = [];
  const errors: unknown[] = [];
  const world = { intercept: () => undefined } as unknown as World;
  const send: typeof fetch = async (input, init) => {
    const { keepalive, credentials, ...rest } = (init ?? {}) as RequestInit & {
      keepalive?: boolean;
      credentials?: string;
    };
    const request = new Request(input as RequestInfo, rest);
    sent.push(new URL(request.url).pathname);
    const answer = await world.intercept(request);
    if (answer) return answer;
    if (mode === 'token') return service.app.fetch(request);
    const origin = mode === 'memory' ? MEMORY_ORIGIN : ISSUER;
    return viaJar(service, jar, request, origin);
  };
  const common = {
    baseUrl: ISSUER,
    fetch: send,
    now: () => service.clock.now,
    onError: (error: unknown) => errors.push(error),
    // Waits are waited for, in a fiftieth of the time.
    after: (ms: number, task: () => void) => {
      const timer = setTimeout(task, ms / SPEED);
      return () => clearTimeout(timer);
    },
    // But the service has the time for an answer that it has elsewhere.
    timeoutMs: 10_000 * SPEED,
  };
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
    sent,
    errors,
    refreshes: () => count(/token$|\/refresh$/),
    signOuts: () => count(/revoke$|sign-out/),
  });
}

export const refusing: Answer = (request) =>
  request.url === API ? new Response(null, { status: 401 }) : undefined;
export const answering: Answer = (request) => (request.url === API ? new Response() : undefined);
export const proxy =
  (retryAfter: string): Answer =>
  () =>
    new Response('<html>', { status: 503, headers: { 'retry-after': retryAfter } });

/** Calls one after the other; the API's answers. */
export async function call({ client }: World, times: number): Promise<number[]> {
  const statuses: number[] = [];
  for (let made = 0; made < times; made += 1) statuses.push((await client.fetch(API)).status);
  return statuses;
}

export const MODES: Mode[] = ['token', 'memory', 'cookie'];
export const HOUR_MS = 3_600_000;

/** What goes wrong, and between how many and how many refreshes it costs. */
export type Fault = [string, (world: World) => Promise<unknown>, number, number];

export async function tryFault(
  mode: Mode,
  happen: Fault[1],
  least: number,
  most: number,
): Promise<void> {
  const world = await open(mode);
  await happen(world);
  expect(world.refreshes()).toBeGreaterThanOrEqual(least);
  expect(world.refreshes()).toBeLessThanOrEqual(most);
}
