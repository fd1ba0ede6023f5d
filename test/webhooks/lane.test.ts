/** What slows down what else an endpoint is sent, and in which order it is told of a session. */
import { env } from 'cloudflare:test';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { eventually } from '../eventually';
import { BACKEND, basic, type TestService } from '../fixtures';
import { USER } from '../people';
import { endpoint, outliving, type Received, startTelling } from './receiver';

const ALL = { events: ['session_created', 'session_revoked'] };

beforeEach(async () => {
  await env.DB.exec(
    'DELETE FROM user_sessions; DELETE FROM users; DELETE FROM session_events; DELETE FROM outdated_tokens; DELETE FROM webhook_pauses',
  );
  for (const level of ['log', 'warn', 'error'] as const)
    vi.spyOn(console, level).mockImplementation(() => {});
  return () => vi.restoreAllMocks();
});

interface Payload {
  type: string;
  sequence: number;
  data: { id: string; session_id: string };
}
const payloadOf = ({ text }: Received) => JSON.parse(text) as Payload;
const typesOf = (messages: Received[]) => messages.map((message) => payloadOf(message).type);

const signOut = (service: TestService, { access_token }: { access_token: string }) =>
  service.bearer('DELETE', '/v1/sessions/current', access_token);

async function countUndelivered(): Promise<number> {
  const row = await env.DB.prepare('SELECT count(*) AS n FROM webhook_deliveries').first();
  return row?.n as number;
}

describe('what slows a lane', () => {
  it.each([400, 401, 404, 413, 422, 302])(
    '60 messages that always get %i do not delay the one that is accepted',
    async (status) => {
      const { service, receiver, runCron } = await startTelling([endpoint('team', ALL)]);
      for (let number = 0; number < 60; number += 1) await service.create();
      const { session } = await service.create();
      receiver.answer = (message) =>
        payloadOf(message).data.session_id === session.id
          ? new Response()
          : new Response(null, { status });
      await runCron();
      expect(receiver.accepted).toHaveLength(1);
      expect(receiver.arrived).toHaveLength(61);
      // Later ones come before the refused ones, which are due again.
      service.advance(400);
      receiver.arrived.length = 0;
      for (let number = 0; number < 5; number += 1) await service.create();
      await runCron();
      const first = receiver.arrived.slice(0, 5).map(({ id }) => id);
      expect(
        new Set(receiver.arrived.slice(5).map(({ id }) => id)).isDisjointFrom(new Set(first)),
      ).toBe(true);
      expect(first.length).toBe(5);
      const { results } = await env.DB.prepare(
        'SELECT event_id FROM webhook_deliveries WHERE attempts = 1',
      ).all<{ event_id: string }>();
      expect(results.map(({ event_id }) => event_id).sort()).toEqual([...first].sort());
    },
  );

  it.each([
    ['500', () => new Response(null, { status: 500 })],
    ['429', () => new Response(null, { status: 429 })],
    ['no answer', () => Promise.reject(new DOMException('too slow', 'TimeoutError'))],
    ['no connection', () => Promise.reject(new TypeError('Network connection lost'))],
  ])('%s to all of a round ends the run', async (_, answer) => {
    const { service, receiver, runCron } = await startTelling([endpoint('team', ALL)]);
    for (let number = 0; number < 60; number += 1) await service.create();
    receiver.answer = answer;
    await runCron();
    expect(receiver.arrived).toHaveLength(5);
  });

  it.each([
    ['seconds', () => '3600'],
    ['a date (RFC 9110 §10.2.3)', (now: number) => new Date(now + 3_600_000).toUTCString()],
  ])(
    '429 with Retry-After in %s: the endpoint is left alone until then, also by what happens meanwhile',
    async (_, toHeader) => {
      const { service, receiver, runCron } = await startTelling([
        endpoint('team', ALL),
        endpoint('other', ALL),
      ]);
      const isTeam = ({ url }: Received) => url.startsWith('https://team.');
      receiver.answer = (message) =>
        isTeam(message)
          ? new Response(null, {
              status: 429,
              headers: { 'retry-after': toHeader(service.clock.now) },
            })
          : new Response();
      await outliving(service, () => service.create());
      expect(receiver.arrived.filter(isTeam)).toHaveLength(1);
      service.advance(3_599);
      await outliving(service, () => service.create());
      await runCron();
      expect(receiver.arrived.filter(isTeam)).toHaveLength(1);
      expect(receiver.accepted).toHaveLength(2);

      receiver.answer = () => new Response();
      service.advance(1);
      await runCron();
      expect(receiver.accepted.filter(isTeam)).toHaveLength(2);
      expect(await countUndelivered()).toBe(0);
    },
  );

  it('an operator who replays ends the pause', async () => {
    const { service, receiver } = await startTelling([endpoint('team', ALL)]);
    receiver.answer = () =>
      new Response(null, { status: 503, headers: { 'retry-after': '86400' } });
    await outliving(service, () => service.create());
    receiver.answer = () => new Response();
    await service.request('/v1/webhook-deliveries/replay', {
      method: 'POST',
      headers: { authorization: basic(BACKEND), 'content-type': 'application/json' },
      body: '{"all":true}',
    });
    await outliving(service, () => service.create());
    expect(receiver.accepted).toHaveLength(1);
  });

  it('a lane that hangs delays no other', async () => {
    const { service, receiver } = await startTelling([
      endpoint('hanging', ALL),
      endpoint('team', ALL),
    ]);
    let release = () => {};
    const hanging = new Promise<Response>((resolve) => {
      release = () => resolve(new Response());
    });
    receiver.answer = ({ url }) => (url.startsWith('https://hanging.') ? hanging : new Response());
    await outliving(service, async () => {
      await service.create();
      // The answer is out, and the other endpoint is told, while the first still hangs.
      void eventually(() => expect(receiver.accepted).toHaveLength(1)).then(release);
    });
    expect(receiver.accepted).toHaveLength(2);
  });
});

