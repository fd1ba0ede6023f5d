/**
 * The audit log: whoever acts on other people by a capability leaves who, on whom, when, by which
 * request and why.
 */
import { env } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';
import { runScheduled } from '../../src/scheduled';
import { BACKEND, basic, OTHER_BACKEND, startService } from '../fixtures';
import {
  AWAY,
  beginEmpty,
  create,
  FROM,
  HOMES,
  startThreeHomes,
  type ThreeHomes,
  takeAway,
} from '../homes/three-homes';
import { USER } from '../people';
import { endpoint, openReceiver, outliving } from '../webhooks/receiver';

const NOBODY = '00000000-0000-4000-8000-000000000000';
const DAY = 86_400;

const log = beginEmpty();

interface AuditEvent {
  id: string;
  type: string;
  client_id: string;
  target: { type: string; id: string | null; id_sha256?: string };
  reason: string | null;
  details: Record<string, unknown>;
  request_id: string;
  created_at: string;
  homes: string[];
}

interface AuditList {
  events: AuditEvent[];
  next_cursor: string | null;
  unanswered_homes?: string[];
}

async function ask(
  { service }: Pick<ThreeHomes, 'service'>,
  method: string,
  path: string,
  body?: object,
) {
  const headers = {
    authorization: basic(BACKEND),
    ...(body && { 'content-type': 'application/json' }),
  };
  const init = { method, headers, ...(body && { body: JSON.stringify(body) }) };
  const response = await service.request(path, init);
  const text = await response.text();
  const json = text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
  return { status: response.status, requestId: response.headers.get('x-request-id'), json };
}

async function read(homes: Pick<ThreeHomes, 'service'>, query = ''): Promise<AuditList> {
  const { status, json } = await ask(homes, 'GET', `/v1/audit-events${query}`);
  expect(status).toBe(200);
  return json as unknown as AuditList;
}

async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  const base64 = btoa(String.fromCharCode(...new Uint8Array(digest)));
  return base64.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

const ofUser = async (id: string | null = USER) => ({
  type: 'user',
  id,
  id_sha256: await sha256(USER),
});
const ALL = [...HOMES];

/** Later than the signing keys that other tests of this file make. */
const LATE = { now: Date.UTC(2034, 0, 1) };

/** What is asked, with a reason; and the event that it leaves. */
const ACTS: [
  string,
  { method: string; path: string; body?: object },
  () => Promise<Partial<AuditEvent>>,
][] = [
  [
    'a backend signs a user out',
    { method: 'DELETE', path: `/v1/users/${USER}/sessions` },
    async () => ({ type: 'user_signed_out', target: await ofUser(), homes: ALL }),
  ],
  [
    'an erasure',
    { method: 'DELETE', path: `/v1/users/${USER}` },
    async () => ({ type: 'user_erased', target: await ofUser(null), homes: ALL }),
  ],
  [
    'an export',
    { method: 'GET', path: `/v1/users/${USER}/export?cursor=DB_WEUR.sessions.0` },
    async () => ({ type: 'user_exported', target: await ofUser(), homes: ['DB_WEUR'] }),
  ],
  [
    'a move',
    { method: 'POST', path: `/v1/users/${USER}/move`, body: { home: 'DB' } },
    async () => ({
      type: 'user_moved',
      target: await ofUser(),
      details: { from: 'DB_WEUR', to: 'DB' },
      homes: ['DB_WEUR'],
    }),
  ],
  [
    'a not-before of a user',
    { method: 'POST', path: '/v1/not-before', body: { user_id: USER, not_before: 1_000 } },
    async () => ({
      type: 'not_before_set',
      target: await ofUser(),
      details: { not_before: 1_000 },
      homes: ALL,
    }),
  ],
  [
    'a not-before of a home',
    { method: 'POST', path: '/v1/not-before', body: { home: 'DB_APAC', not_before: 1_000 } },
    async () => ({
      type: 'not_before_set',
      target: { type: 'home', id: 'DB_APAC' },
      homes: ['DB_APAC'],
    }),
  ],
  [
    'a not-before of everyone',
    { method: 'POST', path: '/v1/not-before', body: { everyone: true, not_before: 1_000 } },
    async () => ({ type: 'not_before_set', target: { type: 'everyone', id: null }, homes: ALL }),
  ],
  [
    'a replay of all deliveries',
    { method: 'POST', path: '/v1/webhook-deliveries/replay', body: { all: true } },
    async () => ({
      type: 'deliveries_replayed',
      target: { type: 'webhook_deliveries', id: null },
      homes: ALL,
    }),
  ],
  [
    'a replay of one event',
    { method: 'POST', path: '/v1/webhook-deliveries/replay', body: { event_id: NOBODY } },
    async () => ({
      type: 'deliveries_replayed',
      target: { type: 'event', id: NOBODY },
      homes: ALL,
    }),
  ],
  [
    'a withdrawal of signing keys',
    {
      method: 'POST',
      path: '/v1/signing-keys/revoke',
      body: { created_before: LATE.now / 1000 + 1 },
    },
    async () => ({
      type: 'signing_keys_revoked',
      target: { type: 'signing_keys', id: null },
      details: {
        created_before: LATE.now / 1000 + 1,
        kids: expect.arrayContaining([expect.any(String)]),
      },
      homes: ['DB'],
    }),
  ],
];

