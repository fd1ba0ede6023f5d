/**
 * The clean-up: what it deletes, in what order, in what bounds, and what happens when it is
 * interrupted.
 */
import {
  createExecutionContext,
  createScheduledController,
  env,
  waitOnExecutionContext,
} from 'cloudflare:test';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { parseConfig } from '../../src/config/config';
import { openHome } from '../../src/db/d1';
import { newAccess } from '../../src/db/d1-access';
import worker from '../../src/index';
import { runScheduled } from '../../src/scheduled';
import { cleanUp } from '../../src/sessions/cleanup';
import type { CleanupBounds } from '../../src/sessions/cleanup-bounds';
import { oldestExpired, oldestRevoked } from '../../src/sessions/dead-rows';
import { START, startService, type TestService } from '../fixtures';

const DAY = 86_400;
const RETENTION = 7 * DAY;
const seconds = START / 1000;

beforeEach(async () => {
  await env.DB.exec(
    'DELETE FROM user_sessions; DELETE FROM cleanup_state; DELETE FROM cleanup_runs; DELETE FROM idempotency_keys; DELETE FROM outdated_tokens',
  );
  vi.spyOn(console, 'log').mockImplementation(() => {});
  return () => vi.restoreAllMocks();
});

interface Row {
  id: string;
  created?: number;
  expires?: number | null;
  revoked?: number | null;
  rotated?: number | null;
}

/** Times in seconds relative to START. */
async function insert(rows: Row[]): Promise<void> {
  const statement = env.DB.prepare(
    'INSERT INTO user_sessions (id, refresh_token, created_at, expires_at, revoked_at, revoked_reason, rotated_at) VALUES (?, ?, ?, ?, ?, ?, ?)',
  );
  const at = (offset: number | null | undefined) =>
    offset === null || offset === undefined ? null : seconds + offset;
  await env.DB.batch(
    rows.map(({ id, created = 0, expires, revoked, rotated }) =>
      statement.bind(
        id,
        'x',
        at(created),
        at(expires),
        at(revoked),
        revoked === undefined ? null : 'revoked',
        rotated == null ? null : (seconds + rotated) * 1000,
      ),
    ),
  );
}

async function remaining(): Promise<string[]> {
  const { results } = await env.DB.prepare('SELECT id FROM user_sessions ORDER BY id').all<{
    id: string;
  }>();
  return results.map(({ id }) => id);
}

const BOUNDS: CleanupBounds = {
  sliceRows: 10,
  maxQueries: 1_000,
  walkRows: 10,
  walkSlices: 100,
  budgetMs: 1_000,
  clock: () => 0,
  rest: async () => {},
};

function run(service: TestService, bounds: Partial<CleanupBounds> = {}) {
  const config = parseConfig(service.env);
  const home = openHome({ name: 'DB', binding: service.env.DB, timeoutMs: 5_000 }, newAccess());
  return cleanUp(
    home,
    {
      sessions: config.sessions,
      retentionSeconds: config.cleanupRetentionSeconds,
      eventRetentionSeconds: config.risk.eventRetentionSeconds,
    },
    { ...BOUNDS, ...bounds },
    service.clock.now,
  );
}

it('makes no more queries than it may, and goes on with the next run', async () => {
  const service = await startService();
  await insert(
    Array.from({ length: 45 }, (_, number) => ({ id: `dead-${number}`, expires: -RETENTION - 1 })),
  );
  expect(await run(service, { maxQueries: 5 })).toMatchObject({ expired: 30, finished: false });
  expect(await run(service)).toMatchObject({ expired: 15, finished: true });
});

it('leaves the database to others between slices, for as long as each took', async () => {
  const service = await startService();
  await insert(
    Array.from({ length: 45 }, (_, number) => ({ id: `dead-${number}`, expires: -RETENTION - 1 })),
  );
  const rests: number[] = [];
  let time = 0;
  const bounds = {
    budgetMs: 100_000,
    clock: () => (time += 7),
    rest: async (ms: number) => void rests.push(ms),
  };
  expect(await run(service, bounds)).toMatchObject({ expired: 45, finished: true });
  // After each of the full slices.
  expect(rests).toEqual([7, 7, 7, 7]);
});