describe('the order of a session', () => {
  it('what is pending waits for what is earlier, at once and by the cron; another session does not', async () => {
    const { service, receiver, runCron } = await startTelling([endpoint('team', ALL)]);
    receiver.answer = () => new Response(null, { status: 500 });
    const session = await service.create({ user_id: USER });
    await outliving(service, () => service.create());
    await runCron();
    receiver.answer = () => new Response();
    // The creation was tried, and is not due: the end has to wait for it.
    receiver.arrived.length = 0;
    await outliving(service, () => signOut(service, session));
    await runCron();
    expect(receiver.arrived).toEqual([]);
    const other = await service.create();
    await outliving(service, () => signOut(service, other));
    expect(typesOf(receiver.accepted)).toEqual(['session_created', 'session_revoked']);
    expect(receiver.accepted.map((message) => payloadOf(message).data.session_id)).toEqual([
      other.session.id,
      other.session.id,
    ]);
    receiver.accepted.length = 0;
    service.advance(300);
    await runCron();
    const own = receiver.accepted.filter(
      (message) => payloadOf(message).data.session_id === session.session.id,
    );
    expect(typesOf(own)).toEqual(['session_created', 'session_revoked']);
    expect(await countUndelivered()).toBe(0);
  });

  it('what was refused holds up nothing later of its session, which has the higher number', async () => {
    const { service, receiver, runCron } = await startTelling([endpoint('team', ALL)]);
    receiver.answer = (message) =>
      new Response(null, { status: payloadOf(message).type === 'session_created' ? 400 : 200 });
    const session = await service.create({ user_id: USER });
    await runCron();
    await outliving(service, () => signOut(service, session));
    expect(typesOf(receiver.accepted)).toEqual(['session_revoked']);
    receiver.answer = () => new Response();
    service.advance(10);
    await runCron();
    expect(typesOf(receiver.accepted)).toEqual(['session_revoked', 'session_created']);
    const [ended, created] = receiver.accepted.map((message) => payloadOf(message).sequence);
    expect(ended).toBeGreaterThan(created as number);
  });

  it('runs at once keep it', async () => {
    const { service, receiver, runCron } = await startTelling([endpoint('team', ALL)]);
    receiver.answer = async () => {
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 20));
      return new Response();
    };
    for (let number = 0; number < 15; number += 1) await signOut(service, await service.create());
    await Promise.all(Array.from({ length: 6 }, runCron));
    await runCron();
    const seen = Map.groupBy(receiver.accepted, (message) => payloadOf(message).data.session_id);
    expect(seen.size).toBe(15);
    for (const messages of seen.values())
      expect(typesOf(messages)).toEqual(['session_created', 'session_revoked']);
  });

  it('the number rises also when the clean-up has deleted all that came before', async () => {
    const { service, receiver, runCron } = await startTelling([endpoint('team', ALL)], {
      EVENT_RETENTION_SECONDS: '3600',
    });
    const session = await service.create({ user_id: USER });
    await runCron();
    service.advance(7_200);
    await runCron();
    const { results } = await env.DB.prepare('SELECT * FROM session_events').all();
    expect(results).toMatchObject([
      { subject: '', session_id: '', details: '{}', client_id: null },
    ]);
    const { body } = await service.refresh(session.refresh_token);
    await signOut(service, body);
    await runCron();
    const [first, last] = receiver.accepted.map((message) => payloadOf(message).sequence);
    expect(last).toBeGreaterThan(first as number);
    // The emptied one goes as soon as there is a newer one.
    await runCron();
    expect(
      (await env.DB.prepare("SELECT * FROM session_events WHERE subject = ''").all()).results,
    ).toEqual([]);
  });
});

it('what is sent says who asks (RFC 9110 §10.1.5), because firewalls refuse what does not', async () => {
  const { service, receiver, runCron } = await startTelling([endpoint('team', ALL)]);
  await outliving(service, () => service.create());
  await service.create();
  await runCron();
  expect(receiver.arrived.map(({ headers }) => headers['user-agent'])).toEqual([
    'edge-sessions (+https://sessions.example)',
    'edge-sessions (+https://sessions.example)',
  ]);
});
