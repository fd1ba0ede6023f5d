/** Counts of what happened: each thing once, by the hour in which it did, whatever breaks. */
import { env } from 'cloudflare:test';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { Stats } from '../../src/client/rpc';
import { runScheduled } from '../../src/scheduled';
import { BACKEND, basic, OTHER_BACKEND, START, startService, type TestService } from '../fixtures';
import { emptyHomes, HOMES, startThreeHomes } from '../homes/three-homes';
import { empty, fillEvents, fillSessions } from '../large-data';
import { USER } from '../people';

const HOUR = 3_600;

beforeEach(async () => {
  await empty();
  await emptyHomes();
  for (const home of HOMES)
    await env[home].exec('DELETE FROM counts; DELETE FROM cleanup_runs; DELETE FROM cleanup_state');
  vi.spyOn(console, 'log').mockImplementation(() => {});
  vi.spyOn(console, 'warn').mockImplementation(() => {});
  return () => vi.restoreAllMocks();
});

const runCron = (service: TestService) => runScheduled(service.env, service.clock.now);

async function readStats(service: TestService, query = ''): Promise<Stats> {
  const response = await service.backend('GET', `/v1/stats${query}`);
  expect(response.status).toBe(200);
  return response.json();
}

/** The labels of a name, with how often each was counted since the service counts. */
const totalsOf = ({ counts }: Stats, name: string) =>
  Object.fromEntries(
    counts.filter((count) => count.name === name).map(({ label, total }) => [label, total]),
  );
const activeIn = ({ homes }: Stats) => homes.map(({ active_sessions }) => active_sessions);
const live = (service: TestService) =>
  env.DB.prepare(
    'SELECT count(*) AS n FROM user_sessions WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?)',
  )
    .bind(service.clock.now / 1000)
    .first<number>('n');

const from = (country: string) => ({ user_id: crypto.randomUUID(), place: { country } });

describe('what is counted', () => {
  it('starts by client and country, ends by reason, and every event by its type', async () => {
    const service = await startService({ MAX_SESSIONS_PER_USER: '1' });
    await service.create(from('FR'));
    await service.create(from('FR'));
    await service.create({ client_id: 'other-app', ...from('JP') });
    await service.create();
    const signedOut = await service.create({ user_id: USER });
    await service.bearer('DELETE', '/v1/sessions/current', signedOut.access_token);
    await service.create({ user_id: USER });
    await service.create({ user_id: USER });
    const stolen = await service.create();
    service.advance(60);
    await service.refresh(stolen.refresh_token);
    service.advance(60);
    const thief = await service.refresh(stolen.refresh_token, 'app', { userAgent: 'curl/8' });
    expect(thief.body.reason).toBe('reuse_detected');
    await runCron(service);
    const stats = await readStats(service);
    expect(totalsOf(stats, 'sessions_started')).toEqual({ app: 7, 'other-app': 1 });
    expect(totalsOf(stats, 'sessions_started_by_country')).toEqual({ '': 5, FR: 2, JP: 1 });
    expect(totalsOf(stats, 'sessions_ended')).toEqual({
      ...{ signed_out: 1, evicted: 1, reuse_detected: 1 },
    });
    expect(totalsOf(stats, 'events')).toMatchObject({
      ...{ session_created: 8, session_revoked: 1, session_evicted: 1, reuse_detected: 1 },
    });
    expect(activeIn(stats)).toEqual([5]);
  });

  it('sessions that expire, though nothing is written when they do, and what ended before not again', async () => {
    const service = await startService();
    await service.create({ expires_in: 600 });
    const ended = await service.create({ expires_in: 600 });
    await service.create({ expires_in: 6_000 });
    await runCron(service);
    await service.bearer('DELETE', '/v1/sessions/current', ended.access_token);
    service.advance(900);
    await runCron(service);
    await runCron(service);
    const stats = await readStats(service);
    expect(totalsOf(stats, 'sessions_ended')).toEqual({ signed_out: 1, expired_absolute: 1 });
    expect(activeIn(stats)).toEqual([1]);
  });

  it('acts of clients are not: their events are in every home', async () => {
    const service = await startService();
    await service.create({ user_id: USER });
    await service.backend('DELETE', `/v1/users/${USER}/sessions?reason=administrator`);
    await runCron(service);
    const events = totalsOf(await readStats(service), 'events');
    expect(events).toEqual({ session_created: 1, session_revoked: 1 });
  });

  it('rows that were written by hand stop nothing', async () => {
    const service = await startService();
    await env.DB.exec(
      "INSERT INTO session_events (type, subject, session_id, details) VALUES ('session_created', 's', 's', 'no JSON'), ('session_revoked', 's', 's', '[]')",
    );
    await runCron(service);
    const stats = await readStats(service);
    expect(totalsOf(stats, 'events')).toEqual({ session_created: 1, session_revoked: 1 });
    expect(totalsOf(stats, 'sessions_ended')).toEqual({ session_revoked: 1 });
  });
});

