/** The security log: what is written, that none is lost and none invented, and who may read it. */
import { env } from 'cloudflare:test';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import {
  APP,
  BACKEND,
  type Caller,
  readRow,
  sha256Hex,
  startService,
  type TestService,
} from '../fixtures';
import { USER } from '../people';
import { AT, UA } from './callers';

const OTHER_USER = '7b0e4f50-0f4c-4d0b-8f43-0f7d1d2f7c12';
const GRACE = 30;
const DAY = 86_400;
const HOME: Caller = { userAgent: UA.chrome(), ...AT.home };
const THIEF: Caller = { userAgent: UA.python, ...AT.lima };

let lines: Record<string, unknown>[];
beforeEach(async () => {
  await env.DB.exec(
    'DELETE FROM user_sessions; DELETE FROM users; DELETE FROM session_events; DELETE FROM outdated_tokens',
  );
  lines = [];
  for (const level of ['log', 'warn', 'error'] as const)
    vi.spyOn(console, level).mockImplementation((line) => lines.push(JSON.parse(line)));
  return () => vi.restoreAllMocks();
});

interface Event {
  id: string;
  type: string;
  session_id: string;
  [name: string]: unknown;
}
interface Page {
  events: Event[];
  next_cursor: string | null;
}

async function eventsOf(service: TestService, userId = USER, query = ''): Promise<Page> {
  const response = await service.backend('GET', `/v1/users/${userId}/events${query}`);
  expect(response.status).toBe(200);
  return response.json();
}

/** The types of a user's events, oldest first. */
const typesOf = async (service: TestService, userId = USER) =>
  (await eventsOf(service, userId)).events.map(({ type }) => type).reverse();

/** A session of a user who is at home, past its first refresh. */
async function atHome(service: TestService, userId = USER) {
  const created = await service.create({ user_id: userId });
  service.advance(GRACE);
  const { body } = await service.refresh(created.refresh_token, APP, HOME);
  service.advance(GRACE);
  return { ...created, refresh_token: body.refresh_token, access_token: body.access_token };
}

describe('what is written', () => {
  it('a session created, where from, and by which client', async () => {
    const service = await startService();
    const { session } = await service.create({
      user_id: USER,
      user_agent: UA.chrome(),
      ip_address: AT.home.address,
    });
    expect((await eventsOf(service)).events).toEqual([
      {
        id: expect.stringMatching(/^[\da-f]{8}-[\da-f]{4}-4/),
        type: 'session_created',
        created_at: '2026-01-01T00:00:00Z',
        user_id: USER,
        session_id: session.id,
        client_id: APP,
        by: 'client',
        by_client_id: BACKEND.id,
        device: 'Chrome on Windows',
        ip_address: AT.home.address,
        location: null,
        request_id: expect.any(String),
      },
    ]);
  });

  it('a device that the user was never seen on; not the first one, nor a known one', async () => {
    const service = await startService();
    for (const user_agent of [
      UA.chrome(140),
      UA.chrome(141),
      UA.iphone(),
      UA.iphone('26.0'),
      undefined,
    ])
      await service.create({ user_id: USER, ...(user_agent && { user_agent }) });
    const created = Array(5).fill('session_created');
    expect((await typesOf(service)).sort()).toEqual(['new_device', ...created]);
  });

  it('a new context, once, with what changed from what to what', async () => {
    const service = await startService();
    const { refresh_token } = await atHome(service);
    const { body } = await service.refresh(refresh_token, APP, { ...HOME, ...AT.office });
    service.advance(GRACE);
    await service.refresh(body.refresh_token, APP, { ...HOME, ...AT.office });
    const { events } = await eventsOf(service);
    expect(events).toHaveLength(2);
    expect(events[0]).toMatchObject({
      type: 'context_changed',
      by: 'user',
      device: 'Chrome on Windows',
      ip_address: AT.office.address,
      location: { country: 'FR', city: 'Paris' },
      risk: {
        score: 25,
        level: 'low',
        reasons: ['network_changed', 'asn_changed'],
        changes: [
          { signal: 'network', from: '192.0.2.0/24', to: '198.18.1.0/24' },
          { signal: 'asn', from: 3215, to: 12876 },
        ],
      },
    });
  });

  it('the end of a session: by whom, and why', async () => {
    const service = await startService({ MAX_SESSIONS_PER_USER: '2' });
    const ended = async () => {
      const [last] = (await eventsOf(service)).events.filter(({ type }) =>
        /revoked|evicted/.test(type),
      );
      return {
        type: last?.type,
        by: last?.by,
        by_client_id: last?.by_client_id,
        reason: last?.reason,
      };
    };
    const first = await service.create({ user_id: USER });
    await service.bearer('DELETE', '/v1/sessions/current', first.access_token);
    expect(await ended()).toEqual({ type: 'session_revoked', by: 'user', reason: 'signed_out' });
    const second = await service.create({ user_id: USER });
    await service.form('/oauth/revoke', { token: second.refresh_token, client_id: APP });
    expect(await ended()).toEqual({
      type: 'session_revoked',
      by: 'client',
      by_client_id: APP,
      reason: 'signed_out',
    });
    for (let number = 0; number < 3; number += 1) await service.create({ user_id: USER });
    expect(await ended()).toEqual({ type: 'session_evicted', by: 'system', reason: 'evicted' });
    await service.backend('DELETE', `/v1/users/${USER}/sessions`);
    expect(await ended()).toEqual({
      type: 'session_revoked',
      by: 'client',
      by_client_id: BACKEND.id,
      reason: 'revoked',
    });
    const guest = await service.create();
    await service.create({ user_id: USER, guest_session_id: guest.session.id });
    const { results } = await env.DB.prepare(
      'SELECT type, details FROM session_events WHERE session_id = ?',
    )
      .bind(guest.session.id)
      .all();
    expect(results.map(({ type }) => type)).toEqual(['session_created', 'session_revoked']);
    expect(JSON.parse(results[1]?.details as string)).toEqual({ by: 'client', reason: 'upgraded' });
  });

  it('nothing when there is nothing to report: one round trip, one row (also when the browser has updated itself)', async () => {
    const service = await startService();
    let { refresh_token } = await atHome(service);
    const before = (await eventsOf(service)).events.length;
    for (const version of [141, 142, 160]) {
      // An isolate reads the signing keys once a minute.
      await service.request('/.well-known/jwks.json');
      Object.assign(service.database, { roundTrips: 0, rowsWritten: 0 });
      const { body } = await service.refresh(refresh_token, APP, {
        ...HOME,
        userAgent: UA.chrome(version),
      });
      refresh_token = body.refresh_token;
      expect(service.database).toMatchObject({ roundTrips: 1, rowsWritten: 1 });
      service.advance(GRACE);
    }
    expect((await eventsOf(service)).events).toHaveLength(before);
  });
});

