/**
 * `npm run capacity`: what many sessions cost. Fills one local D1 database with sessions, leaves
 * another empty, and measures the same operations on both in turn, so that whatever else the
 * machine does falls on both alike. Then deletes dead rows while refreshes run. Options:
 * --sessions, --dead, --seconds (of a round), --rounds, --connections.
 */
import { randomUUID } from 'node:crypto';
import { parseArgs } from 'node:util';
import {
  ask,
  type Call,
  closeConnections,
  printErrors,
  type Round,
  run,
  USER_AGENT,
} from './load.ts';
import { startWorkers } from './workers.ts';

const { values } = parseArgs({
  options: {
    sessions: { type: 'string', default: '1000000' },
    dead: { type: 'string', default: '200000' },
    seconds: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '5' },
    connections: { type: 'string', default: '16' },
  },
});
const { sessions, dead, seconds, rounds, connections } = Object.fromEntries(
  Object.entries(values).map(([name, value]) => [name, Number(value)]),
) as Record<keyof typeof values, number>;

/** Rows of one INSERT: D1 gives a statement 30 seconds. */
const SLICE = 50_000;
/** The signals of a refresh, as a browser gives them. */
const SIGNALS = JSON.stringify({
  ...{
    browser: 'Chrome',
    platform: 'Windows',
    version: 141,
    address: '192.0.2.10',
    network: '192.0.2.0/24',
    asn: 3215,
  },
  ...{
    country: 'FR',
    region: 'Île-de-France',
    city: 'Paris',
    latitude: 48.9,
    longitude: 2.4,
    hints: 'Windows',
  },
  transport: 'HTTP/2 TLSv1.3',
});

const measured = new Map<string, Round[]>();
const workers = await startWorkers();
try {
  const full = await workers.database('full');
  const before = await size();
  console.log(
    `filling a database with ${sessions.toLocaleString('en')} sessions of ${(sessions / 3).toFixed(0)} users`,
  );
  for (let start = 0; start < sessions; start += SLICE)
    await fill(start, Math.min(start + SLICE, sessions), false);
  console.log(
    `${Math.round(((await size()) - before) / sessions)} bytes a session, indexes and its user included`,
  );

  const operations = await prepare();
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, on] of Object.entries(operations)) {
      for (const which of ['empty', 'full'] as const) {
        const key = `${name} ${which}`;
        measured.set(key, [
          ...(measured.get(key) ?? []),
          await run(connections, seconds, on[which]),
        ]);
        workers.takeLog();
      }
    }
  }
  console.table(
    Object.keys(operations).map((name) => compare(name, `${name} empty`, `${name} full`)),
  );

  const alone = [await run(connections, seconds * rounds, operations.refresh.full)];
  for (let start = 0; start < dead; start += SLICE)
    await fill(start, Math.min(start + SLICE, dead), true);
  // What filling leaves to be written is not the clean-up's.
  await run(connections, seconds, operations.refresh.full);
  let deleted = 0;
  let runs = 0;
  const started = performance.now();
  const cleaning = (async () => {
    for (; deleted < dead; runs += 1) deleted += await workers.clean('full');
  })();
  let isCleaning = true;
  cleaning.finally(() => {
    isCleaning = false;
  });
  const beside: Round[] = [];
  while (isCleaning) beside.push(await run(connections, seconds, operations.refresh.full));
  await cleaning;
  const took = Math.round((performance.now() - started) / 1000);
  alone.push(await run(connections, seconds * rounds, operations.refresh.full));
  measured.set('alone', alone).set('beside the clean-up', beside);
  console.log(
    `deleted ${deleted.toLocaleString('en')} dead rows in ${runs} runs of the cron, one after the other, in ${took} s`,
  );
  console.table([
    compare('refresh, alone and beside the clean-up', 'alone', 'beside the clean-up'),
  ]);

  async function size(): Promise<number> {
    return (await full.prepare('SELECT 1').run()).meta.size_after ?? Number.NaN;
  }

  /** Three sessions a user; dead ones ended long ago. */
  async function fill(start: number, end: number, isDead: boolean): Promise<void> {
    const kind = isDead ? 'd' : 's';
    const numbers = `WITH RECURSIVE n(i) AS (SELECT ${start} UNION ALL SELECT i + 1 FROM n WHERE i < ${end - 1})`;
    const id = (prefix: string, number: string) =>
      `printf('${prefix}%07x-0000-4000-8000-%012x', ${number}, ${number} * 7919)`;
    await full
      .prepare(`INSERT OR IGNORE INTO users (id) ${numbers} SELECT ${id('u', 'i / 3')} FROM n`)
      .run();
    const created = isDead ? 'unixepoch() - 5000000' : 'unixepoch() - i % 80000';
    const expires = isDead ? 'unixepoch() - 2400000' : 'unixepoch() + 2000000';
    await full
      .prepare(
        `INSERT INTO user_sessions (id, user_id, refresh_token, user_agent, ip_address, created_at, expires_at, client_id, rotated_at, auth_time, last_signals)
         ${numbers} SELECT ${id(kind, 'i')}, ${id('u', 'i / 3')}, printf('%043x', i), ?1, '192.0.2.10', ${created}, ${expires}, 'app', ${created} * 1000, ${created}, ?2 FROM n`,
      )
      .bind(USER_AGENT, SIGNALS)
      .run();
  }
} finally {
  closeConnections();
  await workers.stop();
}

