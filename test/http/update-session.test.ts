/**
 * `PATCH /v1/sessions/{id}` and `/v1/users/{user_id}/sessions`: what a live session says and keeps.
 */
import { env } from 'cloudflare:test';
import { decodeJwt } from 'jose';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { sha256 } from '../../src/crypto';
import {
  APP,
  BACKEND,
  basic,
  OTHER_BACKEND,
  readRow,
  START,
  startService,
  type TestService,
} from '../fixtures';
import { USER } from '../people';
import { bind, refusalOf, valueIn } from '../rpc/door';
import { endpoint, outliving, startTelling } from '../webhooks/receiver';

const NOBODY = '00000000-0000-4000-8000-000000000000';
/** Claims that the field's registries have names for, and that teams put into tokens. */
const RIGHTS = {
  roles: ['admin'],
  groups: ['staff'],
  entitlements: ['reports'],
  permissions: ['read:things'],
  org_id: 'org_7',
};

let service: TestService;
beforeEach(async () => {
  for (const level of ['log', 'warn', 'error'] as const)
    vi.spyOn(console, level).mockImplementation(() => {});
  await env.DB.exec(
    'DELETE FROM user_sessions; DELETE FROM users; DELETE FROM session_events; DELETE FROM outdated_tokens',
  );
  service = await startService();
  return () => vi.restoreAllMocks();
});