describe('what is deleted', () => {
  it('sessions that expired, were revoked or died of inactivity longer ago than the retention, and nothing else', async () => {
    const service = await startService({ INACTIVITY_TIMEOUT_SECONDS: String(DAY) });
    const justDead = -RETENTION;
    const longDead = -RETENTION - 1;
    await insert([
      { id: 'expired', expires: longDead },
      { id: 'expired within the retention', expires: justDead },
      { id: 'revoked', revoked: longDead, expires: DAY },
      { id: 'revoked within the retention', revoked: justDead, created: -90 * DAY },
      { id: 'idle since creation', created: longDead - DAY },
      { id: 'idle since rotation', created: -90 * DAY, rotated: longDead - DAY, expires: 90 * DAY },
      { id: 'idle within the retention', created: -90 * DAY, rotated: justDead - DAY },
      { id: 'live', created: -90 * DAY, rotated: -10, expires: DAY },
      { id: 'without any limit', created: -10 },
    ]);
    const report = await run(service);
    expect(report).toMatchObject({
      expired: 1,
      revoked: 1,
      idle: 2,
      finished: true,
      overdueSeconds: 0,
    });
    expect(await remaining()).toEqual([
      'expired within the retention',
      'idle within the retention',
      'live',
      'revoked within the retention',
      'without any limit',
    ]);
  });

  it('sessions that never end by time stay', async () => {
    const service = await startService({ INACTIVITY_TIMEOUT_SECONDS: '0' });
    await insert([{ id: 'old', created: -900 * DAY }]);
    await run(service);
    expect(await remaining()).toEqual(['old']);
  });

  it('rows that make no sense stop nothing', async () => {
    const odd = [
      "('a', '', 'yesterday', NULL, NULL, NULL, '{', 'nonsense')",
      "('b', '', 0, 'soon', NULL, NULL, '[', NULL)",
      "('c', '', 0, NULL, 'once', NULL, NULL, '7')",
      "('d', '', 0, NULL, NULL, 'x', NULL, NULL)",
      "('e', '', -1, -1, NULL, NULL, NULL, NULL)",
      "('f', '', 9e17, 9e17, NULL, NULL, NULL, NULL)",
    ];
    await env.DB.exec(
      `INSERT INTO user_sessions (id, refresh_token, created_at, expires_at, revoked_at, rotated_at, amr, claims) VALUES ${odd}`,
    );
    await insert([
      { id: 'expired', expires: -RETENTION - 1 },
      { id: 'idle', created: -90 * DAY },
      { id: 'live' },
      { id: 'revoked', revoked: -RETENTION - 1 },
    ]);
    const report = await run(await startService(), { sliceRows: 2 });
    expect(report).toMatchObject({ revoked: 1, finished: true, overdueSeconds: 0 });
    const left = await remaining();
    expect(left).toContain('live');
    for (const id of ['expired', 'idle', 'revoked', 'e']) expect(left).not.toContain(id);
  });

  it('idempotency keys after a day', async () => {
    const service = await startService();
    await service.create({}, { 'idempotency-key': 'k' });
    service.advance(DAY);
    expect((await run(service)).idempotencyKeys).toBe(0);
    service.advance(1);
    expect((await run(service)).idempotencyKeys).toBe(1);
  });
});

