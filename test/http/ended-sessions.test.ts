/** Access tokens of sessions that are over: an isolate asks the database about each once. */
import { env } from 'cloudflare:test';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { createEndedSessions } from '../../src/service/ended-sessions';
import { APP, startService, type TestService, type Tokens } from '../fixtures';

beforeEach(() => {
  for (const level of ['log', 'warn'] as const)
    vi.spyOn(console, level).mockImplementation(() => {});
  return () => vi.restoreAllMocks();
});

const asks: [string, number, (service: TestService, tokens: Tokens) => Promise<Response>][] = [
  ...(
    [
      ['GET', '/v1/sessions', 401],
      ['GET', '/v1/sessions/current', 401],
      ['GET', '/v1/events', 401],
      ['POST', '/v1/sessions/revoke-others', 401],
      ['DELETE', `/v1/sessions/${crypto.randomUUID()}`, 401],
      // Ending what has ended is no error.
      ['DELETE', '/v1/sessions/current', 204],
    ] as const
  ).map(
    ([method, path, status]) =>
      [
        `${method} ${path.replace(/[\da-f-]{36}/, '{id}')}`,
        status,
        (service: TestService, { access_token }: Tokens) =>
          service.bearer(method, path, access_token),
      ] as (typeof asks)[number],
  ),
  [
    'introspection',
    200,
    (service, { access_token }) =>
      service.form('/oauth/introspect', { token: access_token }, service.credentials),
  ],
  [
    'signing out by it',
    200,
    (service, { access_token }) =>
      service.form('/oauth/revoke', { token: access_token, client_id: APP }),
  ],
  [
    'signing out by it in a cookie',
    204,
    (service, { access_token }) =>
      service.request('/browser/sign-out', {
        method: 'POST',
        headers: {
          cookie: `__Host-access=${access_token}`,
          'sec-fetch-site': 'same-origin',
          'content-type': 'application/json',
        },
      }),
  ],
];

async function revoked(service: TestService): Promise<Tokens> {
  const tokens = await service.create({ user_id: crypto.randomUUID() });
  await service.form('/oauth/revoke', { token: tokens.refresh_token, client_id: APP });
  return tokens;
}
async function unknown(service: TestService): Promise<Tokens> {
  const tokens = await service.create();
  await env.DB.prepare('DELETE FROM user_sessions WHERE id = ?').bind(tokens.session.id).run();
  return tokens;
}

describe.each([
  ['a revoked session', revoked],
  ['a session that is not there', unknown],
])('the access token of %s', (_, make) => {
  it.each(asks)('by %s, costs no database call the second time', async (_, status, ask) => {
    const service = await startService();
    const tokens = await make(service);
    service.database.roundTrips = 0;
    const first = await ask(service, tokens);
    const before = await first.text();
    expect(service.database.roundTrips).toBeGreaterThan(0);
    service.database.roundTrips = 0;
    const second = await ask(service, tokens);
    expect([second.status, service.database.roundTrips]).toEqual([status, 0]);
    // But for the id of the request.
    const comparable = (text: string) => text.replace(/urn:request:[\da-f-]{36}/, '');
    expect(comparable(await second.text())).toBe(comparable(before));
  });
});

it('a live session is asked about each time', async () => {
  const service = await startService();
  const { access_token } = await service.create();
  service.database.roundTrips = 0;
  for (let time = 0; time < 3; time += 1)
    expect((await service.bearer('GET', '/v1/sessions/current', access_token)).status).toBe(200);
  expect(service.database.roundTrips).toBe(3);
});

it('an outage is no end', async () => {
  const service = await startService();
  const { access_token } = await service.create();
  service.database.faults = [{ before: 'D1 DB is overloaded.' }];
  const ask = () => service.bearer('GET', '/v1/sessions/current', access_token);
  expect((await ask()).status).toBe(503);
  expect((await ask()).status).toBe(200);
});

describe('what is remembered', () => {
  it('is bounded: the oldest makes room', () => {
    const ended = createEndedSessions({ tokenLifeSeconds: 360, now: () => 0 }, 2);
    for (const id of ['a', 'b', 'a', 'c']) ended.add(id);
    expect(['a', 'b', 'c'].map(ended.has)).toEqual([true, false, true]);
  });

  it('lasts as long as an access token that was issued before can be good', () => {
    let now = 0;
    const ended = createEndedSessions({ tokenLifeSeconds: 360, now: () => now });
    ended.add('a');
    now = 359_999;
    expect(ended.has('a')).toBe(true);
    now = 360_000;
    expect(ended.has('a')).toBe(false);
  });
});
