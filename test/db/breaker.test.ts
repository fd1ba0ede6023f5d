/** A home that is away: answers at once, no storm, and back by itself. */
import { env } from 'cloudflare:test';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { createBreaker, OPEN_MS } from '../../src/db/breaker';
import { eventually } from '../eventually';
import { startService, type TestService } from '../fixtures';
import { holdCall } from '../held-call';

const AWAY = { before: 'D1 DB is overloaded. Requests queued for too long.' };
const SECONDS = OPEN_MS / 1000;

beforeEach(async () => {
  await env.DB.exec('DELETE FROM user_sessions; DELETE FROM users; DELETE FROM outdated_tokens');
  for (const level of ['log', 'warn', 'error'] as const)
    vi.spyOn(console, level).mockImplementation(() => {});
  return () => vi.restoreAllMocks();
});

/** Fails the next `count` round trips. */
const fail = (service: TestService, count: number) => {
  service.database.faults = Array(count).fill(AWAY);
};

describe('a home that fails five times in a row', () => {
  async function open() {
    const service = await startService();
    const session = await service.create();
    fail(service, 5);
    for (let time = 0; time < 5; time += 1)
      expect((await service.refresh(session.refresh_token)).status).toBe(503);
    service.database.roundTrips = 0;
    return { service, session };
  }

  it('is not asked for a moment: 503 with Retry-After at once', async () => {
    const { service, session } = await open();
    for (let time = 0; time < 20; time += 1) {
      const { status, headers } = await service.refresh(session.refresh_token);
      expect([status, headers.get('retry-after')]).toEqual([503, '1']);
    }
    expect(service.database.roundTrips).toBe(0);
  });

  it('is then tried by one request, of any number at once; its success closes the circuit, and nobody is signed out', async () => {
    const { service, session } = await open();
    service.advance(SECONDS);
    const trial = holdCall();
    service.database.faults = [trial.fault];
    const statuses: number[] = [];
    const all = Array.from({ length: 10 }, async () => {
      statuses.push((await service.refresh(session.refresh_token)).status);
    });
    // The others are answered while it is under way.
    await eventually(() => expect(statuses).toEqual(Array(9).fill(503)));
    trial.release();
    await Promise.all(all);
    expect(service.database.roundTrips).toBe(1);
    expect(statuses.at(-1)).toBe(200);
    expect((await service.refresh(session.refresh_token)).status).toBe(200);
  });

  it('whose trial fails is left alone for another moment', async () => {
    const { service, session } = await open();
    service.advance(SECONDS);
    fail(service, 1);
    expect((await service.refresh(session.refresh_token)).status).toBe(503);
    expect((await service.refresh(session.refresh_token)).status).toBe(503);
    expect(service.database.roundTrips).toBe(1);
    service.advance(SECONDS);
    expect((await service.refresh(session.refresh_token)).status).toBe(200);
  });

  it('forged tokens are refused all the same: they ask no home', async () => {
    const { service } = await open();
    expect((await service.refresh('v2.forged')).status).toBe(400);
  });
});

describe('what opens nothing', () => {
  it('four failures, or five with a success between', async () => {
    const service = await startService();
    const { refresh_token } = await service.create();
    for (const failures of [4, 4]) {
      fail(service, failures);
      for (let time = 0; time < failures; time += 1) await service.refresh(refresh_token);
      expect((await service.refresh(refresh_token)).status).toBe(200);
    }
  });

  it('statements that D1 refuses', async () => {
    const service = await startService();
    const { refresh_token } = await service.create();
    service.database.faults = Array(10).fill({
      before: 'D1_ERROR: UNIQUE constraint failed: users.id: SQLITE_CONSTRAINT',
    });
    for (let time = 0; time < 10; time += 1) await service.refresh(refresh_token);
    expect((await service.refresh(refresh_token)).status).toBe(200);
  });
});

it('a trial that never ends does not keep the circuit open for ever', () => {
  let now = 0;
  const breaker = createBreaker(() => now);
  for (let time = 0; time < 5; time += 1) breaker.failed();
  now += OPEN_MS;
  expect([breaker.mayTry(), breaker.mayTry()]).toEqual([true, false]);
  now += OPEN_MS;
  expect(breaker.mayTry()).toBe(true);
});
