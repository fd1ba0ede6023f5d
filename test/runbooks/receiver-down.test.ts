/** docs/runbooks.md, "A webhook's receiver is down": a week of it, and how it comes back. */
import { env } from 'cloudflare:test';
import { expect, it } from 'vitest';
import { runScheduled } from '../../src/scheduled';
import { beginEmpty } from '../homes/three-homes';
import { endpoint, outliving, startTelling } from '../webhooks/receiver';
import { carryOut, like, runbook } from './runbook';

const DAY = 86_400;
/** Rarer than it is, so that a week is soon over. */
const CRON_INTERVAL = 3 * 3_600;
const RUNS_A_DAY = DAY / CRON_INTERVAL;
const SESSIONS = 8;
const { commands, shown } = runbook("A webhook's receiver is down");
const [listPending, listDead, replay] = commands;
const [failedLine, deadLine] = shown;

const log = beginEmpty();
const TEAM = endpoint('team', {
  events: ['session_created', 'context_changed', 'session_revoked'],
});

interface Message {
  id: string;
  type: string;
  sequence: number;
  data: { session_id: string };
}

const count = (answer: Record<string, unknown>) => (answer.deliveries as unknown[]).length;

/** Every session is begun, used from elsewhere two days later, and ended after four. */
async function aWeekDown() {
  const { service, receiver, runCron } = await startTelling([TEAM]);
  receiver.answer = () => new Response(null, { status: 503 });
  let sessions: { refresh_token: string }[] = [];
  const ofEach = async (work: (token: string) => Promise<string>) => {
    sessions = await Promise.all(
      sessions.map(async ({ refresh_token }) => ({ refresh_token: await work(refresh_token) })),
    );
  };
  const refreshed = async (token: string, address: string) => {
    const { status, body } = await service.refresh(token, 'app', { address });
    expect(status).toBe(200);
    return body;
  };
  await outliving(service, async () => {
    for (let number = 0; number < SESSIONS; number += 1)
      sessions.push(await service.create({ ip_address: '192.0.2.1' }));
  });
  for (let run = 0; run < 7 * RUNS_A_DAY; run += 1) {
    service.advance(CRON_INTERVAL);
    await runCron();
    if (run === 2 * RUNS_A_DAY)
      await ofEach(async (token) => (await refreshed(token, '198.51.100.1')).refresh_token);
    if (run === 4 * RUNS_A_DAY)
      await ofEach(async (token) => {
        const { access_token } = await refreshed(token, '198.51.100.1');
        await service.bearer('DELETE', '/v1/sessions/current', access_token);
        return token;
      });
  }
  return { service, receiver, runCron };
}

it('after a week nothing is lost: some is dead, some is pending, and one call makes all of it due, in order', async () => {
  const { service, receiver, runCron } = await aWeekDown();
  expect(log.lines).toContainEqual(like(failedLine));
  expect(log.lines).toContainEqual(like(deadLine));
  const [pending, dead] = [await carryOut(service, listPending), await carryOut(service, listDead)];
  expect(count(dead)).toBeGreaterThan(0);
  expect(count(pending)).toBeGreaterThan(0);
  expect(count(pending) + count(dead)).toBe(3 * SESSIONS);

  receiver.answer = () => new Response();
  const waiting = (pending.deliveries as { next_attempt_at: string }[]).filter(
    ({ next_attempt_at }) => Date.parse(next_attempt_at) > service.clock.now,
  );
  expect(waiting.length).toBeGreaterThan(0);
  expect(await carryOut(service, replay)).toEqual({ replayed: count(dead) + waiting.length });
  expect(await carryOut(service, replay)).toEqual({ replayed: 0 });
  await runCron();
  for (const list of [listPending, listDead]) expect(count(await carryOut(service, list))).toBe(0);
  const messages = receiver.accepted.map(({ text, id }): Message => ({ ...JSON.parse(text), id }));
  const bySession = Map.groupBy(messages, ({ data }) => data.session_id);
  expect(bySession.size).toBe(SESSIONS);
  for (const told of bySession.values()) {
    const inOrder = told.toSorted((a, b) => a.sequence - b.sequence);
    expect(inOrder.map(({ type }) => type)).toEqual([
      'session_created',
      'context_changed',
      'session_revoked',
    ]);
    // Replayed before the cron sent what was pending, so that it also arrived in that order.
    expect(told).toEqual(inOrder);
  }
});

it('what is older than the retention of the log is dropped with its event', async () => {
  const { service, receiver } = await startTelling([TEAM]);
  receiver.answer = () => new Response(null, { status: 503 });
  await service.create();
  service.advance(DAY);
  await service.create();
  const run = (seconds: number) =>
    runScheduled(
      { ...service.env, EVENT_RETENTION_SECONDS: String(seconds) },
      service.clock.now,
      undefined,
      receiver.send,
    );
  await run(2 * DAY);
  expect(count(await carryOut(service, listPending))).toBe(2);
  await run(DAY / 2);
  expect(count(await carryOut(service, listPending))).toBe(1);
});

it('an endpoint that was taken out of WEBHOOKS is sent what is dead, once it is there again', async () => {
  const { service, receiver } = await startTelling([TEAM]);
  await service.create();
  const run = (WEBHOOKS: string) =>
    runScheduled({ ...service.env, WEBHOOKS }, service.clock.now, undefined, receiver.send);
  await run('[]');
  expect(await carryOut(service, listDead)).toMatchObject({
    deliveries: [{ state: 'dead', last_error: 'endpoint_removed' }],
  });
  expect(await carryOut(service, replay)).toEqual({ replayed: 1 });
  await run(JSON.stringify([TEAM]));
  expect(receiver.accepted).toHaveLength(1);
});

it('of more than a thousand, a call takes the oldest, so that each session’s come in order', async () => {
  const { service } = await startTelling([TEAM]);
  const second = service.clock.now / 1000;
  const numbers = JSON.stringify(Array.from({ length: 1_500 }, (_, number) => number));
  await env.DB.batch([
    env.DB.prepare(
      "INSERT INTO session_events (seq, id, type, subject, session_id, created_at) SELECT value + 1, 'event-' || value, 'session_created', 's', 's', ? FROM json_each(?)",
    ).bind(second, numbers),
    env.DB.prepare(
      "INSERT INTO webhook_deliveries (event_id, endpoint, state, attempts, next_attempt_at, session_id, sequence) SELECT 'event-' || value, 'team', 'dead', 10, ?, 's', value FROM json_each(?) ORDER BY value",
    ).bind(second, numbers),
  ]);
  expect(await carryOut(service, replay)).toEqual({ replayed: 1_000 });
  const oldest = await env.DB.prepare(
    "SELECT min(sequence) AS first, max(sequence) AS last FROM webhook_deliveries WHERE state = 'pending'",
  ).first();
  expect(oldest).toEqual({ first: 0, last: 999 });
  expect(await carryOut(service, replay)).toEqual({ replayed: 500 });
  expect(await carryOut(service, replay)).toEqual({ replayed: 0 });
});