describe('RISK_POLICY', () => {
  const clients = async (policy?: string) =>
    JSON.stringify([
      {
        client_id: BACKEND.id,
        secret_sha256: await sha256Hex(BACKEND.secret),
        allow: ['create_sessions', 'manage_users'],
        for_clients: [APP],
      },
      { client_id: APP, ...(policy && { risk_policy: policy }) },
    ]);

  it.each([
    ['log', 'deployment'],
    ['notify', 'deployment'],
    ['log', 'client'],
    ['notify', 'client'],
  ])(
    '%s, by the %s: the refresh goes on, and the mismatch is in the log',
    async (policy, whose) => {
      const service = await startService(
        whose === 'client'
          ? { RISK_POLICY: 'revoke', CLIENTS: await clients(policy) }
          : { RISK_POLICY: policy },
      );
      const { refresh_token } = await atHome(service);
      expect((await service.refresh(refresh_token, APP, THIEF)).status).toBe(200);
      const [event] = (await eventsOf(service)).events;
      expect(event).toMatchObject({
        type: 'mismatch',
        location: { country: 'PE' },
        risk: { level: 'high', score: 100 },
      });
    },
  );

  it.each(['deployment', 'client'])(
    'reauthenticate, by the %s: refused, and the session stays for its owner; the event is written once',
    async (whose) => {
      const service = await startService(
        whose === 'client'
          ? { CLIENTS: await clients('reauthenticate') }
          : { RISK_POLICY: 'reauthenticate' },
      );
      const { session, refresh_token } = await atHome(service);
      for (let attempt = 0; attempt < 3; attempt += 1) {
        const { status, body } = await service.refresh(refresh_token, APP, THIEF);
        expect({ status, error: body.error, reason: body.reason }).toEqual({
          status: 400,
          error: 'invalid_grant',
          reason: 'reauthenticate',
        });
      }
      expect(await typesOf(service)).toEqual(['session_created', 'reauthentication_demanded']);
      expect(await readRow(session.id)).toMatchObject({ revoked_at: null });
      expect((await service.refresh(refresh_token, APP, HOME)).status).toBe(200);
    },
  );

  it.each(['deployment', 'client'])('revoke, by the %s: the session ends', async (whose) => {
    const service = await startService(
      whose === 'client' ? { CLIENTS: await clients('revoke') } : { RISK_POLICY: 'revoke' },
    );
    const { session, refresh_token } = await atHome(service);
    expect((await service.refresh(refresh_token, APP, THIEF)).body.reason).toBe('revoked');
    expect((await service.refresh(refresh_token, APP, HOME)).body.reason).toBe('revoked');
    expect(await readRow(session.id)).toMatchObject({ revoked_reason: 'suspicious' });
    expect((await eventsOf(service)).events[0]).toMatchObject({
      type: 'session_revoked',
      by: 'system',
      reason: 'suspicious',
      risk: { level: 'high' },
    });
  });

  it('revoke: neither a phone that changes network nor a browser that updates itself is signed out', async () => {
    const service = await startService({ RISK_POLICY: 'revoke' });
    let { refresh_token } = await atHome(service);
    for (const at of [
      AT.cellular,
      AT.home,
      AT.relay,
      AT.homeIpv6,
      AT.homeHttp3,
      AT.lyon,
      AT.homeWithoutCf,
    ]) {
      const { status, body } = await service.refresh(refresh_token, APP, {
        userAgent: UA.chrome(142),
        ...at,
      });
      expect(status).toBe(200);
      refresh_token = body.refresh_token;
      service.advance(GRACE);
    }
  });

  it('is asked of a token within its grace period too', async () => {
    const service = await startService({ RISK_POLICY: 'reauthenticate' });
    const { refresh_token } = await atHome(service);
    await service.refresh(refresh_token, APP, HOME);
    expect((await service.refresh(refresh_token, APP, THIEF)).body.reason).toBe('reauthenticate');
    expect((await service.refresh(refresh_token, APP, HOME)).status).toBe(200);
  });
});