type Step = (connection: number) => Promise<unknown>;

/** The same four operations on both databases. */
async function prepare(): Promise<
  Record<'refresh' | 'create' | 'list' | 'revoke', { empty: Step; full: Step }>
> {
  const { strict, full, authorization } = workers;
  const create = (base: URL): Call => ({
    method: 'POST',
    url: new URL('/v1/sessions', base),
    headers: { 'content-type': 'application/json', authorization },
    body: JSON.stringify({
      user_id: randomUUID(),
      client_id: 'app',
      user_agent: USER_AGENT,
      ip_address: '192.0.2.7',
    }),
  });
  const start = async (base: URL): Promise<{ access_token: string; refresh_token: string }> =>
    JSON.parse((await ask(create(base), 201)).body);
  const startAll = (base: URL) =>
    Promise.all(Array.from({ length: connections }, () => start(base)));
  const stepsOn = async (
    base: URL,
  ): Promise<Record<'refresh' | 'create' | 'list' | 'revoke', Step>> => {
    const tokens = (await startAll(base)).map(({ refresh_token }) => refresh_token);
    const listed = (await startAll(base)).map(({ access_token }) => access_token);
    return {
      refresh: async (connection) => {
        const { body } = await ask({
          method: 'POST',
          url: new URL('/oauth/token', base),
          headers: { 'content-type': 'application/x-www-form-urlencoded' },
          body: `grant_type=refresh_token&client_id=app&refresh_token=${tokens[connection]}`,
        });
        tokens[connection] = JSON.parse(body).refresh_token;
      },
      create: () => ask(create(base), 201),
      list: (connection) => {
        const headers = { authorization: `Bearer ${listed[connection]}` };
        return ask({ method: 'GET', url: new URL('/v1/sessions', base), headers });
      },
      revoke: async () => {
        const headers = { authorization: `Bearer ${(await start(base)).access_token}` };
        return ask({ method: 'DELETE', url: new URL('/v1/sessions/current', base), headers }, 204);
      },
    };
  };
  const [empty, filled] = [await stepsOn(strict), await stepsOn(full)];
  const both = (name: keyof typeof empty) => ({ empty: empty[name], full: filled[name] });
  return {
    refresh: both('refresh'),
    create: both('create'),
    list: both('list'),
    revoke: both('revoke'),
  };
}

function compare(operation: string, one: string, other: string): Record<string, string | number> {
  const of = (key: string) => {
    const list = measured.get(key) ?? [];
    const latencies = list.flatMap((round) => round.latencies).sort((a, b) => a - b);
    const at = (part: number) => latencies[Math.floor(latencies.length * part)] ?? Number.NaN;
    return {
      p50: at(0.5),
      p99: at(0.99),
      errors: list.flatMap((round) => round.errors),
    };
  };
  const [a, b] = [of(one), of(other)];
  printErrors(one, a.errors);
  printErrors(other, b.errors);
  return {
    operation,
    'p50 ms': `${a.p50.toFixed(1)} → ${b.p50.toFixed(1)}`,
    'p99 ms': `${a.p99.toFixed(1)} → ${b.p99.toFixed(1)}`,
    'p50 ratio': (b.p50 / a.p50).toFixed(2),
    'p99 ratio': (b.p99 / a.p99).toFixed(2),
    errors: a.errors.length + b.errors.length,
  };
}