describe('each is counted once', () => {
  it('however often the cron runs, and where the answer of its transaction was lost', async () => {
    const service = await startService();
    for (let sessions = 0; sessions < 3; sessions += 1) await service.create();
    const lost = { after: 'Network connection lost' };
    for (let roundTrip = 0; roundTrip < 16; roundTrip += 1) {
      await service.create();
      service.database.faults = [...Array(roundTrip).fill(null), lost];
      await runCron(service);
      service.database.faults = [];
      await runCron(service);
    }
    const stats = await readStats(service);
    expect(totalsOf(stats, 'sessions_started')).toEqual({ app: 19 });
    expect(activeIn(stats)).toEqual([19]);
  });

  it('in a log that is longer than one transaction looks at, and after it was emptied', async () => {
    const service = await startService();
    await fillEvents(USER, 5_003);
    await runCron(service);
    expect(totalsOf(await readStats(service), 'events')).toEqual({ context_changed: 5_003 });
    await env.DB.exec('DELETE FROM session_events');
    await fillEvents(USER, 7);
    await runCron(service);
    expect(totalsOf(await readStats(service), 'events')).toEqual({ context_changed: 5_010 });
  });

  it('of someone who moves: where it happened', async () => {
    const homes = await startThreeHomes();
    const { service } = homes;
    await service.create({ user_id: USER, home: 'DB' });
    await runCron(service);
    const before = totalsOf(await readStats(service), 'events');
    const moved = await service.request(`/v1/users/${USER}/move`, {
      method: 'POST',
      headers: { authorization: basic(BACKEND), 'content-type': 'application/json' },
      body: JSON.stringify({ home: 'DB_WEUR' }),
    });
    expect(moved.status).toBe(200);
    await runCron(service);
    expect(totalsOf(await readStats(service), 'events')).toEqual(before);
  });
});

describe('active sessions', () => {
  it('are told by a walk over all there are, which many runs of the cron may share', async () => {
    const service = await startService({
      MAX_SESSIONS_PER_USER: '0',
      INACTIVITY_TIMEOUT_SECONDS: '0',
    });
    await fillSessions(USER, 30_000);
    await runCron(service);
    expect(activeIn(await readStats(service))).toEqual([null]);
    await runCron(service);
    expect(activeIn(await readStats(service))).toEqual([30_000]);
    // From then on what starts and ends is added at each run, before the next walk is over.
    await service.create({ user_id: USER });
    await runCron(service);
    expect(activeIn(await readStats(service))).toEqual([30_001]);
  });

  it('who was inactive for too long is none, before the clean-up deletes them', async () => {
    const service = await startService({ INACTIVITY_TIMEOUT_SECONDS: '3600' });
    await service.create();
    service.advance(3_000);
    await service.create();
    service.advance(2_000);
    await runCron(service);
    expect(activeIn(await readStats(service))).toEqual([1]);
  });

  it('a run that is cut off in the middle of a walk loses none of them', async () => {
    const service = await startService({ MAX_SESSIONS_PER_USER: '0' });
    await fillSessions(USER, 1_200);
    for (let roundTrip = 6; roundTrip < 14; roundTrip += 1) {
      service.database.faults = [...Array(roundTrip).fill(null), { before: 'cut off' }];
      vi.spyOn(console, 'error').mockImplementation(() => {});
      await runCron(service).catch(() => {});
      service.database.faults = [];
      await runCron(service);
      expect(activeIn(await readStats(service))).toEqual([1_200]);
    }
  });

  it('are as many as rows say, after any history', async () => {
    const service = await startService({ MAX_SESSIONS_PER_USER: '3' });
    let seed = 7;
    const random = (below: number) => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed % below;
    };
    const users = [USER, crypto.randomUUID(), null];
    const tokens: string[] = [];
    for (let step = 0; step < 60; step += 1) {
      const user_id = users[random(3)];
      if (random(3) === 0 && tokens.length > 0)
        await service.bearer('DELETE', '/v1/sessions/current', tokens[random(tokens.length)] ?? '');
      else if (random(12) === 0) await service.backend('DELETE', `/v1/users/${USER}`);
      else
        tokens.push(
          (await service.create({ expires_in: 200 + random(900), ...(user_id && { user_id }) }))
            .access_token,
        );
      service.advance(random(120));
      if (random(8) === 0) {
        await runCron(service);
        expect(activeIn(await readStats(service))).toEqual([await live(service)]);
      }
    }
  });
});

