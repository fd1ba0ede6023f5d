/** Telling others: what is sent, to whom, how often, and what happens when nobody listens. */
import { createExecutionContext, env } from 'cloudflare:test';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { eventually } from '../eventually';
import { BACKEND, basic, type TestService } from '../fixtures';
import { USER } from '../people';
import { endpoint, FORMER_SECRET, outliving, SECRET, startTelling, verify } from './receiver';

const GRACE = 30;
const QUARTER_HOUR = 900;
const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';
const IN_PARIS = {
  address: '192.0.2.7',
  userAgent: FIREFOX,
  cf: { country: 'FR', asn: 3215, city: 'Paris' },
};
const IN_LIMA = {
  address: '198.51.100.9',
  userAgent: 'curl/8.5.0',
  cf: { country: 'PE', asn: 6147, city: 'Lima' },
};

type Level = 'log' | 'warn' | 'error';
let lines: { level: Level; line: Record<string, unknown> }[];

beforeEach(async () => {
  await env.DB.exec(
    'DELETE FROM user_sessions; DELETE FROM users; DELETE FROM session_events; DELETE FROM outdated_tokens; DELETE FROM webhook_pauses',
  );
  lines = [];
  for (const level of ['log', 'warn', 'error'] as const)
    vi.spyOn(console, level).mockImplementation((line) =>
      lines.push({ level, line: JSON.parse(line) }),
    );
  return () => vi.restoreAllMocks();
});

interface Payload {
  type: string;
  timestamp: string;
  data: { id: string; type: string; session_id: string; risk?: { level: string } };
}
const payloadOf = ({ text }: { text: string }) => JSON.parse(text) as Payload;

interface Listed {
  event_id: string;
  event_type: string;
  endpoint: string;
  state: string;
  attempts: number;
  next_attempt_at: string | null;
  last_error: string | null;
}

async function list(
  service: TestService,
  query = '',
): Promise<{ deliveries: Listed[]; next_cursor: string | null }> {
  const response = await service.backend('GET', `/v1/webhook-deliveries${query}`);
  expect(response.status).toBe(200);
  return response.json();
}