const withReason = ({ path, body }: { path: string; body?: object }, reason: unknown) =>
  body === undefined
    ? { path: `${path}${path.includes('?') ? '&' : '?'}reason=${reason}`, body: undefined }
    : { path, body: { ...body, reason } };

describe('an audit event', () => {
  it.each(ACTS)(
    '%s leaves one, with client, target, request, time and reason',
    async (_, act, expected) => {
      const homes = await startThreeHomes({}, { ...LATE });
      await create(homes, { user_id: USER }, FROM.paris);
      homes.service.advance(1);
      const { path, body } = withReason(act, 'account_disabled');
      const { status, requestId } = await ask(homes, act.method, path, body);
      expect(status).toBeLessThan(300);
      const { events } = await read(homes);
      expect(events).toEqual([
        {
          id: expect.stringMatching(/^[0-9a-f-]{36}$/),
          client_id: BACKEND.id,
          reason: 'account_disabled',
          details: expect.any(Object),
          request_id: requestId,
          created_at: new Date(homes.service.clock.now).toISOString().replace('.000', ''),
          ...(await expected()),
          homes: expect.any(Array),
        },
      ]);
      expect([...(events[0]?.homes ?? [])].sort()).toEqual(
        [...((await expected()).homes ?? [])].sort(),
      );
      const line = log.lines.find(({ event_id }) => event_id === events[0]?.id);
      expect(line).toMatchObject({
        event: events[0]?.type,
        client_id: BACKEND.id,
        request_id: requestId,
      });
      expect(JSON.stringify(line)).not.toContain(USER);
    },
  );

  it.each(ACTS)(
    '%s with a reason of its own making is refused, and does nothing',
    async (_, act) => {
      const homes = await startThreeHomes({}, { ...LATE });
      const { refresh_token } = await create(homes, { user_id: USER }, FROM.paris);
      homes.service.advance(60);
      homes.roundTrips();
      const { path, body } = withReason(act, 'because');
      const { status, json } = await ask(homes, act.method, path, body);
      expect([status, json.detail]).toEqual([
        400,
        'reason can be password_changed, credential_compromised, account_disabled, administrator, user_request',
      ]);
      expect(homes.roundTrips()).toEqual({ DB: 0, DB_APAC: 0, DB_WEUR: 0 });
      expect((await homes.service.refresh(refresh_token)).status).toBe(200);
      expect((await read(homes)).events).toEqual([]);
    },
  );

  it('a drain leaves one, whoever it moves, and none when nobody was left', async () => {
    const closed = [
      { home: 'DB', regions: ['enam'] },
      { home: 'DB_WEUR', regions: ['weur'], new_users: 'none' },
    ];
    const open = await startThreeHomes();
    await create(open, { user_id: USER }, FROM.paris);
    await create(open, {}, FROM.paris);
    const homes = await startThreeHomes({ HOMES: JSON.stringify(closed) });
    const drain = () => ask(homes, 'POST', '/v1/homes/DB_WEUR/drain', { reason: 'administrator' });
    const { requestId } = await drain();
    await drain();
    expect((await read(homes)).events).toMatchObject([
      {
        type: 'home_drained',
        target: { type: 'home', id: 'DB_WEUR' },
        reason: 'administrator',
        request_id: requestId,
        homes: ['DB_WEUR'],
      },
    ]);
  });

  it('says no reason where the caller gave none', async () => {
    const homes = await startThreeHomes();
    await ask(homes, 'DELETE', `/v1/users/${USER}/sessions`);
    expect((await read(homes)).events).toMatchObject([{ reason: null, type: 'user_signed_out' }]);
  });

  it('is written by the transaction of the act: neither is there without the other', async () => {
    const homes = await startThreeHomes();
    const { refresh_token } = await create(homes, { user_id: USER }, FROM.paris);
    homes.service.advance(1);
    // The question where the user is, then the act.
    homes.databases.DB_WEUR.faults = [null, AWAY];
    expect((await ask(homes, 'DELETE', `/v1/users/${USER}/sessions`)).status).toBe(503);
    const { events } = await read(homes);
    expect(events).toMatchObject([{ type: 'user_signed_out', homes: ['DB', 'DB_APAC'] }]);
    expect((await homes.service.refresh(refresh_token)).status).toBe(200);
  });

  it('costs no round trip: a sign-out is one, and writes four rows more', async () => {
    const service = await startService();
    await service.create({ user_id: USER });
    Object.assign(service.database, { roundTrips: 0, rowsRead: 0, rowsWritten: 0 });
    await service.backend('DELETE', `/v1/users/${USER}/sessions`);
    const { roundTrips, rowsWritten } = service.database;
    // The session and its index, the not-before and its three, the event and its two indexes; the
    // audit event and its three.
    expect({ roundTrips, rowsWritten }).toEqual({ roundTrips: 1, rowsWritten: 5 + 4 + 4 });
  });

  it('of an export is one an hour, though it has many pages', async () => {
    const { service } = await startThreeHomes();
    const page = (cursor: string) =>
      service.backend('GET', `/v1/users/${USER}/export?cursor=DB.${cursor}`);
    for (const cursor of ['person.0', 'sessions.0', 'events.0']) await page(cursor);
    expect((await read({ service })).events).toHaveLength(1);
    service.advance(3_600);
    await page('events.0');
    expect((await read({ service })).events).toHaveLength(2);
  });
});

