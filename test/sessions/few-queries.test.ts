/**
 * A run of the cron where D1 runs 50 queries for an invocation and no more, as on the free plan:
 * it does a part of everything, fails at nothing, and the next run goes on.
 */
import { env } from 'cloudflare:test';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { Env } from '../../src/env';
import { runScheduled } from '../../src/scheduled';
import { START, startService, type TestService } from '../fixtures';
import { empty, fillEvents, fillSessions } from '../large-data';
import { USER } from '../people';
import { endpoint } from '../webhooks/receiver';

const DAY = 86_400_000;
const MOST = 50;

let lines: Record<string, unknown>[];
beforeEach(async () => {
  await empty();
  await env.DB.exec(
    'DELETE FROM counts; DELETE FROM cleanup_runs; DELETE FROM cleanup_state; DELETE FROM signing_keys',
  );
  lines = [];
  for (const level of ['log', 'error', 'warn'] as const)
    vi.spyOn(console, level).mockImplementation((line) => void lines.push(JSON.parse(line)));
  return () => vi.restoreAllMocks();
});

/** D1 that runs so many statements, and refuses all after them; and how many it was asked for. */
function limited(binding: D1Database, most: number): { binding: D1Database; asked: () => number } {
  let asked = 0;
  const withSession = (constraint: string) => {
    const session = binding.withSession(constraint);
    const batch = async (statements: D1PreparedStatement[]) => {
      asked += statements.length;
      if (asked > most) throw new Error('D1_ERROR: too many queries in this invocation');
      return session.batch(statements);
    };
    return { batch, getBookmark: () => session.getBookmark() };
  };
  const prepare = (query: string) => binding.prepare(query);
  return { binding: { prepare, withSession } as unknown as D1Database, asked: () => asked };
}

/** One invocation. Returns how many queries it made. */
async function runCron({ env: variables, clock }: TestService, settings: Partial<Env> = {}) {
  const database = limited(variables.DB, MOST);
  const accepting = async () => new Response(null, { status: 204 });
  await runScheduled(
    { ...variables, ...settings, DB: database.binding },
    clock.now,
    undefined,
    accepting as unknown as typeof fetch,
  );
  return database.asked();
}

const left = async (where: string) =>
  env.DB.prepare(`SELECT count(*) AS n FROM ${where}`).first<number>('n');

describe('with QUERIES_PER_INVOCATION = 50', () => {
  it('a backlog of everything is worked off, run by run, and none fails', async () => {
    const settings = {
      ...{ QUERIES_PER_INVOCATION: '50', MAX_SESSIONS_PER_USER: '0' },
      WEBHOOKS: JSON.stringify([endpoint('team')]),
    };
    const service = await startService(settings);
    for (let told = 0; told < 30; told += 1) await service.create();
    await fillSessions(USER, 700, 'ended');
    await fillEvents(USER, 1_500);
    await env.DB.prepare(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 450)
       INSERT INTO idempotency_keys SELECT 'k' || i, 'f', 's' || i, 'x', ${START / 1000} FROM n`,
    ).run();
    await env.DB.exec(
      "INSERT INTO webhook_deliveries (event_id, endpoint, next_attempt_at) SELECT id, 'team', 0 FROM session_events WHERE type = 'session_created'",
    );
    service.clock.now = START + 8 * DAY;
    const before = await left('user_sessions');
    const remaining: number[] = [];
    for (let run = 0; run < 12; run += 1) {
      expect(await runCron(service)).toBeLessThanOrEqual(MOST);
      remaining.push((await left('user_sessions')) ?? Number.NaN);
      service.advance(900);
    }
    expect(lines.filter(({ level }) => level === 'error')).toEqual([]);
    expect(remaining[0]).toBeLessThan(before ?? 0);
    expect(remaining.at(-1)).toBe(30);
    expect(await left('webhook_deliveries')).toBe(0);
    expect(await left('idempotency_keys')).toBe(0);
    expect(await left('cleanup_runs WHERE finished = 1')).toBeGreaterThan(0);
    expect(await left('session_events WHERE seq > (SELECT counted_seq FROM cleanup_state)')).toBe(
      0,
    );
  });

  it('the signing keys are rotated by such a run, too', async () => {
    const service = await startService({ QUERIES_PER_INVOCATION: '50' });
    await service.create();
    service.clock.now = START + 29.5 * DAY;
    expect(await runCron(service)).toBeLessThanOrEqual(MOST);
    expect(await left('signing_keys')).toBe(2);
    expect(lines.filter(({ level }) => level === 'error')).toEqual([]);
  });
});

it('without the setting, what such a run has deleted before it is cut off stays deleted', async () => {
  const service = await startService({ MAX_SESSIONS_PER_USER: '0' });
  await fillSessions(USER, 9_000, 'ended');
  service.clock.now = START + 8 * DAY;
  const before = (await left('user_sessions')) ?? 0;
  await expect(runCron(service)).rejects.toThrow();
  expect(await left('user_sessions')).toBeLessThan(before);
});

it.each(['49', '10001', 'many'])('QUERIES_PER_INVOCATION = %s is a mistake', async (value) => {
  await expect(startService({ QUERIES_PER_INVOCATION: value })).rejects.toThrow(
    'QUERIES_PER_INVOCATION must be a whole number from 50 to 10000',
  );
});
