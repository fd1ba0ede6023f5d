/** What looks like theft, of all people: who may see it, and what it costs. */
import { env } from 'cloudflare:test';
import { beforeEach, expect, it, vi } from 'vitest';
import { APP, BACKEND, OTHER_BACKEND, START, startService, type TestService } from '../fixtures';
import { type Bound, bind, refusalOf, valueIn } from './door';

const clock = { now: START };
let service: TestService;
let backend: Bound;
beforeEach(async () => {
  vi.spyOn(console, 'log').mockImplementation(() => {});
  vi.spyOn(console, 'warn').mockImplementation(() => {});
  service = await startService({}, clock);
  backend = bind(service, BACKEND.id);
  return () => vi.restoreAllMocks();
});

/** A session whose old token comes back after the grace period. */
async function steal(userId: string) {
  const { refresh_token } = await service.create({ user_id: userId });
  service.advance(30);
  await service.refresh(refresh_token);
  service.advance(3600);
  await service.refresh(refresh_token);
}

it('reuse and mismatches of every app’s people are listed, the newest first, and nothing else', async () => {
  const [first, second] = [crypto.randomUUID(), crypto.randomUUID()];
  await steal(first);
  await steal(second);
  const { events } = valueIn(await backend.listSuspicious({ limit: 2 }));
  expect(events.map(({ type, user_id }) => [type, user_id])).toEqual([
    ['reuse_detected', second],
    ['reuse_detected', first],
  ]);
  expect(events.every(({ client_id }) => client_id === APP)).toBe(true);
});

it('whoever may manage the users of some clients alone does not see it', async () => {
  const other = bind(service, OTHER_BACKEND.id);
  expect(refusalOf(await other.listSuspicious()).code).toBe('client_not_allowed');
});

it('however long the log is, 1,000 events of it are read', async () => {
  await env.DB.prepare(
    "INSERT INTO session_events (type, subject, session_id) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) SELECT 'session_created', 'u' || i, 's' || i FROM n",
  ).run();
  service.database.rowsRead = 0;
  expect(valueIn(await backend.listSuspicious()).events).toEqual([]);
  expect(service.database.rowsRead).toBeLessThanOrEqual(2_100);
  expect(service.database.roundTrips).toBeGreaterThan(0);
});