describe('none is lost and none invented', () => {
  const faults = ['Network connection lost.', 'D1_ERROR: D1 DB storage caused object to be reset.'];

  it.each(faults.flatMap((fault) => [{ before: fault }, { after: fault }]))(
    'a database that fails with %o: what was done is reported once',
    async (fault) => {
      const service = await startService();
      const { refresh_token, access_token } = await atHome(service);
      const watchFor = async (work: () => Promise<unknown>, expected: string[]) => {
        await env.DB.exec('DELETE FROM session_events');
        service.database.faults = [fault];
        await work();
        expect(service.database.faults).toEqual([]);
        expect(await typesOf(service)).toEqual(expected);
      };
      await watchFor(() => service.refresh(refresh_token, APP, THIEF), ['mismatch']);
      service.advance(GRACE);
      await watchFor(
        () => service.bearer('DELETE', '/v1/sessions/current', access_token),
        ['session_revoked'],
      );
      await watchFor(() => service.create({ user_id: USER }), ['session_created']);
    },
  );

  it('a fault in the second round trip, which reports', async () => {
    for (const fault of [{ before: faults[0] as string }, { after: faults[0] as string }]) {
      const service = await startService();
      const { refresh_token, session } = await atHome(service, crypto.randomUUID());
      // An isolate reads the signing keys once a minute.
      await service.request('/.well-known/jwks.json');
      Object.assign(service.database, { roundTrips: 0, faults: [null, fault] });
      expect((await service.refresh(refresh_token, APP, THIEF)).status).toBe(200);
      expect(service.database.roundTrips).toBe(3);
      const { results } = await env.DB.prepare(
        "SELECT type FROM session_events WHERE session_id = ? AND type = 'mismatch'",
      )
        .bind(session.id)
        .all();
      expect(results).toHaveLength(1);
    }
  });

  it('30 replays of a stolen token at once: one reuse', async () => {
    const service = await startService();
    const { refresh_token: stolen } = await atHome(service);
    const { body } = await service.refresh(stolen, APP, HOME);
    service.advance(GRACE);
    await service.refresh(body.refresh_token, APP, HOME);
    service.advance(GRACE);
    const replays = await Promise.all(
      Array.from({ length: 30 }, () => service.refresh(stolen, APP, THIEF)),
    );
    expect(new Set(replays.map((replay) => replay.body.reason))).toEqual(
      new Set(['reuse_detected']),
    );
    expect(await typesOf(service)).toEqual(['session_created', 'reuse_detected']);
  });

  it('30 refreshes from elsewhere at once: one mismatch', async () => {
    const service = await startService();
    const { refresh_token } = await atHome(service);
    const answers = await Promise.all(
      Array.from({ length: 30 }, () => service.refresh(refresh_token, APP, THIEF)),
    );
    expect(new Set(answers.map(({ body }) => body.refresh_token)).size).toBe(1);
    expect(await typesOf(service)).toEqual(['session_created', 'mismatch']);
  });

  it('two sign-outs at once: one revocation', async () => {
    const service = await startService();
    const { access_token } = await service.create({ user_id: USER });
    await Promise.all(
      Array.from({ length: 10 }, () =>
        service.bearer('DELETE', '/v1/sessions/current', access_token),
      ),
    );
    expect(await typesOf(service)).toEqual(['session_created', 'session_revoked']);
  });

  it('a create that the limit refuses reports nothing', async () => {
    const service = await startService({
      MAX_SESSIONS_PER_USER: '1',
      SESSION_LIMIT_POLICY: 'reject',
    });
    await service.create({ user_id: USER });
    await expect(service.create({ user_id: USER })).rejects.toThrow('409');
    expect(await typesOf(service)).toEqual(['session_created']);
  });
});