describe('how it is deleted', () => {
  const dead = (count: number, name: string): Row[] =>
    Array.from({ length: count }, (_, position) => ({
      id: `${name}-${String(position).padStart(3, '0')}`,
      expires: -RETENTION - 1000 + position,
    }));

  it.each([
    ['expired', oldestExpired, 'idx_user_sessions_expires'],
    ['revoked', oldestRevoked, 'idx_user_sessions_revoked'],
  ])(
    '%s sessions are found oldest first by an index that no refresh writes',
    async (_, oldest, index) => {
      const home = openHome({ name: 'DB', binding: env.DB, timeoutMs: 5_000 }, newAccess());
      const { sql, params } = oldest(home, new Date(START)).limit(10).toSQL();
      const { results } = await env.DB.prepare(`EXPLAIN QUERY PLAN ${sql}`)
        .bind(...params)
        .all<{ detail: string }>();
      const plan = results.map(({ detail }) => detail).join('\n');
      expect(plan).toContain(index);
      expect(plan).not.toMatch(/SCAN user_sessions(?! USING)|TEMP B-TREE/);
    },
  );

  it('in bounded slices, oldest first, until the budget runs out; the next run finishes', async () => {
    const service = await startService({ INACTIVITY_TIMEOUT_SECONDS: '0' });
    await insert(dead(35, 'dead'));
    let time = 0;
    // Each look at the clock costs a second: two slices fit.
    const cut = await run(service, { budgetMs: 5_500, clock: () => (time += 1000) });
    expect(cut).toMatchObject({ expired: 20, finished: false });
    expect(cut.overdueSeconds).toBe(1000 - 20);
    expect((await remaining())[0]).toBe('dead-020');
    expect(await run(service)).toMatchObject({ expired: 15, finished: true, overdueSeconds: 0 });
    expect(await remaining()).toEqual([]);
  });

  it('the walk for inactive sessions goes on where the last run stopped, and starts over at the end', async () => {
    const service = await startService({
      INACTIVITY_TIMEOUT_SECONDS: String(DAY),
      SESSION_LIFETIME_SECONDS: '0',
    });
    const rows = Array.from({ length: 25 }, (_, position) => ({
      id: `s${String(position).padStart(2, '0')}`,
      created: position % 5 === 0 ? -90 * DAY : 0,
    }));
    await insert(rows);
    expect(await run(service, { walkSlices: 1 })).toMatchObject({ idle: 2 });
    expect(await run(service, { walkSlices: 1 })).toMatchObject({ idle: 2 });
    expect(await run(service, { walkSlices: 1 })).toMatchObject({ idle: 1 });
    service.advance(DAY + RETENTION + 1);
    expect(
      (await run(service, { walkSlices: 1 })).idle + (await run(service, { walkSlices: 1 })).idle,
    ).toBe(10);
    await run(service);
    await run(service);
    expect(await remaining()).toEqual([]);
  });

  it('no more rows a slice than it is told, each slice one transaction', async () => {
    const service = await startService({ INACTIVITY_TIMEOUT_SECONDS: String(DAY) });
    await insert([
      ...dead(35, 'dead'),
      ...Array.from({ length: 25 }, (_, position) => ({
        id: `revoked-${position}`,
        revoked: -RETENTION - 1,
      })),
      ...Array.from({ length: 15 }, (_, position) => ({
        id: `idle-${position}`,
        created: -90 * DAY,
      })),
    ]);
    const home = openHome({ name: 'DB', binding: service.env.DB, timeoutMs: 5_000 }, newAccess());
    const transact = vi.spyOn(home, 'run');
    const report = await cleanUp(
      home,
      {
        sessions: parseConfig(service.env).sessions,
        retentionSeconds: RETENTION,
        eventRetentionSeconds: 90 * 86_400,
      },
      BOUNDS,
      START,
    );
    expect(report).toMatchObject({ expired: 35, revoked: 25, idle: 15, finished: true });
    const transactions = await Promise.all(
      transact.mock.results.map(({ value }) => value as Promise<D1Result[]>),
    );
    for (const { results } of transactions.flat()) expect(results.length).toBeLessThanOrEqual(10);
    expect(await remaining()).toEqual([]);
  });

  it('by two runs at once', async () => {
    const service = await startService({ INACTIVITY_TIMEOUT_SECONDS: String(DAY) });
    await insert([
      ...dead(95, 'dead'),
      ...Array.from({ length: 45 }, (_, position) => ({
        id: `idle-${position}`,
        created: -90 * DAY,
      })),
      { id: 'live', created: -90 * DAY, rotated: -10 },
    ]);
    const [one, two] = await Promise.all([run(service), run(service)]);
    expect(one.expired + two.expired).toBe(95);
    expect(one.idle + two.idle).toBe(45);
    expect(await remaining()).toEqual(['live']);
    expect(await run(service)).toMatchObject({ expired: 0, idle: 0, finished: true });
  });

  it.each([0, 1, 2, 3, 4, 5, 6, 7, 8])(
    'by the next run when D1 fails one at its round trip %i, before or after the work',
    async (position) => {
      const service = await startService({ INACTIVITY_TIMEOUT_SECONDS: String(DAY) });
      for (const fault of [
        { before: 'D1_ERROR: internal error' },
        { after: 'D1_ERROR: internal error' },
      ]) {
        await insert([
          ...dead(15, 'dead'),
          ...Array.from({ length: 15 }, (_, row) => ({ id: `idle-${row}`, created: -90 * DAY })),
        ]);
        service.database.faults = [...Array(position).fill(undefined), fault];
        await expect(run(service)).rejects.toThrow('did not answer');
        // The walk may have been cut off past some: one run ends it, the next starts over.
        await run(service);
        expect(await run(service)).toMatchObject({ finished: true, overdueSeconds: 0 });
        expect(await remaining()).toEqual([]);
      }
    },
  );

  it('by the next run when one is cut off', async () => {
    const service = await startService();
    await insert(dead(35, 'dead'));
    service.database.faults = [
      undefined,
      undefined,
      { before: 'D1_ERROR: internal error' },
    ] as never;
    await expect(run(service)).rejects.toThrow('did not answer');
    expect(await remaining()).toHaveLength(25);
    expect(await run(service)).toMatchObject({ expired: 25, finished: true });
  });
});

