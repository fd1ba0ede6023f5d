/**
 * What `/healthz` and the log say of a service whose cron does not run, or whose database is away.
 */
import { env } from 'cloudflare:test';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { runScheduled } from '../../src/scheduled';
import { START, startService, type TestService } from '../fixtures';

const MINUTE = 60;
const HOUR = 3_600;
const AWAY = { before: 'D1 DB is overloaded. Requests queued for too long.' };

let errors: Record<string, unknown>[];
beforeEach(async () => {
  await env.DB.exec('DELETE FROM cleanup_state; DELETE FROM signing_keys');
  errors = [];
  for (const level of ['log', 'warn', 'error'] as const)
    vi.spyOn(console, level).mockImplementation((line) => {
      if (level === 'error') errors.push(JSON.parse(line));
    });
  return () => vi.restoreAllMocks();
});

const health = async (service: TestService) => {
  const response = await service.request('/healthz');
  expect(response.status).toBe(200);
  return response.json();
};
const runCron = ({ env: bindings, clock }: TestService) => runScheduled(bindings, clock.now);

describe('the cron', () => {
  it('has run: when, and that all is well', async () => {
    const service = await startService();
    await runCron(service);
    expect(await health(service)).toEqual({
      status: 'ok',
      last_cleanup_at: new Date(START).toISOString(),
    });
  });

  it('is late after two hours without a run, which an isolate knows a minute later, and well again after the next run', async () => {
    const service = await startService();
    await runCron(service);
    service.advance(2 * HOUR);
    expect(await health(service)).toMatchObject({ status: 'ok' });
    service.advance(MINUTE);
    const last_cleanup_at = new Date(START).toISOString();
    expect(await health(service)).toEqual({ status: 'degraded', cron_late: true, last_cleanup_at });
    expect(errors).toEqual([{ level: 'error', event: 'cron_late', last_cleanup_at }]);
    await runCron(service);
    service.advance(MINUTE);
    expect(await health(service)).toMatchObject({ status: 'ok' });
    expect(errors).toHaveLength(1);
  });

  it('that never ran is late two hours after the service made its first key', async () => {
    const service = await startService();
    expect(await health(service)).toEqual({ status: 'ok', last_cleanup_at: null });
    service.advance(2 * HOUR + 1);
    expect(await health(service)).toMatchObject({ cron_late: true, last_cleanup_at: null });
  });

  it('that is late is told by requests, in no round trip more, and once a minute at most', async () => {
    const service = await startService();
    const { refresh_token } = await service.create();
    service.advance(2 * HOUR + 1);
    service.database.roundTrips = 0;
    await service.refresh(refresh_token);
    await service.refresh(refresh_token);
    // One reads the keys, two refresh.
    expect(service.database.roundTrips).toBe(3);
    expect(errors).toEqual([{ level: 'error', event: 'cron_late', last_cleanup_at: null }]);
  });

  it('runs by hand alone on a developer’s machine, whose log is left in peace', async () => {
    const service = await startService({ ISSUER: 'http://localhost:8787' });
    await service.app.request('http://localhost:8787/healthz');
    service.advance(2 * HOUR + 1);
    const response = await service.app.request('http://localhost:8787/healthz');
    expect(await response.json()).toMatchObject({ cron_late: true });
    expect(errors).toEqual([]);
  });
});

describe('a database that does not answer', () => {
  it('is told by an isolate that never knew it, and by one that did', async () => {
    const warm = await startService();
    await health(warm);
    const cold = await startService();
    const unknown = { status: 'degraded', database_unavailable: true, last_cleanup_at: null };
    for (const service of [cold, warm]) {
      service.advance(MINUTE);
      service.database.faults = [AWAY];
      expect(await health(service)).toEqual(unknown);
      service.advance(1);
      expect(await health(service)).toEqual({ status: 'ok', last_cleanup_at: null });
    }
  });

  it('is asked no more than the breaker lets through, however often health is asked for', async () => {
    const service = await startService();
    service.database.faults = Array(100).fill(AWAY);
    for (let time = 0; time < 50; time += 1) await health(service);
    expect(service.database.roundTrips).toBe(5);
  });
});