describe('a person who is erased', () => {
  it('is named by a hash alone, in what was done to them before, by then, and after', async () => {
    const homes = await startThreeHomes();
    const guest = await create(homes, {}, FROM.tokyo);
    await ask(homes, 'DELETE', `/v1/users/${guest.session.id}/sessions`);
    await create(homes, { user_id: USER }, FROM.paris);
    await ask(homes, 'POST', `/v1/users/${USER}/move`, { home: 'DB' });
    await ask(homes, 'DELETE', `/v1/users/${USER}/sessions`);
    const namedIn = ({ events }: AuditList) =>
      events.map(({ type, target }) => [type, target.id]).sort();
    expect(namedIn(await read(homes))).toEqual(
      [
        ['user_moved', USER],
        ['user_signed_out', guest.session.id],
        ['user_signed_out', USER],
      ].sort(),
    );
    await ask(homes, 'DELETE', `/v1/users/${USER}`);
    await ask(homes, 'GET', `/v1/users/${USER}/export`);
    await ask(homes, 'DELETE', `/v1/users/${USER}/sessions`);
    const { events } = await read(homes);
    const theirs = events.filter(({ target }) => target.id !== guest.session.id);
    expect(theirs.map(({ type }) => type).sort()).toEqual([
      'user_erased',
      'user_exported',
      'user_moved',
      'user_signed_out',
      'user_signed_out',
    ]);
    for (const { target } of theirs) expect(target).toEqual(await ofUser(null));
    for (const name of HOMES) {
      const { results } = await env[name].prepare('SELECT * FROM session_events').all();
      expect(JSON.stringify(results)).not.toContain(USER);
    }
  });

  it('was given what the audit log had of them, by the export', async () => {
    const homes = await startThreeHomes();
    await create(homes, { user_id: USER }, FROM.paris);
    await ask(homes, 'DELETE', `/v1/users/${USER}/sessions`);
    const path = `/v1/users/${USER}/export?cursor=DB_WEUR.events.0`;
    const { records } = (await ask(homes, 'GET', path)).json as unknown as {
      records: { row: { type: string } }[];
    };
    expect(records.map(({ row }) => row.type)).toEqual(
      expect.arrayContaining(['user_signed_out', 'user_exported']),
    );
  });
});

