/**
 * What a flood of requests that prove nothing costs D1: at most one read for an isolate and the
 * time that what was read is kept for.
 */
import { env, exports } from 'cloudflare:workers';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { createSingleFlight } from '../../src/single-flight';
import { START, startService, type TestService } from '../fixtures';

let lines: Record<string, unknown>[];
beforeEach(() => {
  lines = [];
  for (const level of ['log', 'warn', 'error'] as const)
    vi.spyOn(console, level).mockImplementation((line) => lines.push(JSON.parse(line)));
  return () => vi.restoreAllMocks();
});

const FLOOD = 40;
const flood = (request: () => Promise<Response>) =>
  Promise.all(Array.from({ length: FLOOD }, request));
/** Another isolate, to which nothing is known. */
const startCold = ({ clock }: TestService) => startService({}, clock);

describe('a flood of anonymous requests that arrive at once', () => {
  it.each([
    ['the JWKS', '/.well-known/jwks.json', 200],
    ['the revocation list', '/.well-known/revocations', 200],
    ['the former revocation list', '/.well-known/revoked-sessions', 200],
  ])('for %s costs an isolate one round trip', async (_, path, status) => {
    const first = await startService();
    await first.create();
    const cold = await startCold(first);
    const answers = await flood(() => cold.request(path));
    expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set([status]));
    expect(cold.database.roundTrips).toBe(1);
    await flood(() => cold.request(path));
    expect(cold.database.roundTrips).toBe(1);
    // Both are kept for ten seconds.
    cold.advance(11);
    await flood(() => cold.request(path));
    expect(cold.database.roundTrips).toBe(2);
  });

  it('for the metadata costs nothing', async () => {
    const service = await startService();
    await flood(() => service.request('/.well-known/oauth-authorization-server'));
    expect(service.database.roundTrips).toBe(0);
  });

  it('for the health of the service costs an isolate one round trip a minute', async () => {
    const first = await startService();
    await first.create();
    const cold = await startCold(first);
    for (const second of [0, 59, 60]) {
      cold.clock.now = START + second * 1000;
      await flood(() => cold.request('/healthz'));
      expect(cold.database.roundTrips).toBe(second < 60 ? 1 : 2);
    }
  });

  it('with forged access tokens costs one look at the keys in ten seconds', async () => {
    const first = await startService();
    const { access_token } = await first.create();
    const [header, ...rest] = access_token.split('.') as [string, string, string];
    const { kid, ...others } = JSON.parse(atob(header)) as Record<string, string>;
    const forged = [btoa(JSON.stringify({ ...others, kid: `${kid}x` })), ...rest]
      .join('.')
      .replaceAll('=', '');
    const cold = await startCold(first);
    const answers = await flood(() => cold.bearer('GET', '/v1/sessions', forged));
    expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set([401]));
    expect(cold.database.roundTrips).toBe(1);
    cold.advance(11);
    await flood(() => cold.bearer('GET', '/v1/sessions', forged));
    expect(cold.database.roundTrips).toBe(2);
  });

  it('is one flight of separate requests of workerd too', async () => {
    const ask = () => exports.default.fetch(`${env.ISSUER}/.well-known/revocations`);
    const answers = await flood(ask);
    expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set([200]));
    const requests = lines.filter(({ event }) => event === 'request');
    expect(requests).toHaveLength(FLOOD);
    // Of the three homes that are bound here.
    expect(requests.filter((line) => line.d1_round_trips !== 0)).toMatchObject([
      { d1_round_trips: 3 },
    ]);
  });

  it('is answered like its one request where the database fails', async () => {
    const service = await startCold(await startService());
    service.database.faults = [{ before: 'D1 DB is overloaded.' }];
    const answers = await flood(() => service.request('/.well-known/jwks.json'));
    expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set([503]));
    expect(service.database.roundTrips).toBe(1);
    expect((await service.request('/.well-known/jwks.json')).status).toBe(200);
  });
});

it('a request that was cancelled while others wait is replaced by one of them', async () => {
  const flight = createSingleFlight<string>();
  flight.share(() => new Promise(() => {}));
  const make = vi.fn(async () => 'made');
  const others = await Promise.all([1, 2, 3].map(() => flight.share(make)));
  expect(others).toEqual(['made', 'made', 'made']);
  expect(make).toHaveBeenCalledOnce();
  expect(flight.isBusy()).toBe(false);
});
