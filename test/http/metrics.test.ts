/** GET /metrics, as Prometheus reads it, and what an isolate counts by itself. */
import { createExecutionContext, env, waitOnExecutionContext } from 'cloudflare:test';
import parse from 'parse-prometheus-text-format';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { Stats } from '../../src/client/rpc';
import { runScheduled } from '../../src/scheduled';
import { BACKEND, basic, ISSUER, OTHER_BACKEND, startService, type TestService } from '../fixtures';
import { emptyHomes, HOMES, startThreeHomes } from '../homes/three-homes';
import { USER } from '../people';
import { bind } from '../rpc/door';

const pages: Record<string, string> = import.meta.glob('../../docs/metrics.md', {
  query: '?raw',
  eager: true,
  import: 'default',
});

beforeEach(async () => {
  await emptyHomes();
  for (const home of HOMES)
    await env[home].exec('DELETE FROM counts; DELETE FROM cleanup_runs; DELETE FROM cleanup_state');
  vi.spyOn(console, 'log').mockImplementation(() => {});
  vi.spyOn(console, 'warn').mockImplementation(() => {});
  vi.spyOn(console, 'error').mockImplementation(() => {});
  return () => vi.restoreAllMocks();
});

async function scrape(service: TestService) {
  const response = await service.backend('GET', '/metrics');
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  const text = await response.text();
  return { text, families: parse(text) };
}

/** The samples of a metric, by the value of their label. */
async function samplesOf(service: TestService, name: string) {
  const { families } = await scrape(service);
  const family = families.find((found) => found.name === `edge_sessions_${name}`);
  return Object.fromEntries(
    (family?.metrics ?? []).map(({ labels = {}, value }) => [
      Object.values(labels).join(),
      Number(value),
    ]),
  );
}

