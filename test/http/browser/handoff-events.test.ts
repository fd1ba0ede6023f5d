/**
 * What the security log tells of a sign-in by the hand-off: it starts in the browser that exchanges
 * the code, so it is told then, once, of that browser and of where it is. The backend does here
 * what the documentation has it do: it says nothing of the device.
 */
import { env } from 'cloudflare:test';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { readRow, type TestService } from '../../fixtures';
import { USER } from '../../people';
import { AT, UA } from '../../risk/callers';
import { endpoint, openReceiver, outliving, verify } from '../../webhooks/receiver';
import { handOff, type Jar, NAVIGATION, readSetCookies, startWithBrowsers } from './browser';

let service: TestService;

beforeEach(async () => {
  await env.DB.exec('DELETE FROM user_sessions; DELETE FROM users; DELETE FROM session_events');
  vi.spyOn(console, 'log').mockImplementation(() => {});
  vi.spyOn(console, 'warn').mockImplementation(() => {});
  service = await startWithBrowsers();
});
afterEach(() => vi.restoreAllMocks());

const HOME = { userAgent: UA.chrome(), ...AT.home };

/** A browser opens the start URL, from where it is. */
async function open(
  startUrl: string,
  { userAgent, address, cf }: typeof HOME = HOME,
  jar: Jar = new Map(),
): Promise<Response> {
  const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
  const headers = {
    ...NAVIGATION,
    'user-agent': userAgent,
    'cf-connecting-ip': address,
    ...(cookie && { cookie }),
  };
  const response = await service.app.request(new Request(startUrl, { headers, cf }));
  for (const { name, value } of readSetCookies(response)) jar.set(name, value);
  return response;
}

async function signInFrom(device: typeof HOME, body: Record<string, unknown> = {}) {
  const { session, browser } = await handOff(service, { user_id: USER, ...body });
  expect((await open(browser.start_url, device)).status).toBe(303);
  return session;
}

interface Event {
  type: string;
  session_id: string;
  [name: string]: unknown;
}

async function events(userId = USER): Promise<Event[]> {
  const response = await service.backend('GET', `/v1/users/${userId}/events`);
  return ((await response.json()) as { events: Event[] }).events;
}
const typesOf = (found: Event[]) => found.map(({ type }) => type);

it('`session_created` is written by the exchange, with the browser and its place', async () => {
  const { session, browser } = await handOff(service, { user_id: USER });
  expect(await events()).toEqual([]);
  service.advance(5);
  await open(browser.start_url);
  expect(await events()).toEqual([
    expect.objectContaining({
      type: 'session_created',
      session_id: session.id,
      created_at: '2026-01-01T00:00:05Z',
      by: 'client',
      by_client_id: 'backend',
      client_id: 'web',
      device: 'Chrome on Windows',
      ip_address: AT.home.address,
      location: { country: 'FR', region: null, city: 'Paris' },
    }),
  ]);
});

it('a browser that the user was never seen in raises `new_device`, with its place', async () => {
  await signInFrom(HOME);
  await signInFrom({ userAgent: UA.chrome(142), ...AT.office });
  expect(typesOf(await events())).toEqual(['session_created', 'session_created']);
  const session = await signInFrom({ userAgent: UA.firefox(), ...AT.lima });
  expect((await events()).slice(0, 2)).toEqual([
    expect.objectContaining({
      type: 'new_device',
      session_id: session.id,
      device: 'Firefox on Linux',
      location: { country: 'PE', region: null, city: 'Lima' },
    }),
    expect.objectContaining({ type: 'session_created', session_id: session.id }),
  ]);
});

it('a session that no browser has fetched makes the first sign-in no new device', async () => {
  await handOff(service, { user_id: USER });
  await signInFrom(HOME);
  expect(typesOf(await events())).toEqual(['session_created']);
});

it('is told of the browser also where the backend has described another', async () => {
  const described = { user_agent: UA.iphone(), ip_address: AT.newYork.address };
  const session = await signInFrom(HOME, described);
  const found = await events();
  expect(typesOf(found)).toEqual(['mismatch', 'session_created']);
  expect(found[1]).toMatchObject({ device: 'Chrome on Windows', ip_address: AT.home.address });
  // The session is compared with what the backend said of it, as before.
  expect(await readRow(session.id)).toMatchObject({ user_agent: UA.iphone() });
});

it('is written once, of any number of browsers at once and where the answer was lost', async () => {
  const { browser } = await handOff(service, { user_id: USER });
  service.database.faults = [{ after: 'D1_ERROR: Network connection lost' }];
  const answers = await Promise.all(Array.from({ length: 8 }, () => open(browser.start_url)));
  expect(answers.filter(({ status }) => status === 303)).toHaveLength(1);
  expect(typesOf(await events())).toEqual(['session_created']);
});

it('a code that is refused writes nothing', async () => {
  const { browser } = await handOff(service, { user_id: USER });
  service.advance(60);
  expect((await open(browser.start_url)).status).toBe(400);
  const ended = await handOff(service, { user_id: USER });
  await service.backend('DELETE', `/v1/users/${USER}/sessions`);
  expect((await open(ended.browser.start_url)).status).toBe(400);
  expect(typesOf(await events())).not.toContain('session_created');
});

it('a guest has a log of their own, and no new device', async () => {
  const { session, browser } = await handOff(service);
  await open(browser.start_url);
  const own = await env.DB.prepare('SELECT type, subject FROM session_events').all();
  expect(own.results).toEqual([{ type: 'session_created', subject: session.id }]);
});

it('webhooks and the log are told once, also where the browser had a session before', async () => {
  const log = vi.spyOn(console, 'log').mockImplementation(() => {});
  const receiver = openReceiver();
  const events = ['session_created', 'new_device', 'session_revoked'];
  service = await startWithBrowsers(
    { WEBHOOKS: JSON.stringify([endpoint('team', { events })]) },
    { now: Math.floor(Date.now() / 1000) * 1000 },
    receiver.send,
  );
  const jar: Jar = new Map();
  const first = await handOff(service, { user_id: USER });
  await outliving(service, () => open(first.browser.start_url, HOME, jar));
  const second = await handOff(service, { user_id: USER });
  expect(receiver.arrived).toHaveLength(1);
  const firefox = { userAgent: UA.firefox(), ...AT.lima };
  await outliving(service, () => open(second.browser.start_url, firefox, jar));
  const told = receiver.arrived.map((message) => verify(message) as { type: string; data: Event });
  expect(told.map(({ type, data }) => [type, data.session_id]).sort()).toEqual(
    [
      ['session_created', first.session.id],
      ['session_revoked', first.session.id],
      ['session_created', second.session.id],
      ['new_device', second.session.id],
    ].sort(),
  );
  expect(told.find(({ type }) => type === 'new_device')?.data.device).toBe('Firefox on Linux');
  // The log line of an event names it, and each has one.
  const lines = log.mock.calls.map(([line]) => JSON.parse(line) as Event);
  const named = lines.filter(({ event_id }) => event_id).map(({ event_id }) => event_id);
  expect(named.sort()).toEqual(receiver.arrived.map(({ id }) => id).sort());
  const left = await env.DB.prepare('SELECT count(*) AS n FROM webhook_deliveries').first();
  expect(left).toEqual({ n: 0 });
});