describe('GET /v1/audit-events', () => {
  it('is a list in pages over all homes, newest first, each event once', async () => {
    const homes = await startThreeHomes();
    for (let count = 0; count < 7; count += 1) {
      await ask(homes, 'POST', '/v1/not-before', { home: HOMES[count % 3], not_before: count });
      await ask(homes, 'POST', '/v1/not-before', { everyone: true, not_before: 100 + count });
      // Several of one second, too.
      if (count % 2 === 0) homes.service.advance(1);
    }
    const pages: AuditEvent[][] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page = await read(homes, `?limit=3${cursor && `&cursor=${cursor}`}`);
      pages.push(page.events);
      cursor = page.next_cursor;
    }
    expect(pages.map(({ length }) => length)).toEqual([3, 3, 3, 3, 2]);
    const events = pages.flat();
    expect(new Set(events.map(({ id }) => id)).size).toBe(14);
    const times = events.map(({ created_at }) => created_at);
    expect(times).toEqual([...times].sort().reverse());
    expect(await read(homes, '?limit=100')).toMatchObject({ events, next_cursor: null });
  });

  it('names the homes that did not answer', async () => {
    const homes = await startThreeHomes();
    await ask(homes, 'DELETE', `/v1/users/${USER}/sessions`);
    takeAway(homes.databases.DB_APAC);
    const { events, unanswered_homes } = await read(homes);
    expect(events).toMatchObject([{ homes: ['DB', 'DB_WEUR'] }]);
    expect(unanswered_homes).toEqual(['DB_APAC']);
  });

  it('is for operators alone', async () => {
    const service = await startService();
    const headers = { authorization: basic(OTHER_BACKEND) };
    const response = await service.request('/v1/audit-events', { headers });
    expect([response.status, await response.json()]).toMatchObject([
      403,
      { code: 'client_not_allowed' },
    ]);
  });

  it('reads a page of it, however long it and the security log are', async () => {
    const service = await startService();
    const insert = (subject: string) =>
      env.DB.prepare(
        `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
         INSERT INTO session_events (type, subject, session_id, client_id, created_at)
         SELECT 'user_signed_out', ${subject}, i, 'backend', 1700000000 + i FROM n`,
      ).run();
    await insert("'audit:user:'");
    await insert("'someone'");
    Object.assign(service.database, { roundTrips: 0, rowsRead: 0 });
    const { events, next_cursor } = await read({ service }, '?limit=10');
    expect(events).toHaveLength(10);
    await read({ service }, `?limit=10&cursor=${next_cursor}`);
    expect(service.database).toMatchObject({ roundTrips: 2 });
    // Of each: the index entry and the row.
    expect(service.database.rowsRead).toBeLessThanOrEqual(2 * 2 * 11);
  });
});

describe('webhooks', () => {
  const TOLD = endpoint('audit', { events: ['user_erased', 'user_exported', 'not_before_set'] });

  async function startTold(endpoints: object[]) {
    const receiver = openReceiver();
    const variables = { WEBHOOKS: JSON.stringify(endpoints) };
    const homes = await startThreeHomes(variables, undefined, receiver.send);
    const told = () =>
      receiver.accepted.map(({ text }) => JSON.parse(text) as { type: string; data: AuditEvent });
    const runCron = () =>
      runScheduled(homes.service.env, homes.service.clock.now, undefined, receiver.send);
    return { homes, told, runCron };
  }

  it('are told of an act once, though three homes carry it out', async () => {
    const { homes, told, runCron } = await startTold([TOLD]);
    await create(homes, { user_id: USER }, FROM.paris);
    await outliving(homes.service, () =>
      ask(homes, 'DELETE', `/v1/users/${USER}?reason=user_request`),
    );
    const { events } = await read(homes);
    const { homes: _, ...event } = events[0] as AuditEvent;
    expect(told()).toMatchObject([{ type: 'user_erased', data: event }]);
    await runCron();
    expect(told()).toHaveLength(1);
  });

  it('are told once of an export of several pages', async () => {
    const { homes, told } = await startTold([TOLD]);
    for (const section of ['person', 'sessions'])
      await outliving(homes.service, () =>
        ask(homes, 'GET', `/v1/users/${USER}/export?cursor=DB.${section}.0`),
      );
    expect(told().map(({ type }) => type)).toEqual(['user_exported']);
  });

  it('that do not ask for them are told of none', async () => {
    const { homes, told } = await startTold([endpoint('team')]);
    await outliving(homes.service, () => ask(homes, 'DELETE', `/v1/users/${USER}`));
    expect(told()).toEqual([]);
  });
});

it('audit events are kept as long as the log is', async () => {
  const homes = await startThreeHomes({ EVENT_RETENTION_SECONDS: String(DAY) });
  await ask(homes, 'DELETE', `/v1/users/${USER}/sessions`);
  await create(homes, { user_id: USER });
  const runCron = () => runScheduled(homes.service.env, homes.service.clock.now);
  homes.service.advance(DAY - 60);
  await runCron();
  expect((await read(homes)).events).toHaveLength(1);
  homes.service.advance(120);
  await runCron();
  expect((await read(homes)).events).toEqual([]);
});