describe('what it says', () => {
  it('one structured line a run, and the run waits for the work', async () => {
    const service = await startService();
    await insert([{ id: 'dead', expires: -RETENTION - 1 }]);
    const log = vi.spyOn(console, 'log').mockImplementation(() => {});
    const ctx = createExecutionContext();
    await worker.scheduled(
      createScheduledController({ scheduledTime: new Date(START), cron: '*/15 * * * *' }),
      service.env,
    );
    await waitOnExecutionContext(ctx);
    const lines = log.mock.calls.map(([line]) => JSON.parse(line));
    expect(lines).toEqual([
      expect.objectContaining({
        event: 'scheduled',
        cleanup: expect.objectContaining({ expired: 1, finished: true }),
      }),
    ]);
    expect(await remaining()).toEqual([]);
  });

  it('a backlog that grows from run to run is an error', async () => {
    const service = await startService();
    let time = 0;
    const slow = { budgetMs: 1_500, clock: () => (time += 1000) };
    await insert(
      Array.from({ length: 30 }, (_, position) => ({
        id: `a${position}`,
        expires: -RETENTION - 100,
      })),
    );
    expect(await run(service, slow)).toMatchObject({
      finished: false,
      overdueSeconds: 100,
      isBacklogGrowing: true,
    });
    expect(await run(service, slow)).toMatchObject({
      finished: false,
      overdueSeconds: 100,
      isBacklogGrowing: false,
    });
    const error = vi.spyOn(console, 'error').mockImplementation(() => {});
    service.advance(50);
    await insert([{ id: 'older', expires: -RETENTION - 500 }]);
    await runScheduled(service.env, service.clock.now, { ...BOUNDS, sliceRows: 1, ...slow });
    expect(JSON.parse(error.mock.calls[0]?.[0])).toMatchObject({
      level: 'error',
      event: 'cleanup_backlog_growing',
      cleanup: { finished: false, overdue_seconds: 150 },
    });
  });

  it('a backlog that grows is logged as an error by the cron run', async () => {
    const error = vi.spyOn(console, 'error').mockImplementation(() => {});
    let time = START;
    // Each look at the clock costs so much that one slice is all a run has time for.
    vi.spyOn(Date, 'now').mockImplementation(() => (time += 15_000));
    vi.resetModules();
    const { runScheduled: runSlowly } = await import('../../src/scheduled');
    const service = await startService({ D1_TIMEOUT_MS: '30000' });
    const log = vi.spyOn(console, 'log').mockImplementation(() => {});
    await env.DB.exec(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) INSERT INTO user_sessions (refresh_token, expires_at) SELECT 'x', ${seconds - RETENTION - 100} FROM n`,
    );
    for (const later of [0, 0, 60_000]) await runSlowly(service.env, START + later);
    const lines = [...error.mock.calls, ...log.mock.calls].map(([line]) => JSON.parse(line));
    expect(
      lines.map(({ level, event, cleanup }) => [level, event, cleanup.overdue_seconds]),
    ).toEqual([
      ['error', 'cleanup_backlog_growing', 100],
      ['error', 'cleanup_backlog_growing', 160],
      ['info', 'scheduled', 100],
    ]);
    for (const { cleanup } of lines) expect(cleanup.finished).toBe(false);
  });

  it('a run that fails is marked failed, and says no more than D1 said', async () => {
    const service = await startService();
    const error = vi.spyOn(console, 'error').mockImplementation(() => {});
    service.database.faults = Array(20).fill({ before: 'D1_ERROR: internal error' });
    await expect(runScheduled(service.env, START)).rejects.toThrow('The database did not answer');
    expect(JSON.parse(error.mock.calls[0]?.[0])).toMatchObject({
      level: 'error',
      event: 'scheduled',
    });
  });
});

describe('what it leaves to be looked at', () => {
  const runs = async () =>
    (await env.DB.prepare('SELECT * FROM cleanup_runs ORDER BY id').all()).results;

  it('a row a run: when it began, how long it took, what it deleted and what it left', async () => {
    const service = await startService();
    await insert(
      Array.from({ length: 25 }, (_, row) => ({ id: `dead-${row}`, expires: -RETENTION - 60 })),
    );
    let time = 0;
    await run(service, { maxQueries: 3, clock: () => (time += 7), budgetMs: 100_000 });
    service.advance(900);
    await run(service);
    const none = { revoked: 0, idle: 0, idempotency_keys: 0, events: 0 };
    expect(await runs()).toEqual([
      {
        ...{ id: 1, started_at: seconds, duration_ms: expect.any(Number), ...none },
        ...{ expired: 10, finished: 0, overdue_seconds: 60 },
      },
      {
        ...{ id: 2, started_at: seconds + 900, duration_ms: 0, ...none },
        ...{ expired: 15, finished: 1, overdue_seconds: 0 },
      },
    ]);
    expect((await runs())[0]?.duration_ms).toBeGreaterThan(0);
  });

  it('no row of a run that failed, so that a clean-up that always fails looks like none', async () => {
    const service = await startService();
    await run(service);
    await env.DB.exec('ALTER TABLE idempotency_keys RENAME TO hidden');
    await expect(run(service)).rejects.toThrow();
    await env.DB.exec('ALTER TABLE hidden RENAME TO idempotency_keys');
    expect(await runs()).toHaveLength(1);
  });

  it('the last 2,000', async () => {
    await env.DB.exec(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2005) INSERT INTO cleanup_runs SELECT i, i, 0, 0, 0, 0, 0, 0, 1, 0 FROM n`,
    );
    await run(await startService());
    const kept = await runs();
    expect([kept.length, kept[0]?.id, kept.at(-1)?.id]).toEqual([2_000, 7, 2_006]);
  });
});

