/** What whoever holds a token can write into the log, and have webhooks told, in an hour. */
import { env } from 'cloudflare:test';
import { base64url } from 'jose';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { CAPABILITIES } from '../../src/config/clients';
import { EVENTS_PER_HOUR } from '../../src/security-log/hourly-limit';
import { APP, BACKEND, basic, sha256Hex, startService, type TestService } from '../fixtures';
import { AT, UA } from '../risk/callers';

const GRACE = 30;
const HOUR = 3600;
const WEBHOOKS = JSON.stringify([
  {
    name: 'security',
    url: 'https://hooks.example/',
    secret: `whsec_${btoa('a secret of the tests, 32 bytes!')}`,
    events: ['mismatch', 'reauthentication_demanded', 'reuse_detected', 'authenticated'],
  },
]);
/** Everything is accepted and nothing is delivered, so that the outbox can be counted. */
const noReceiver = async () => new Response(null, { status: 503 });
const anyBrowser = (number: number) => ({ ...AT.lima, userAgent: UA.firefox(number) });

let user: string;
beforeEach(async () => {
  user = crypto.randomUUID();
  await env.DB.exec('DELETE FROM webhook_deliveries; DELETE FROM session_events');
  for (const level of ['log', 'warn', 'error'] as const)
    vi.spyOn(console, level).mockImplementation(() => {});
  return () => vi.restoreAllMocks();
});

const start = (variables = {}) =>
  startService({ RISK_POLICY: 'notify', WEBHOOKS, ...variables }, undefined, noReceiver);

interface LoggedEvent {
  type: string;
  left_out?: number;
}

/** A user's events of a type, newest first. */
async function eventsOf(service: TestService, type: string): Promise<LoggedEvent[]> {
  const response = await service.backend('GET', `/v1/users/${user}/events?limit=100`);
  const { events } = await response.json<{ events: LoggedEvent[] }>();
  return events.filter((event) => event.type === type);
}

async function countDeliveries(): Promise<number> {
  const row = await env.DB.prepare('SELECT count(*) AS n FROM webhook_deliveries').first();
  return row?.n as number;
}

/** A session whose last refresh was at home, just now. */
async function atHome(service: TestService) {
  const { refresh_token, session } = await service.create({ user_id: user });
  service.advance(GRACE);
  const from = { ...AT.home, userAgent: UA.chrome() };
  const { body } = await service.refresh(refresh_token, APP, from);
  return { refresh_token: body.refresh_token, session };
}