const patch = async (
  path: string,
  body: unknown,
  authorization = basic(BACKEND),
  target = service,
) => {
  const response = await target.request(path, {
    method: 'PATCH',
    headers: { authorization, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: await response.json<Record<string, never>>() };
};
const patchSession = (id: string, body: unknown, authorization?: string) =>
  patch(`/v1/sessions/${id}`, body, authorization);
const patchUser = (body: unknown, authorization?: string) =>
  patch(`/v1/users/${USER}/sessions`, body, authorization);
const claimsOf = (token: string) => decodeJwt<Record<string, unknown>>(token);
const auditEvents = async () => {
  const response = await service.backend('GET', '/v1/audit-events');
  return ((await response.json()) as { events: Record<string, unknown>[] }).events;
};

describe('the claims of a live session', () => {
  it('are replaced, and in its access tokens from the next refresh on', async () => {
    const created = await service.create({ user_id: USER, claims: { plan: 'free', tier: 1 } });
    const { status, body } = await patchSession(created.session.id, { claims: RIGHTS });
    expect([status, body.session]).toMatchObject([200, { id: created.session.id }]);
    expect(claimsOf(created.access_token)).toMatchObject({ plan: 'free' });
    const { body: refreshed } = await service.refresh(created.refresh_token);
    expect(claimsOf(refreshed.access_token)).toMatchObject({ ...RIGHTS, sub: USER });
    expect(claimsOf(refreshed.access_token)).not.toHaveProperty('plan');
  });

  it('are there within the grace period too, whichever token is shown', async () => {
    const { session, refresh_token } = await service.create({ user_id: USER });
    const first = await service.refresh(refresh_token);
    await patchSession(session.id, { claims: { plan: 'team' } });
    for (const token of [refresh_token, first.body.refresh_token])
      expect(claimsOf((await service.refresh(token)).body.access_token).plan).toBe('team');
  });

  it('are taken away by null, and stay where nothing is said of them', async () => {
    const { session, refresh_token } = await service.create({ claims: { plan: 'free' } });
    await patchSession(session.id, { label: 'x' });
    const { body } = await service.refresh(refresh_token);
    expect(claimsOf(body.access_token).plan).toBe('free');
    await patchSession(session.id, { claims: null });
    const { body: after } = await service.refresh(body.refresh_token);
    expect(claimsOf(after.access_token)).not.toHaveProperty('plan');
  });

  it.each(['active', 'token_type', 'username', 'scope', 'cnf', 'act', 'home', 'sub', 'exp'])(
    'cannot be named %s, which the error says, and nothing else is changed',
    async (name) => {
      const { session } = await service.create({ claims: { plan: 'free' } });
      for (const path of [`/v1/sessions/${session.id}`, `/v1/users/${session.id}/sessions`]) {
        const { status, body } = await patch(path, { claims: { ok: 1, [name]: 'x' } });
        expect([status, body.errors]).toEqual([
          400,
          [{ field: 'claims', message: `must not shadow a registered claim: ${name}` }],
        ]);
      }
      expect(await readRow(session.id)).toMatchObject({ claims: '{"plan":"free"}' });
    },
  );

  it('are refused where they would make a browser drop the cookie of the access token', async () => {
    const web = { client_id: 'web', origins: ['https://web.example'] };
    const lone = { client_id: 'memory', origins: ['https://m.example'], access_token: 'memory' };
    const big = { claims: { text: 'x'.repeat(1950) } };
    const clientsWith = (more: { client_id: string }) =>
      JSON.stringify([
        ...JSON.parse(service.env.CLIENTS ?? '').map((client: { for_clients?: string[] }) =>
          client.for_clients === undefined
            ? client
            : { ...client, for_clients: [...client.for_clients, more.client_id] },
        ),
        more,
      ]);
    const { session } = await service.create();
    const path = `/v1/sessions/${session.id}`;
    const browser = await startService({ CLIENTS: clientsWith(web) });
    const refused = await patch(path, big, basic(BACKEND), browser);
    expect([refused.status, refused.body.detail]).toEqual([
      400,
      expect.stringContaining('too long for a cookie'),
    ]);
    const memory = await startService({ CLIENTS: clientsWith(lone) });
    expect((await patch(path, big, basic(BACKEND), memory)).status).toBe(200);
  });
});

describe('metadata, label and end of a live session', () => {
  it('are replaced, taken away, and shown to the backend', async () => {
    const { session } = await service.create({ user_id: USER, metadata: { a: 1 }, label: 'Old' });
    const change = { metadata: { b: [2] }, label: ' New ' };
    expect((await patchSession(session.id, change)).body.session).toMatchObject({
      metadata: { b: [2] },
      label: 'New',
    });
    expect((await patchSession(session.id, { metadata: null, label: null })).body.session).toEqual({
      ...session,
      metadata: null,
      label: null,
    });
  });

  it.each([
    ['metadata above 2 KB', { metadata: { text: 'x'.repeat(2048) } }],
    ['claims above 2 KB', { claims: { text: 'x'.repeat(2048) } }],
    ['a label of two lines', { label: 'a\nb' }],
    ['no seconds', { expires_in: 0 }],
    ['no end', { expires_in: null }],
    ['another time to apply', { apply: 'later' }],
    ['an unknown member', { user_id: NOBODY }],
    ['a reason that is none', { label: 'x', reason: 'because' }],
    ['nothing', {}],
    ['a reason alone', { reason: 'administrator' }],
  ])('a change of %s is refused, and asks no database', async (_, body) => {
    const { session } = await service.create({ user_id: USER });
    service.database.roundTrips = 0;
    expect((await patchSession(session.id, body)).status).toBe(400);
    if (!('label' in body)) expect((await patchUser(body)).status).toBe(400);
    expect(service.database.roundTrips).toBe(0);
  });

  it('an end comes sooner, and never later', async () => {
    const created = await service.create({ user_id: USER, expires_in: 3600 });
    const { session } = created;
    const later = await patchSession(session.id, { expires_in: 7200 });
    expect(later.body.session).toMatchObject({ expires_at: '2026-01-01T01:00:00Z' });
    const sooner = await patchSession(session.id, { expires_in: 600 });
    expect(sooner.body.session).toMatchObject({ expires_at: '2026-01-01T00:10:00Z' });
    const { body } = await service.refresh(created.refresh_token);
    expect(body.session_expires_at).toBe('2026-01-01T00:10:00Z');
    service.advance(600);
    expect((await service.refresh(body.refresh_token)).body).toMatchObject({
      error: 'invalid_grant',
      reason: 'expired_absolute',
    });
  });

  it('and is given to a session that had none', async () => {
    service = await startService({ SESSION_LIFETIME_SECONDS: '0' });
    const { session } = await service.create();
    expect(session.expires_at).toBeNull();
    const { body } = await patchSession(session.id, { expires_in: 600 });
    expect(body.session).toMatchObject({ expires_at: '2026-01-01T00:10:00Z' });
  });
});

describe('which sessions', () => {
  it('all live ones of a user, in one transaction: `updated` says how many', async () => {
    const created = [];
    for (const label of ['a', 'b', 'c'])
      created.push(await service.create({ user_id: USER, label }));
    const [ended, ...live] = created as [(typeof created)[0], ...typeof created];
    await service.bearer('DELETE', '/v1/sessions/current', ended.access_token);
    const stranger = await service.create({ user_id: NOBODY });
    service.database.roundTrips = 0;
    const answer = await patchUser({ claims: RIGHTS, metadata: { m: 1 }, expires_in: 900 });
    expect(answer).toEqual({ status: 200, body: { updated: 2 } });
    expect(service.database.roundTrips).toBe(1);
    for (const { session, refresh_token } of live) {
      expect(await readRow(session.id)).toMatchObject({
        metadata: '{"m":1}',
        expires_at: START / 1000 + 900,
        label: session.label,
      });
      const { body } = await service.refresh(refresh_token);
      expect(claimsOf(body.access_token)).toMatchObject(RIGHTS);
    }
    for (const { session } of [ended, stranger])
      expect(await readRow(session.id)).toMatchObject({ metadata: null, claims: null });
  });

  it('the one of a guest, by its id', async () => {
    const { session } = await service.create();
    const answer = await patch(`/v1/users/${session.id}/sessions`, { metadata: { m: 1 } });
    expect(answer.body).toEqual({ updated: 1 });
    expect(await readRow(session.id)).toMatchObject({ metadata: '{"m":1}' });
  });

  it('none that is over: `session_over` says why, and the row stays', async () => {
    const { session } = await service.create({ user_id: USER });
    await service.backend('DELETE', `/v1/sessions/${session.id}?reason=administrator`);
    const { status, body } = await patchSession(session.id, { label: 'x' });
    expect([status, body.code, body.reason]).toEqual([409, 'session_over', 'administrator']);
    expect(await readRow(session.id)).toMatchObject({ label: null });
    const idle = await service.create({ user_id: USER, expires_in: 10 });
    service.advance(10);
    expect((await patchSession(idle.session.id, { label: 'x' })).body.reason).toBe(
      'expired_absolute',
    );
    expect((await patchUser({ metadata: {} })).body).toEqual({ updated: 0 });
  });

  it('those of clients in `for_clients`; someone else’s answers like none', async () => {
    const { session } = await service.create({ user_id: USER });
    const other = basic(OTHER_BACKEND);
    const theirs = await patchSession(session.id, { label: 'x' }, other);
    const none = await patchSession(NOBODY, { label: 'x' }, other);
    expect([theirs.status, theirs.body]).toEqual([
      404,
      { ...none.body, instance: expect.any(String) },
    ]);
    const own = await service.create({ user_id: USER, client_id: OTHER_BACKEND.id });
    expect((await patchUser({ metadata: { m: 1 } }, other)).body).toEqual({ updated: 1 });
    expect(await readRow(session.id)).toMatchObject({ metadata: null, label: null });
    expect(await readRow(own.session.id)).toMatchObject({ metadata: '{"m":1}' });
  });

  it('by a client that may `manage_users` alone', async () => {
    const { session } = await service.create({ user_id: USER });
    const app = [{ client_id: 'weak', bound: true, allow: ['introspect', 'create_sessions'] }];
    const clients = [...JSON.parse(service.env.CLIENTS ?? ''), ...app];
    const weak = bind(await startService({ CLIENTS: JSON.stringify(clients) }), 'weak');
    const session_id = session.id;
    expect(refusalOf(await weak.updateSession({ session_id, label: 'x' })).code).toBe(
      'client_not_allowed',
    );
    expect(refusalOf(await weak.updateAll({ user_id: USER, apply: 'now' })).code).toBe(
      'client_not_allowed',
    );
    expect(await readRow(session.id)).toMatchObject({ label: null, tokens_not_before: null });
  });
});

describe('a person', () => {
  it('names their devices, and nothing else', async () => {
    const here = await service.create({ user_id: USER });
    const there = await service.create({ user_id: USER });
    const stranger = await service.create({ user_id: NOBODY });
    const bearer = `Bearer ${here.access_token}`;
    expect(await patchSession(there.session.id, { label: 'Tablet' }, bearer)).toMatchObject({
      status: 200,
      body: { session: { id: there.session.id, label: 'Tablet', current: false } },
    });
    expect(await patch('/v1/sessions/current', { label: 'Laptop' }, bearer)).toMatchObject({
      status: 200,
      body: { session: { id: here.session.id, label: 'Laptop', current: true } },
    });
    await patchSession(there.session.id, { label: null }, bearer);
    expect(await readRow(there.session.id)).toMatchObject({ label: null });
    expect((await patchSession(stranger.session.id, { label: 'x' }, bearer)).status).toBe(404);
    for (const change of [{ claims: {} }, { metadata: {} }, { apply: 'now' }, { expires_in: 9 }])
      for (const body of [change, { label: 'x', ...change }])
        expect((await patchSession(here.session.id, body, bearer)).status).toBe(400);
    expect(await readRow(here.session.id)).toMatchObject({
      label: 'Laptop',
      claims: null,
      metadata: null,
    });
  });

  it('a guest their one', async () => {
    const { session, access_token } = await service.create();
    const named = await patchSession(session.id, { label: 'x' }, `Bearer ${access_token}`);
    expect(named.body.session).toMatchObject({ label: 'x' });
  });

  it('not once their own session is over', async () => {
    const here = await service.create({ user_id: USER });
    const there = await service.create({ user_id: USER });
    await service.backend('DELETE', `/v1/sessions/${here.session.id}`);
    const fresh = await startService({}, service.clock);
    const change = { label: 'x' };
    const bearer = `Bearer ${here.access_token}`;
    const answer = await patch(`/v1/sessions/${there.session.id}`, change, bearer, fresh);
    expect(answer.status).toBe(401);
    expect(await readRow(there.session.id)).toMatchObject({ label: null });
  });
});

describe('the audit log', () => {
  it('says which members were changed, of whom, and never to what', async () => {
    const { session } = await service.create({ user_id: USER });
    const reason = 'administrator';
    await patchSession(session.id, { claims: { plan: 'secret-plan' }, label: 'x', reason });
    service.advance(1);
    await patchUser({ metadata: { note: 'secret-note' }, apply: 'now' });
    const events = await auditEvents();
    expect(events).toMatchObject([
      {
        type: 'user_sessions_changed',
        client_id: BACKEND.id,
        target: { type: 'user', id: USER, id_sha256: await sha256(USER) },
        reason: null,
        details: { changed: ['metadata'], apply: 'now' },
      },
      {
        type: 'session_changed',
        target: { type: 'user', id: USER, session_id_sha256: await sha256(session.id) },
        reason,
        details: { changed: ['claims', 'label'] },
      },
    ]);
    expect(JSON.stringify(events)).not.toMatch(/secret-plan|secret-note/);
  });

  it('has nothing of a change that was refused', async () => {
    const { session } = await service.create({ user_id: USER });
    await service.bearer('GET', '/v1/sessions', 'x');
    await patchSession(session.id, { label: 'x' }, basic(OTHER_BACKEND));
    await service.backend('DELETE', `/v1/sessions/${session.id}`);
    await patchSession(session.id, { label: 'x' });
    expect(await auditEvents()).toMatchObject([{ type: 'session_signed_out' }]);
  });
});

it('webhooks are told the metadata of the session with each of its events', async () => {
  const { service: telling, receiver } = await startTelling([
    endpoint('team', { events: ['session_created', 'session_revoked', 'session_changed'] }),
  ]);
  await outliving(telling, async () => {
    const { session } = await telling.create({ user_id: USER, metadata: { crm: 7 } });
    const path = `/v1/sessions/${session.id}`;
    await patch(path, { metadata: { crm: 8 } }, basic(BACKEND), telling);
    return telling.backend('DELETE', path);
  });
  const told = receiver.accepted.map(({ text }) => JSON.parse(text));
  const metadataOf = (type: string) => told.find((one) => one.type === type)?.data.metadata;
  expect(metadataOf('session_revoked')).toEqual({ crm: 8 });
  expect(metadataOf('session_created')).toBeDefined();
  expect(metadataOf('session_changed')).toBeUndefined();
});

it('by RPC, a backend changes one and all, and a person’s server names a device', async () => {
  const [backend, other] = [bind(service, BACKEND.id), bind(service, OTHER_BACKEND.id)];
  const { session, access_token, refresh_token } = await service.create({ user_id: USER });
  const session_id = session.id;
  const updated = valueIn(await backend.updateSession({ session_id, claims: RIGHTS, label: 'x' }));
  expect(updated.session).toMatchObject({ id: session_id, label: 'x' });
  expect(refusalOf(await other.updateSession({ session_id, label: 'y' })).code).toBe('not_found');
  const change = { user_id: USER, metadata: { m: 1 }, expires_in: 60 };
  expect(valueIn(await backend.updateAll(change))).toEqual({ updated: 1 });
  expect(valueIn(await other.updateAll(change))).toEqual({ updated: 0 });
  const named = valueIn(await backend.updateOwn({ access_token, label: 'Mine' }));
  expect(named.session).toMatchObject({ id: session_id, label: 'Mine', current: true });
  expect(named.session).not.toHaveProperty('metadata');
  const { body } = await service.refresh(refresh_token, APP);
  expect(claimsOf(body.access_token)).toMatchObject(RIGHTS);
  expect(refusalOf(await backend.updateSession({ session_id })).code).toBe('invalid_request');
});