describe('GET /metrics', () => {
  it('has names, types and units by the conventions of Prometheus, each with its help', async () => {
    const service = await startService();
    await service.create({ user_id: USER, place: { country: 'FR' } });
    const { access_token } = await service.create();
    await service.bearer('DELETE', '/v1/sessions/current', access_token);
    await runScheduled(service.env, service.clock.now);
    const { text, families } = await scrape(service);
    expect(families.length).toBeGreaterThan(10);
    for (const { name, type, help } of families) {
      expect(name).toMatch(/^edge_sessions_[a-z_]+$/);
      expect(help).toMatch(/^[A-Z].*\.$/);
      expect([name, type]).toEqual([name, name.endsWith('_total') ? 'COUNTER' : 'GAUGE']);
      expect(name).not.toMatch(/_(ms|minutes|hours|count)(_|$)/);
    }
    expect(text.endsWith('\n')).toBe(true);
    const samples = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    const series = samples.map((line) => line.replace(/ [^ ]*$/, ''));
    expect(new Set(series).size).toBe(series.length);
  });

  it('is what docs/metrics.md lists, by name, type and label', async () => {
    const service = await startService();
    await env.DB.exec(
      'INSERT INTO counts SELECT 0, value, \'x\', 1 FROM json_each(\'["sessions_started","sessions_started_by_country","sessions_ended","events","refreshes","refusals"]\')',
    );
    await runScheduled(service.env, service.clock.now);
    const { families } = await scrape(service);
    const [page = ''] = Object.values(pages);
    const listed = [...page.matchAll(/^\| `(edge_sessions_\w+)` \| (\w+)[^|]*\| `(\w+)` \|$/gm)];
    expect(listed.map(([, ...row]) => row)).toEqual(
      families.map(({ name, type, metrics: [sample] }) => [
        ...[name, type.toLowerCase(), ...Object.keys(sample?.labels ?? {})],
      ]),
    );
    const alerts = [...page.matchAll(/edge_sessions_\w+(?=[ ){[])/g)].map(([name]) => name);
    expect(alerts.filter((name) => !families.some((family) => family.name === name))).toEqual([]);
    const counted = [...page.matchAll(/^\| `(\w+)` \|.*\| (?:exact|estimate) \|$/gm)];
    expect(counted.map(([, name]) => name).sort()).toEqual(
      (await service.backend('GET', '/v1/stats').then((answer) => answer.json<Stats>())).counts
        .map(({ name }) => name)
        .sort(),
    );
  });

  it('says what happened, and how many there are', async () => {
    const service = await startService();
    await service.create({ user_id: USER, place: { country: 'FR' } });
    const { access_token } = await service.create({ client_id: 'other-app' });
    await service.bearer('DELETE', '/v1/sessions/current', access_token);
    await runScheduled(service.env, service.clock.now);
    expect(await samplesOf(service, 'started_total')).toEqual({ app: 1, 'other-app': 1 });
    expect(await samplesOf(service, 'started_by_country_total')).toEqual({ FR: 1, '': 1 });
    expect(await samplesOf(service, 'ended_total')).toEqual({ signed_out: 1 });
    expect(await samplesOf(service, 'events_total')).toMatchObject({ session_created: 2 });
    expect(await samplesOf(service, 'active')).toEqual({ DB: 1 });
    expect(await samplesOf(service, 'home_up')).toEqual({ DB: 1 });
    const ran = service.clock.now / 1000;
    expect(await samplesOf(service, 'last_cleanup_timestamp_seconds')).toEqual({ DB: ran });
    expect(await samplesOf(service, 'counted_until_timestamp_seconds')).toEqual({ DB: ran });
    expect(await samplesOf(service, 'cleanup_overdue_seconds')).toEqual({ DB: 0 });
  });

  it('tells nothing of a cron that never ran, and no country that is none', async () => {
    const service = await startService();
    expect(await samplesOf(service, 'last_cleanup_timestamp_seconds')).toEqual({});
    expect(await samplesOf(service, 'active')).toEqual({});
    await service.create({ place: { country: 'an essay' } });
    await runScheduled(service.env, service.clock.now);
    expect(await samplesOf(service, 'started_by_country_total')).toEqual({ '': 1 });
  });

  it('a label may be any text', async () => {
    const service = await startService();
    const label = 'a "quoted" \\ back\nslash}';
    await env.DB.prepare("INSERT INTO counts VALUES (0, 'events', ?, 7)").bind(label).run();
    const { text } = await scrape(service);
    expect(text).toContain(
      'edge_sessions_events_total{type="a \\"quoted\\" \\\\ back\\nslash}"} 7\n',
    );
  });

  it('a home that is away is down, and the others are told', async () => {
    const homes = await startThreeHomes();
    homes.databases.DB_APAC.faults = Array(20).fill({ before: 'away' });
    const up = await samplesOf(homes.service, 'home_up');
    expect(up).toEqual({ DB: 1, DB_APAC: 0, DB_WEUR: 1 });
  });

  it('is for operators', async () => {
    const service = await startService();
    const ask = (headers: Record<string, string>) => service.request('/metrics', { headers });
    expect((await ask({})).status).toBe(401);
    expect((await ask({ authorization: basic(OTHER_BACKEND) })).status).toBe(403);
    expect((await service.backend('GET', '/metrics?x=1')).status).toBe(400);
  });
});

describe('refreshes and refusals', () => {
  /** A request with what follows its answer: what it answered, and all its round trips. */
  async function serve(service: TestService, path: string, init: RequestInit) {
    const before = service.database.roundTrips;
    const context = createExecutionContext();
    const request = new Request(ISSUER + path, init);
    const response = await service.app.fetch(request, service.env, context);
    await waitOnExecutionContext(context);
    return { response, roundTrips: service.database.roundTrips - before };
  }
  const refresh = (service: TestService, refresh_token: string) =>
    serve(service, '/oauth/token', {
      method: 'POST',
      body: new URLSearchParams({ grant_type: 'refresh_token', client_id: 'app', refresh_token }),
    });

  it('are counted by the isolate, and added once a minute, after a request that asked a database', async () => {
    const service = await startService();
    const { refresh_token } = await service.create();
    const forged = `${refresh_token.slice(0, -4)}AAAA`;
    const { response, roundTrips } = await refresh(service, refresh_token);
    const next = await response.json<{ refresh_token: string }>();
    expect(roundTrips).toBe(1);
    for (let times = 0; times < 3; times += 1) await refresh(service, forged);
    expect(await samplesOf(service, 'refreshes_total')).toEqual({});
    service.advance(61);
    await service.request('/.well-known/jwks.json');
    // One that asks no database does not go there for this alone.
    expect((await refresh(service, forged)).roundTrips).toBe(0);
    expect((await refresh(service, next.refresh_token)).roundTrips).toBe(2);
    expect(await samplesOf(service, 'refreshes_total')).toEqual({ rotated: 2 });
    expect(await samplesOf(service, 'refusals_total')).toEqual({ bad_signature: 4 });
    expect((await refresh(service, next.refresh_token)).roundTrips).toBe(1);
  });

  it('are kept where the database does not take them, until it does', async () => {
    const service = await startService();
    const session = await service.create();
    await refresh(service, session.refresh_token);
    const list = () =>
      serve(service, '/v1/sessions', {
        headers: { authorization: `Bearer ${session.access_token}` },
      });
    service.advance(61);
    await service.create();
    service.database.faults = [null, { before: 'away' }];
    expect((await list()).roundTrips).toBe(2);
    expect(await samplesOf(service, 'refreshes_total')).toEqual({});
    service.advance(61);
    await service.create();
    expect((await list()).roundTrips).toBe(2);
    expect(await samplesOf(service, 'refreshes_total')).toEqual({ rotated: 1 });
  });

  it('by RPC, too', async () => {
    const service = await startService();
    const { refresh_token } = await service.create();
    const app = bind(service, 'app');
    await app.refresh({ refresh_token });
    await bind(service, 'nobody').list({ user_id: USER });
    await app.list({ user_id: USER });
    service.advance(61);
    await app.refresh({ refresh_token: 'x' });
    await app.revoke({ token: refresh_token });
    await Promise.all(app.afterwards);
    expect(await samplesOf(service, 'refreshes_total')).toEqual({ rotated: 1 });
    expect(await samplesOf(service, 'refusals_total')).toEqual({
      ...{ client_not_allowed: 1, malformed: 1 },
    });
  });
});

describe('Analytics Engine, where it is bound,', () => {
  it('is told of each start, refresh and refusal at once, and of no person', async () => {
    const points: AnalyticsEngineDataPoint[] = [];
    const ANALYTICS = { writeDataPoint: (point: AnalyticsEngineDataPoint) => points.push(point) };
    const service = await startService({ ANALYTICS: ANALYTICS as AnalyticsEngineDataset });
    const about = { user_agent: 'curl/8', ip_address: '203.0.113.7', place: { city: 'Paris' } };
    const { refresh_token, session } = await service.create({ user_id: USER, ...about });
    await service.refresh(refresh_token, 'app', { address: '203.0.113.7' });
    await service.refresh(`${refresh_token.slice(0, -4)}AAAA`);
    await service.backend('GET', '/v1/users/nobody/sessions');
    const toPoint = (name: string, label: string, client: string) => ({
      ...{ indexes: [name], blobs: [name, label, client], doubles: [1] },
    });
    expect(points).toEqual([
      toPoint('starts', 'created', 'app'),
      toPoint('refreshes', 'rotated', 'app'),
      toPoint('refusals', 'bad_signature', 'app'),
      toPoint('refusals', 'invalid_request', BACKEND.id),
    ]);
    const told = JSON.stringify(points);
    for (const personal of [USER, session.id, '203.0.113', 'Paris', 'curl'])
      expect(told).not.toContain(personal);
  });
});