describe('the log line', () => {
  it('has the event’s id and level, and no address, place, device or token', async () => {
    const service = await startService();
    const { refresh_token, session } = await atHome(service);
    await service.refresh(refresh_token, APP, THIEF);
    const [event] = (await eventsOf(service)).events;
    expect(lines).toContainEqual({
      level: 'warn',
      event: 'mismatch',
      event_id: event?.id,
      request_id: event?.request_id,
      session_id: session.id,
      user_id: USER,
      client_id: APP,
    });
    expect(JSON.stringify(lines)).not.toMatch(/192\.0\.2|198\.18|Paris|Lima|Chrome|python|v2\./);
  });
});

describe('reading it', () => {
  it('users read their own, of all their sessions; nobody else’s', async () => {
    const service = await startService();
    const mine = await service.create({ user_id: USER });
    await service.create({ user_id: USER });
    const theirs = await service.create({ user_id: OTHER_USER });
    const guest = await service.create();
    const read = async (token: string) =>
      ((await (await service.bearer('GET', '/v1/events', token)).json()) as Page).events.map(
        (event) => event.session_id,
      );
    expect(await read(mine.access_token)).toHaveLength(2);
    expect(await read(theirs.access_token)).toEqual([theirs.session.id]);
    expect(await read(guest.access_token)).toEqual([guest.session.id]);
  });

  it('not with a session that is over', async () => {
    const service = await startService();
    const { access_token } = await service.create({ user_id: USER });
    await service.bearer('DELETE', '/v1/sessions/current', access_token);
    const response = await service.bearer('GET', '/v1/events', access_token);
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toContain('invalid_token');
  });

  it('250 events in pages: all of them, newest first, none twice, in one round trip each', async () => {
    const service = await startService({ MAX_SESSIONS_PER_USER: '0' });
    for (let number = 0; number < 250; number += 1) await service.create({ user_id: USER });
    const { access_token } = await service.create({ user_id: USER });
    const seen: string[] = [];
    let pages = 0;
    for (let cursor: string | null = ''; cursor !== null; pages += 1) {
      service.database.roundTrips = 0;
      const path = `/v1/events?limit=100${cursor && `&cursor=${cursor}`}`;
      const page: Page = await (await service.bearer('GET', path, access_token)).json();
      expect(service.database.roundTrips).toBe(1);
      seen.push(...page.events.map(({ id }) => id));
      cursor = page.next_cursor;
    }
    expect({ pages, seen: seen.length, distinct: new Set(seen).size }).toEqual({
      pages: 3,
      seen: 251,
      distinct: 251,
    });
  });

  it.each([
    '?cursor=x',
    '?cursor=0',
    '?cursor=-1',
    '?limit=0',
    '?limit=101',
    '?limit=1&limit=2',
    '?user_id=x',
  ])('%s is refused without a question to the database', async (query) => {
    const service = await startService();
    const { access_token } = await service.create({ user_id: USER });
    service.database.roundTrips = 0;
    expect((await service.bearer('GET', `/v1/events${query}`, access_token)).status).toBe(400);
    expect((await service.backend('GET', `/v1/users/${USER}/events${query}`)).status).toBe(400);
    expect(service.database.roundTrips).toBe(0);
  });

  it('a row that was written by hand stops no list', async () => {
    const service = await startService();
    for (const details of ['', 'x', 'null', '[]', '{"by":1}']) {
      await env.DB.prepare(
        'INSERT INTO session_events (type, subject, session_id, created_at, details) VALUES (?,?,?,?,?)',
      )
        .bind('odd', USER, 's', details === 'x' ? 'not a time' : 0, details)
        .run();
    }
    expect((await eventsOf(service)).events).toHaveLength(5);
  });
});

it('EVENT_RETENTION_SECONDS: the cron purges what is older, and only that', async () => {
  const { runScheduled } = await import('../../src/scheduled');
  const service = await startService({ EVENT_RETENTION_SECONDS: String(30 * DAY) });
  await service.create({ user_id: USER });
  service.advance(20 * DAY);
  await service.create({ user_id: USER });
  service.advance(10 * DAY);
  await runScheduled(service.env, service.clock.now);
  expect((await eventsOf(service)).events).toHaveLength(2);
  service.advance(1);
  await runScheduled(service.env, service.clock.now);
  expect((await eventsOf(service)).events).toHaveLength(1);
  expect(lines).toContainEqual(
    expect.objectContaining({ cleanup: expect.objectContaining({ events: 1 }) }),
  );
});