async function replay(
  service: TestService,
  body: Record<string, unknown> = { all: true },
): Promise<unknown> {
  const response = await service.request('/v1/webhook-deliveries/replay', {
    method: 'POST',
    headers: { authorization: basic(BACKEND), 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  expect(response.status).toBe(200);
  return response.json();
}

/** A session, signed out. */
async function signOut(service: TestService) {
  const session = await service.create({ user_id: USER });
  await service.bearer('DELETE', '/v1/sessions/current', session.access_token);
  return session;
}

const logged = (wanted: Level) =>
  lines.filter(({ level }) => level === wanted).map(({ line }) => line);

describe('what is sent', () => {
  it('a message of the Standard Webhooks scheme, which its own library accepts', async () => {
    const { service, receiver } = await startTelling([endpoint('team')]);
    const { session } = await outliving(service, () => signOut(service));
    expect(receiver.accepted).toHaveLength(1);
    const [message] = receiver.accepted as [(typeof receiver.accepted)[0]];
    expect(message.url).toBe('https://team.example/hooks');
    expect(verify(message)).toMatchObject({
      type: 'session_revoked',
      data: {
        id: message.id,
        session_id: session.id,
        user_id: USER,
        by: 'user',
        reason: 'signed_out',
      },
    });
    expect(() => verify(message, FORMER_SECRET)).toThrow('No matching signature');
    expect(() => verify({ ...message, text: message.text.replace('user', 'User') })).toThrow(
      'No matching signature',
    );
    expect((await list(service)).deliveries).toEqual([]);
  });

  it('signed with both secrets while one replaces the other', async () => {
    const { service, receiver } = await startTelling([
      endpoint('team', { secret: [SECRET, FORMER_SECRET] }),
    ]);
    await outliving(service, () => signOut(service));
    for (const secret of [SECRET, FORMER_SECRET]) {
      expect(verify(receiver.accepted[0] as never, secret)).toMatchObject({
        type: 'session_revoked',
      });
    }
  });

  it('with the time of the attempt, not of the event, so that a late one is no replay', async () => {
    const { service, receiver, runCron } = await startTelling([endpoint('team')]);
    await signOut(service);
    service.advance(240);
    await runCron();
    const [message] = receiver.accepted as [(typeof receiver.accepted)[0]];
    expect(Number(message.headers['webhook-timestamp'])).toBe(service.clock.now / 1000);
    expect(Date.parse(payloadOf(message).timestamp)).toBe(service.clock.now - 240_000);
  });

  it('only what the endpoint asked for; unless it says, what a team would act on', async () => {
    const { service, receiver } = await startTelling([
      endpoint('all', { events: ['session_created', 'session_revoked'] }),
      endpoint('created', { events: ['session_created'] }),
      endpoint('default'),
    ]);
    await outliving(service, () => signOut(service));
    const told = receiver.accepted.map((message) => [
      new URL(message.url).host.split('.')[0],
      payloadOf(message).type,
    ]);
    expect(told.sort()).toEqual([
      ['all', 'session_created'],
      ['all', 'session_revoked'],
      ['created', 'session_created'],
      ['default', 'session_revoked'],
    ]);
  });

  it.each([
    ['log', []],
    ['notify', ['mismatch']],
    ['reauthenticate', ['reauthentication_demanded']],
    ['revoke', ['session_revoked']],
  ])('of a mismatch under policy %s: %j', async (policy, expected) => {
    const { service, receiver } = await startTelling([endpoint('team')], { RISK_POLICY: policy });
    await outliving(service, async () => {
      const session = await service.create({ user_id: USER });
      service.advance(GRACE);
      const { body } = await service.refresh(session.refresh_token, 'app', IN_PARIS);
      service.advance(GRACE);
      await service.refresh(body.refresh_token, 'app', IN_LIMA);
    });
    expect(receiver.accepted.map((message) => payloadOf(message).type)).toEqual(expected);
  });

  it('of a stolen token that is replayed from another country, under any policy: the victim’s log, the webhook and the log line share the id', async () => {
    const { service, receiver } = await startTelling([endpoint('team')], { RISK_POLICY: 'log' });
    const other = await service.create({ user_id: USER });
    await outliving(service, async () => {
      const { refresh_token: stolen } = await service.create({ user_id: USER });
      service.advance(GRACE);
      const { body } = await service.refresh(stolen, 'app', IN_PARIS);
      service.advance(GRACE);
      await service.refresh(body.refresh_token, 'app', IN_PARIS);
      service.advance(GRACE);
      expect((await service.refresh(stolen, 'app', IN_LIMA)).body.reason).toBe('reuse_detected');
    });
    const [message] = receiver.accepted as [(typeof receiver.accepted)[0]];
    expect(payloadOf(message)).toMatchObject({
      type: 'reuse_detected',
      data: { location: { country: 'PE' } },
    });
    const { events } = (await (
      await service.bearer('GET', '/v1/events', other.access_token)
    ).json()) as {
      events: { id: string; type: string }[];
    };
    expect(events[0]).toMatchObject({
      id: message.id,
      type: 'reuse_detected',
      location: { country: 'PE' },
    });
    expect(logged('warn')).toContainEqual(
      expect.objectContaining({ event: 'reuse_detected', event_id: message.id, user_id: USER }),
    );
  });
});

describe('when nobody listens', () => {
  it('an answer waits for no endpoint', async () => {
    const { service, receiver } = await startTelling([endpoint('slow')]);
    let accept = () => {};
    receiver.answer = () => new Promise((resolve) => (accept = () => resolve(new Response())));
    const session = await service.create({ user_id: USER });
    const context = createExecutionContext();
    const init = { method: 'DELETE', headers: { authorization: `Bearer ${session.access_token}` } };
    const response = await service.app.request(
      'https://sessions.example/v1/sessions/current',
      init,
      {},
      context,
    );
    expect(response.status).toBe(204);
    expect(receiver.accepted).toEqual([]);
    await eventually(() => expect(receiver.arrived).toHaveLength(1));
    accept();
    await eventually(async () => expect((await list(service)).deliveries).toEqual([]));
  });

  it('an hour of it and 1,000 events: each is delivered once it listens again, none twice', async () => {
    const { service, receiver, runCron } = await startTelling([
      endpoint('team', { events: ['session_created'] }),
      endpoint('other', { events: ['session_created'] }),
    ]);
    const isDown = ({ url }: { url: string }) => url.startsWith('https://team.');
    receiver.answer = (message) => {
      if (isDown(message)) throw new TypeError('Network connection lost');
      return new Response();
    };
    for (let quarter = 0; quarter < 4; quarter += 1) {
      for (let number = 0; number < 250; number += 1) {
        const isAtOnce = number % 50 === 0;
        if (isAtOnce) await outliving(service, () => service.create());
        else await service.create();
      }
      service.advance(QUARTER_HOUR);
      await runCron();
    }
    const accepted = () => receiver.accepted.filter(isDown).map(({ id }) => id);
    expect(accepted()).toEqual([]);
    expect(new Set(receiver.accepted.map(({ id }) => id)).size).toBe(1_000);
    // A lane whose attempts all fail is left for the next run: an endpoint that is down costs a few
    // attempts, not a thousand.
    expect(receiver.arrived.filter(isDown).length).toBeLessThan(50);

    receiver.answer = () => new Response();
    for (let run = 0; run < 12; run += 1) {
      service.advance(QUARTER_HOUR);
      await runCron();
    }
    expect(accepted()).toHaveLength(1_000);
    expect(new Set(accepted()).size).toBe(1_000);
    expect((await list(service)).deliveries).toEqual([]);
  });

  it('an acceptance that the database did not learn of is repeated under the same id', async () => {
    const { service, receiver, runCron } = await startTelling([endpoint('team')]);
    await signOut(service);
    receiver.answer = () => {
      service.database.faults.push({
        before: 'D1_ERROR: D1 DB is overloaded. Too many requests queued.',
      });
      return new Response();
    };
    await expect(runCron()).rejects.toThrow();
    service.database.faults.length = 0;
    receiver.answer = () => new Response();
    await runCron();
    expect(receiver.accepted).toHaveLength(1);
    service.advance(61);
    await runCron();
    expect(receiver.accepted.map(({ id }) => id)).toEqual([
      receiver.accepted[0]?.id,
      receiver.accepted[0]?.id,
    ]);
  });

  it('runs at once deliver each event once', async () => {
    const { service, receiver, runCron } = await startTelling([
      endpoint('team', { events: ['session_created'] }),
    ]);
    for (let number = 0; number < 40; number += 1) await service.create();
    await Promise.all(Array.from({ length: 8 }, runCron));
    expect(receiver.accepted).toHaveLength(40);
    expect(new Set(receiver.accepted.map(({ id }) => id)).size).toBe(40);
  });

  it.each([
    [
      'a server error',
      () => new Response('secret stack', { status: 500 }),
      'status_500',
      'pending',
    ],
    ['a refusal', () => new Response('not this one', { status: 400 }), 'status_400', 'refused'],
    [
      'a redirect, which is not followed',
      () => Response.redirect('https://elsewhere.example/'),
      'status_302',
      'refused',
    ],
    [
      'no connection',
      () => Promise.reject(new TypeError('getaddrinfo ENOTFOUND team.example')),
      'no_connection',
      'pending',
    ],
    [
      'a timeout',
      () => Promise.reject(new DOMException('too slow', 'TimeoutError')),
      'timeout',
      'pending',
    ],
  ])(
    '%s is tried again, later each time, and given up after three days, which an operator sees and replays',
    async (_, answer, error, waiting) => {
      const { service, receiver, runCron } = await startTelling([endpoint('team')]);
      receiver.answer = answer;
      await signOut(service);
      const started = service.clock.now;
      const attempts: number[] = [];
      for (let tries = 0; tries < 10; tries += 1) {
        await runCron();
        attempts.push((service.clock.now - started) / 1000);
        const [delivery] = (await list(service)).deliveries as [Listed];
        expect(delivery).toMatchObject({
          endpoint: 'team',
          event_type: 'session_revoked',
          last_error: error,
        });
        expect(delivery).toMatchObject({
          attempts: tries + 1,
          state: tries < 9 ? waiting : 'dead',
        });
        if (delivery.next_attempt_at === null) break;
        // Not a second earlier.
        service.clock.now = Date.parse(delivery.next_attempt_at) - 1000;
        await runCron();
        expect(receiver.arrived).toHaveLength(tries + 1);
        service.advance(1);
      }
      expect(attempts).toEqual([0, 5, 305, 2105, 9305, 27305, 63305, 113705, 185705, 272105]);
      expect(logged('error')).toContainEqual({
        level: 'error',
        event: 'webhook_dead',
        endpoint: 'team',
        event_id: receiver.arrived[0]?.id,
        attempts: 10,
        error,
      });
      service.advance(10 * 86_400);
      await runCron();
      expect(receiver.arrived).toHaveLength(10);
      expect(receiver.arrived.every(({ url }) => url === 'https://team.example/hooks')).toBe(true);

      receiver.answer = () => new Response();
      expect((await list(service, '?state=dead')).deliveries).toHaveLength(1);
      expect(await outliving(service, () => replay(service))).toEqual({ replayed: 1 });
      expect(receiver.accepted.map(({ id }) => id)).toEqual([receiver.arrived[0]?.id]);
      expect((await list(service)).deliveries).toEqual([]);
      expect(await replay(service)).toEqual({ replayed: 0 });
    },
  );

  it('410: the endpoint wants no more of it, so it is given up at once', async () => {
    const { service, receiver, runCron } = await startTelling([endpoint('team')]);
    receiver.answer = () => new Response(null, { status: 410 });
    await signOut(service);
    await runCron();
    expect((await list(service)).deliveries).toMatchObject([
      { state: 'dead', attempts: 1, next_attempt_at: null },
    ]);
  });

  it('Retry-After is honoured, a day at most', async () => {
    const { service, receiver, runCron } = await startTelling([
      endpoint('patient'),
      endpoint('never'),
    ]);
    receiver.answer = ({ url }) =>
      new Response(null, {
        status: 429,
        headers: { 'retry-after': url.includes('never') ? '999999' : '3600' },
      });
    await signOut(service);
    await runCron();
    const { deliveries } = await list(service);
    const waits = Object.fromEntries(
      deliveries.map(({ endpoint: name, next_attempt_at: at }) => [
        name,
        (Date.parse(at as string) - service.clock.now) / 1000,
      ]),
    );
    expect(waits).toEqual({ patient: 3600, never: 86_400 });
  });

  it('an endpoint that is removed from the configuration leaves nothing pending', async () => {
    const before = await startTelling([endpoint('former')]);
    await signOut(before.service);
    const { service, runCron } = await startTelling([endpoint('team')]);
    service.clock.now = before.service.clock.now;
    await runCron();
    expect((await list(service)).deliveries).toMatchObject([
      { endpoint: 'former', last_error: 'endpoint_removed' },
    ]);
  });

  it('an erased user is told of to nobody any more', async () => {
    const { service, receiver, runCron } = await startTelling([endpoint('team')]);
    await signOut(service);
    expect((await list(service)).deliveries).toHaveLength(1);
    await service.backend('DELETE', `/v1/users/${USER}`);
    expect((await list(service)).deliveries).toEqual([]);
    await runCron();
    expect(receiver.arrived).toEqual([]);
  });

  it('the log names endpoints and events, never URLs, secrets or what an endpoint answered', async () => {
    const { service, receiver } = await startTelling([endpoint('team')]);
    receiver.answer = () => new Response('an answer of the endpoint', { status: 500 });
    await outliving(service, () => signOut(service));
    expect(logged('warn')).toContainEqual(
      expect.objectContaining({ event: 'webhook_failed', endpoint: 'team' }),
    );
    expect(JSON.stringify(lines)).not.toMatch(/team\.example|whsec_|an answer/);
  });
});

describe('the operator’s list', () => {
  it('is paged, and filtered by state and endpoint', async () => {
    const { service, receiver, runCron } = await startTelling(
      ['one', 'two'].map((name) => endpoint(name, { events: ['session_created'] })),
    );
    receiver.answer = ({ url }) => new Response(null, { status: url.includes('one') ? 410 : 500 });
    for (let number = 0; number < 5; number += 1) await service.create();
    await runCron();
    const pages: Listed[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page: Awaited<ReturnType<typeof list>> = await list(
        service,
        `?limit=3${cursor && `&cursor=${cursor}`}`,
      );
      expect(page.deliveries.length).toBeLessThanOrEqual(3);
      pages.push(...page.deliveries);
      cursor = page.next_cursor;
    }
    expect(new Set(pages.map(({ event_id, endpoint: name }) => `${event_id} ${name}`)).size).toBe(
      10,
    );
    expect((await list(service, '?state=dead')).deliveries.map((found) => found.endpoint)).toEqual(
      Array(5).fill('one'),
    );
    expect((await list(service, '?endpoint=two')).deliveries).toHaveLength(5);
    expect((await list(service, '?endpoint=two&state=dead')).deliveries).toEqual([]);
    const [first] = pages as [Listed];
    expect(await replay(service, { endpoint: 'one', event_id: first.event_id })).toEqual({
      replayed: 1,
    });
    expect((await list(service, '?state=dead')).deliveries).toHaveLength(4);
  });

  it.each(['?state=lost', '?limit=0', '?cursor=x', '?cursor=0', '?other=1'])(
    '%s is refused',
    async (query) => {
      const { service } = await startTelling([]);
      expect((await service.backend('GET', `/v1/webhook-deliveries${query}`)).status).toBe(400);
      expect(service.database.roundTrips).toBe(0);
    },
  );
});