describe('GET /v1/stats', () => {
  it('tells each hour, and the last ones alone that were asked for', async () => {
    const service = await startService();
    await service.create();
    await runCron(service);
    service.advance(2 * HOUR);
    await service.create();
    await service.create();
    await runCron(service);
    const { since, hourly, counts } = await readStats(service);
    expect(since).toBe('2025-12-31T03:00:00Z');
    expect(hourly.filter(({ name }) => name === 'sessions_started')).toEqual([
      { hour: '2026-01-01T00:00:00Z', name: 'sessions_started', value: 1 },
      { hour: '2026-01-01T02:00:00Z', name: 'sessions_started', value: 2 },
    ]);
    expect(hourly.filter(({ name }) => name === 'active_sessions')).toEqual([
      { hour: '2026-01-01T00:00:00Z', name: 'active_sessions', value: 1 },
      { hour: '2026-01-01T02:00:00Z', name: 'active_sessions', value: 3 },
    ]);
    expect(counts).toContainEqual({ name: 'sessions_started', label: 'app', recent: 3, total: 3 });
    const lastHour = await readStats(service, '?hours=1');
    expect(lastHour.counts).toContainEqual({
      ...{ name: 'sessions_started', label: 'app', recent: 2, total: 3 },
    });
    expect(lastHour.hourly.map(({ hour }) => hour)).not.toContain('2026-01-01T00:00:00Z');
  });

  it('tells the runs of the clean-up, the newest first', async () => {
    const service = await startService();
    await runCron(service);
    service.advance(900);
    await runCron(service);
    const { homes } = await readStats(service);
    expect(homes).toMatchObject([
      {
        home: 'DB',
        counted_until: '2026-01-01T00:15:00Z',
        cleanup_runs: [
          { started_at: '2026-01-01T00:15:00Z', finished: true, overdue_seconds: 0 },
          { started_at: '2026-01-01T00:00:00Z', finished: true, expired: 0 },
        ],
      },
    ]);
  });

  it('adds up the homes; one that is away is said, and not waited for by the others’ numbers', async () => {
    const homes = await startThreeHomes();
    const { service } = homes;
    for (const home of ['DB', 'DB_WEUR', 'DB_WEUR'])
      await service.create({ user_id: crypto.randomUUID(), home });
    await runCron(service);
    const all = await readStats(service);
    expect(totalsOf(all, 'sessions_started')).toEqual({ app: 3 });
    expect(activeIn(all).sort()).toEqual([0, 1, 2]);
    homes.databases.DB_WEUR.faults = Array(20).fill({ before: 'away' });
    const rest = await readStats(service);
    expect(rest.unanswered_homes).toEqual(['DB_WEUR']);
    expect(totalsOf(rest, 'sessions_started')).toEqual({ app: 1 });
  });

  it('before the cron has run: nothing is known, and nothing fails', async () => {
    const service = await startService();
    expect(await readStats(service)).toEqual({
      since: '2025-12-31T01:00:00Z',
      counts: [],
      hourly: [],
      homes: [{ home: 'DB', active_sessions: null, counted_until: null, cleanup_runs: [] }],
    });
  });

  it.each(['0', '745', '-1', '1.5', 'all', ''])('?hours=%s is refused', async (hours) => {
    const service = await startService();
    expect((await service.backend('GET', `/v1/stats?hours=${hours}`)).status).toBe(400);
  });

  it('is for operators', async () => {
    const service = await startService();
    const ask = (headers: Record<string, string>) => service.request('/v1/stats', { headers });
    expect((await ask({})).status).toBe(401);
    expect((await ask({ authorization: basic(OTHER_BACKEND) })).status).toBe(403);
  });
});

it('hours are kept for 90 days, and what is of all time for ever', async () => {
  const service = await startService();
  await service.create();
  await runCron(service);
  service.advance(91 * 24 * HOUR);
  await runCron(service);
  const { results } = await env.DB.prepare(
    "SELECT hour, value FROM counts WHERE name = 'sessions_started'",
  ).all();
  expect(results).toEqual([{ hour: 0, value: 1 }]);
  expect(START % (HOUR * 1000)).toBe(0);
});