describe('whoever holds a token and calls itself by 200 names', () => {
  it.each([
    ['a refresh', 'notify', 'mismatch'],
    ['a refresh that is refused', 'reauthenticate', 'reauthentication_demanded'],
  ])(
    'at %s writes ten events an hour, and the last one counts the rest',
    async (_, policy, type) => {
      const service = await start({ RISK_POLICY: policy });
      const { refresh_token } = await atHome(service);
      for (let number = 0; number < 200; number += 1)
        await service.refresh(refresh_token, APP, anyBrowser(number));
      const events = await eventsOf(service, type);
      expect(events).toHaveLength(EVENTS_PER_HOUR);
      expect(events.map(({ left_out }) => left_out)).toEqual([190, ...Array(9).fill(undefined)]);
      expect(await countDeliveries()).toBe(EVENTS_PER_HOUR);

      service.advance(HOUR);
      await service.refresh(refresh_token, APP, anyBrowser(0));
      expect(await eventsOf(service, type)).toHaveLength(EVENTS_PER_HOUR + 1);
    },
  );

  it('in a cookie writes no more than at a refresh', async () => {
    const secret_sha256 = await sha256Hex(BACKEND.secret);
    const backend = {
      client_id: BACKEND.id,
      secret_sha256,
      allow: CAPABILITIES,
      for_clients: [APP],
    };
    const clients = [backend, { client_id: APP, origins: ['https://app.sessions.example'] }];
    const service = await start({ CLIENTS: JSON.stringify(clients) });
    const { refresh_token } = await atHome(service);
    const cookie = `__Host-session=${base64url.encode(APP)}~${refresh_token}`;
    for (let number = 0; number < 30; number += 1) {
      const headers = { cookie, 'user-agent': UA.firefox(number), 'sec-fetch-site': 'none' };
      expect((await service.request('/browser/session', { headers })).status).toBe(200);
    }
    const [last, ...others] = await eventsOf(service, 'mismatch');
    expect(others).toHaveLength(EVENTS_PER_HOUR - 1);
    expect(last?.left_out).toBe(20);
    expect(await countDeliveries()).toBe(EVENTS_PER_HOUR);
  });

  it('leaves room for what differs much, however often something differs a little', async () => {
    const service = await start({ RISK_POLICY: 'notify' });
    const { refresh_token } = await atHome(service);
    for (let number = 0; number < 2 * EVENTS_PER_HOUR; number += 1)
      await service.refresh(refresh_token, APP, {
        ...AT.home,
        userAgent: UA.chromeOnAndroid(141 + number),
      });
    const medium = await eventsOf(service, 'mismatch');
    expect(medium).toHaveLength(EVENTS_PER_HOUR);
    await service.refresh(refresh_token, APP, anyBrowser(0));
    const all = await eventsOf(service, 'mismatch');
    expect(all).toHaveLength(EVENTS_PER_HOUR + 1);
    expect(await countDeliveries()).toBe(EVENTS_PER_HOUR + 1);
  });

  it('is not counted for what is reported already', async () => {
    const service = await start();
    const { refresh_token } = await atHome(service);
    for (let number = 0; number < 12; number += 1)
      await service.refresh(refresh_token, APP, anyBrowser(number));
    service.database.rowsWritten = 0;
    for (let again = 0; again < 3; again += 1)
      await service.refresh(refresh_token, APP, anyBrowser(4));
    expect(service.database.rowsWritten).toBe(0);
    expect((await eventsOf(service, 'mismatch'))[0]?.left_out).toBe(2);
  });

  it('makes a count that ends, and nothing is written from there on', async () => {
    const service = await start();
    const { refresh_token } = await atHome(service);
    for (let number = 0; number < 11; number += 1)
      await service.refresh(refresh_token, APP, anyBrowser(number));
    await env.DB.exec(
      `UPDATE session_events SET details = json_set(details, '$.left_out', 999) WHERE details ->> '$.left_out' = 1`,
    );
    service.database.rowsWritten = 0;
    for (let number = 11; number < 15; number += 1)
      await service.refresh(refresh_token, APP, anyBrowser(number));
    expect(service.database.rowsWritten).toBe(1);
    expect((await eventsOf(service, 'mismatch'))[0]?.left_out).toBe(1_000);
  });

  it('still refreshes, also when the answer of a database is lost that reported no event', async () => {
    const service = await start();
    const { refresh_token } = await atHome(service);
    for (let number = 0; number < EVENTS_PER_HOUR; number += 1)
      await service.refresh(refresh_token, APP, anyBrowser(number));
    service.advance(GRACE);
    service.database.faults = [null, { after: 'Network connection lost.' }];
    const rotated = await service.refresh(refresh_token, APP, anyBrowser(50));
    expect(rotated.status).toBe(200);
    const again = await service.refresh(refresh_token, APP, anyBrowser(50));
    expect(again.body.refresh_token).toBe(rotated.body.refresh_token);
  });
});

it('a thief with a drawer of superseded tokens writes ten events an hour, wherever they are shown', async () => {
  const service = await start();
  const { refresh_token } = await service.create({ user_id: user, client_id: BACKEND.id });
  const superseded = [refresh_token];
  const authorization = basic(BACKEND);
  for (let step = 0; step < 15; step += 1) {
    service.advance(GRACE);
    const fields = { grant_type: 'refresh_token', refresh_token: superseded.at(-1) as string };
    const refreshed = await service.form('/oauth/token', fields, { authorization });
    superseded.push((await refreshed.json<{ refresh_token: string }>()).refresh_token);
  }
  service.advance(GRACE);
  for (const token of superseded.slice(0, 13)) {
    const answer = await service.form('/oauth/introspect', { token }, { authorization });
    expect(await answer.json()).toEqual({ active: false });
  }
  const [last, ...others] = await eventsOf(service, 'reuse_detected');
  expect(others).toHaveLength(EVENTS_PER_HOUR - 1);
  expect(last?.left_out).toBe(3);
  expect(await countDeliveries()).toBe(EVENTS_PER_HOUR);
});

it('step-ups beyond ten an hour are counted in the last event, and take place', async () => {
  const service = await start();
  const { session, refresh_token } = await service.create({ user_id: user });
  for (let number = 0; number < 12; number += 1) {
    const stepUp = await service.request(`/v1/sessions/${session.id}/authentication`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...service.credentials },
      body: JSON.stringify({ refresh_token, acr: `level-${number}` }),
    });
    const { session: after } = await stepUp.json<{ session: { acr: string } }>();
    expect(after.acr).toBe(`level-${number}`);
  }
  const [last, ...others] = await eventsOf(service, 'authenticated');
  expect(others).toHaveLength(EVENTS_PER_HOUR - 1);
  expect(last?.left_out).toBe(2);
});