describe('what does not depend on it', () => {
  it.each([
    ['expired', { SESSION_LIFETIME_SECONDS: '3600' }, 'expired_absolute'],
    [
      'inactive',
      { INACTIVITY_TIMEOUT_SECONDS: '3600', SESSION_LIFETIME_SECONDS: '0' },
      'expired_idle',
    ],
    ['revoked', { SESSION_LIFETIME_SECONDS: '0', INACTIVITY_TIMEOUT_SECONDS: '0' }, 'revoked'],
  ])('no %s session is accepted, though no cron ran for a month', async (_, variables, reason) => {
    const service = await startService(variables);
    const user_id = crypto.randomUUID();
    const { refresh_token } = await service.create({ user_id });
    if (reason === 'revoked') await service.backend('DELETE', `/v1/users/${user_id}/sessions`);
    service.advance(30 * DAY);
    expect(await service.refresh(refresh_token)).toMatchObject({
      status: 400,
      body: { error: 'invalid_grant', reason },
    });
    const { sessions } = await (
      await service.backend('GET', `/v1/users/${user_id}/sessions`)
    ).json<{ sessions: [] }>();
    expect(sessions).toEqual([]);
    await run(service);
    expect((await service.refresh(refresh_token)).body.error).toBe('invalid_grant');
  });

  it('within the retention a replay is still told as reuse; after it, it is refused all the same', async () => {
    const service = await startService({
      SESSION_LIFETIME_SECONDS: '0',
      INACTIVITY_TIMEOUT_SECONDS: '0',
    });
    const { refresh_token } = await service.create({ expires_in: null });
    const { body } = await service.refresh(refresh_token);
    service.advance(60);
    vi.spyOn(console, 'warn').mockImplementation(() => {});
    expect((await service.refresh(refresh_token)).body.reason).toBe('reuse_detected');
    service.advance(RETENTION - 1);
    await run(service);
    expect((await service.refresh(body.refresh_token)).body.reason).toBe('reuse_detected');
    service.advance(30 * DAY);
    await run(service);
    const gone = await service.refresh(body.refresh_token);
    expect(gone.body).toEqual({
      error: 'invalid_grant',
      error_description: 'The refresh token is not valid',
    });
  });
});
