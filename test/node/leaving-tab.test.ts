/**
 * One tab signs out, and another asks the service meanwhile: in whatever order it hears of the two,
 * it tells its app the reason that the first one has.
 */
import { get } from 'node:http';
import { afterEach, expect, inject, it } from 'vitest';
import { createSessionClient, type SessionClient } from '../../src/client/browser/index.ts';

const origin = inject('origin');
const Channel = globalThis.BroadcastChannel;

let jar: Map<string, string>;
const opened: SessionClient[] = [];
afterEach(() => {
  globalThis.BroadcastChannel = Channel;
  for (const client of opened.splice(0)) client.close();
});

function keep(lines: string[]): void {
  for (const line of lines) {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
    if (value === '') jar.delete(name);
    else jar.set(name, value);
  }
}

/** As a browser does: both tabs have the same cookies. */
async function ask(url: string, init: RequestInit = {}): Promise<Response> {
  const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
  const headers = { ...(init.headers as Record<string, string>), origin, cookie };
  const response = await fetch(url, { ...init, headers, redirect: 'manual' });
  keep(response.headers.getSetCookie());
  return response;
}

async function signIn(): Promise<void> {
  jar = new Map();
  const started = await ask(`${origin}/demo`, { method: 'POST' });
  const url = new URL(started.headers.get('location') ?? '', origin);
  // A navigation: `fetch` would say that it is none.
  await new Promise<void>((done) => {
    get(url, { headers: { 'sec-fetch-site': 'same-origin' } }, (response) => {
      keep(response.headers['set-cookie'] ?? []);
      response.resume().once('end', done);
    });
  });
  expect([...jar.keys()]).toContain('__Host-session');
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

interface Order {
  /** How late the other tab hears that this one is leaving, and that it has left, in ms. */
  leaving: number;
  left: number;
  /** How late the other tab sees what the service answers. */
  answer: number;
  /** Whether the other tab asks before the cookies are gone, or after. */
  asks: 'before' | 'after';
}

/**
 * A tab; `late` is how late the others hear what it says, and `hold` keeps what it is answered. It
 * waits `slowness` times as long as it does by itself for what another tab has to say: a message
 * that is late by one of the times below is never later than it waits, on any machine.
 */
function openTab(
  late: (message: object) => number,
  hold: () => unknown,
  slowness = 10,
): SessionClient {
  globalThis.BroadcastChannel = class extends Channel {
    override postMessage(message: object): void {
      const ms = late(message);
      if (ms === 0) super.postMessage(message);
      else setTimeout(() => super.postMessage(message), ms);
    }
  } as typeof Channel;
  const client = createSessionClient({
    mode: 'cookie',
    baseUrl: origin,
    fetch: async (url, init) => {
      const response = await ask(String(url), init as RequestInit);
      await hold();
      return response;
    },
    after: (ms, task) => {
      const timer = setTimeout(task, ms * slowness);
      return () => clearTimeout(timer);
    },
  });
  opened.push(client);
  return client;
}

const ORDERS: [string, Order][] = [
  ['hears at once of both', { leaving: 0, left: 0, answer: 0, asks: 'after' }],
  ['asks before it hears of either', { leaving: 80, left: 80, answer: 0, asks: 'after' }],
  ['hears of the end long after', { leaving: 80, left: 3_000, answer: 0, asks: 'after' }],
  ['is answered after it has heard', { leaving: 0, left: 0, answer: 300, asks: 'after' }],
  ['asked before, and is answered after', { leaving: 0, left: 0, answer: 300, asks: 'before' }],
];

it.each(ORDERS)('a tab that %s', async (_, { leaving, left, answer, asks }) => {
  await signIn();
  /** What the other tab's answers wait for. */
  let hold = (): unknown => undefined;
  const first = openTab(
    (message) => ('isLeaving' in message ? leaving : 'endedAt' in message ? left : 0),
    () => undefined,
  );
  const other = openTab(
    () => 0,
    () => hold(),
  );
  const reasons: (string | null)[] = [];
  other.onSignedOut((reason) => reasons.push(reason));
  expect([await first.refresh(), await other.refresh()]).toEqual(['active', 'active']);
  const isGone = Promise.withResolvers<void>();
  const isAnswered = Promise.withResolvers<void>();
  hold = async () => {
    isAnswered.resolve();
    await isGone.promise;
    await sleep(answer);
  };
  const asked = asks === 'before' ? other.refresh() : null;
  // The service has answered it, by the cookies that there still are.
  if (asked !== null) await isAnswered.promise;
  await first.signOut();
  expect(jar.size).toBe(0);
  isGone.resolve();
  expect(await (asked ?? other.refresh())).toBe('signed_out');
  await sleep(leaving + left);
  expect(reasons).toEqual(['signed_out']);
});

it('a tab that waits for its turn meanwhile asks as soon as the other has left', async () => {
  await signIn();
  const atOnce = () => 0;
  const first = openTab(atOnce, atOnce);
  expect(await first.refresh()).toBe('active');
  // Has the turn, and keeps it.
  const hasTurn = Promise.withResolvers<void>();
  openTab(atOnce, () => {
    hasTurn.resolve();
    return sleep(400);
  });
  await hasTurn.promise;
  // The moment in which it would ask nobody, for fear of cookies that come back, is a minute here.
  const waiting = openTab(atOnce, atOnce, 20);
  const asked = waiting.refresh();
  await first.signOut();
  expect(await Promise.race([asked, sleep(20_000)])).toBe('signed_out');
});

it('a tab whose cookies are gone although nobody signed out tells that there is no reason', async () => {
  await signIn();
  const tab = openTab(
    () => 0,
    () => undefined,
  );
  const reasons: (string | null)[] = [];
  tab.onSignedOut((reason) => reasons.push(reason));
  expect(await tab.refresh()).toBe('active');
  jar.clear();
  expect(await tab.refresh()).toBe('signed_out');
  await sleep(0);
  expect(reasons).toEqual([null]);
});
