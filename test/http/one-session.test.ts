/** `/v1/sessions/{id}`: one session, as a backend sees and ends it, and as its person does. */
import { env } from 'cloudflare:test';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { sha256 } from '../../src/crypto';
import { ACT_REASONS } from '../../src/security-log/audit';
import {
  APP,
  BACKEND,
  basic,
  OTHER_BACKEND,
  readRow,
  sha256Hex,
  startService,
  type TestService,
} from '../fixtures';
import { USER } from '../people';
import { bind, refusalOf, valueIn } from '../rpc/door';
import { endpoint, outliving, startTelling } from '../webhooks/receiver';

const NOBODY = '00000000-0000-4000-8000-000000000000';
const CAEP = 'https://schemas.openid.net/secevent/caep/event-type/session-revoked';

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

const ask = async (method: string, id: string, authorization?: string, query = '') => {
  const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
  const response = await service.request(`/v1/sessions/${id}${query}`, { method, headers });
  const text = await response.text();
  return {
    status: response.status,
    challenge: response.headers.get('www-authenticate'),
    body: text === '' ? null : JSON.parse(text),
  };
};
const byBackend = (method: string, id: string, query?: string) =>
  ask(method, id, basic(BACKEND), query);

const eventsOf = async (id: string, type: string) => {
  const { results } = await env.DB.prepare(
    'SELECT details FROM session_events WHERE session_id = ? AND type = ?',
  )
    .bind(id, type)
    .all<{ details: string }>();
  return results.map(({ details }) => JSON.parse(details));
};
const auditEvents = async () => {
  const response = await service.backend('GET', '/v1/audit-events');
  return ((await response.json()) as { events: Record<string, unknown>[] }).events;
};

describe('a backend sees one session', () => {
  it.each([
    ['of a user', { user_id: USER }],
    ['of a guest', {}],
  ])('%s, as lists show it', async (_, body) => {
    const { session } = await service.create(body);
    expect(await byBackend('GET', session.id)).toMatchObject({ status: 200, body: { session } });
  });

  it('also one that is over, and why', async () => {
    const { session } = await service.create({ user_id: USER });
    await byBackend('DELETE', session.id, '?reason=administrator');
    expect((await byBackend('GET', session.id)).body.session).toMatchObject({
      id: session.id,
      revoked_at: '2026-01-01T00:00:00Z',
      revoked_reason: 'administrator',
    });
  });
});

describe('a backend ends one session', () => {
  it.each(ACT_REASONS)(
    'because of %s, which the row, the refresh, the log and the audit log say',
    async (reason) => {
      const other = await service.create({ user_id: USER });
      const { session, refresh_token } = await service.create({ user_id: USER });
      expect(await byBackend('DELETE', session.id, `?reason=${reason}`)).toMatchObject({
        status: 204,
        body: null,
      });
      expect(await readRow(session.id)).toMatchObject({ revoked_reason: reason });
      expect(await service.refresh(refresh_token)).toMatchObject({
        status: 400,
        body: { error: 'invalid_grant', reason },
      });
      expect(await eventsOf(session.id, 'session_revoked')).toEqual([
        { by: 'client', client_id: BACKEND.id, reason },
      ]);
      expect(await auditEvents()).toMatchObject([
        {
          type: 'session_signed_out',
          client_id: BACKEND.id,
          target: { type: 'user', id: USER, session_id_sha256: await sha256(session.id) },
          reason,
          details: {},
        },
      ]);
      expect(await readRow(other.session.id)).toMatchObject({ revoked_at: null });
    },
  );

  it('without a reason, which the client is told as `revoked`', async () => {
    const { session, refresh_token } = await service.create({ user_id: USER });
    await byBackend('DELETE', session.id);
    expect((await service.refresh(refresh_token)).body.reason).toBe('revoked');
    expect(await auditEvents()).toMatchObject([{ type: 'session_signed_out', reason: null }]);
  });

  it('of a guest', async () => {
    const { session, refresh_token } = await service.create();
    await byBackend('DELETE', session.id, '?reason=user_request');
    expect((await service.refresh(refresh_token)).body.reason).toBe('user_request');
    expect(await auditEvents()).toMatchObject([{ target: { type: 'user', id: session.id } }]);
  });

  it('twice is no error, keeps the first reason, and leaves one event of each log', async () => {
    const { session } = await service.create({ user_id: USER });
    await byBackend('DELETE', session.id, '?reason=administrator');
    expect((await byBackend('DELETE', session.id, '?reason=user_request')).status).toBe(204);
    expect(await readRow(session.id)).toMatchObject({ revoked_reason: 'administrator' });
    expect(await eventsOf(session.id, 'session_revoked')).toHaveLength(1);
    expect(await auditEvents()).toHaveLength(1);
  });

  it('that expired before is no error either, and tells of no end', async () => {
    const { session } = await service.create({ user_id: USER, expires_in: 60 });
    service.advance(60);
    expect((await byBackend('DELETE', session.id)).status).toBe(204);
    expect(await eventsOf(session.id, 'session_revoked')).toEqual([]);
    expect(await auditEvents()).toEqual([]);
  });

  it.each(['?reason=because', '?reason=', '?reason=administrator&reason=administrator', '?why=x'])(
    'but for %s is refused, and ends nothing',
    async (query) => {
      const { session } = await service.create({ user_id: USER });
      expect((await byBackend('DELETE', session.id, query)).status).toBe(400);
      expect(await readRow(session.id)).toMatchObject({ revoked_at: null });
    },
  );

  it('at once: this isolate takes its access token no more, and asks no database', async () => {
    const { session, access_token } = await service.create({ user_id: USER });
    await byBackend('DELETE', session.id);
    service.database.roundTrips = 0;
    expect((await service.bearer('GET', '/v1/sessions', access_token)).status).toBe(401);
    expect(service.database.roundTrips).toBe(0);
  });

  it('and an erasure takes the person out of what the audit log says of it', async () => {
    const { session } = await service.create();
    await byBackend('DELETE', session.id);
    await service.backend('DELETE', `/v1/users/${session.id}`);
    const { results } = await env.DB.prepare('SELECT * FROM session_events').all();
    expect(JSON.stringify(results)).not.toContain(session.id);
  });
});

describe('webhooks are told who ended it, and why', () => {
  const told = async (format: 'json' | 'set') => {
    const events = ['session_revoked', ...(format === 'json' ? ['session_signed_out'] : [])];
    const { service: telling, receiver } = await startTelling([
      endpoint('team', { format, events }),
    ]);
    const { session } = await telling.create({ user_id: USER });
    const path = `/v1/sessions/${session.id}?reason=credential_compromised`;
    await outliving(telling, () => telling.backend('DELETE', path));
    return receiver.accepted.map(({ text }) => text);
  };

  it('as JSON, of the session and of the act', async () => {
    const messages = (await told('json')).map((text) => JSON.parse(text));
    const reason = 'credential_compromised';
    expect(messages).toHaveLength(2);
    expect(messages).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          type: 'session_revoked',
          data: expect.objectContaining({ by: 'client', by_client_id: BACKEND.id, reason }),
        }),
        expect.objectContaining({
          type: 'session_signed_out',
          data: expect.objectContaining({ client_id: BACKEND.id, reason }),
        }),
      ]),
    );
  });

  it('as CAEP has it: `reason_admin`, and an administrator as `initiating_entity` (CAEP 1.0 §2)', async () => {
    const [token = ''] = await told('set');
    const payload = (token.split('.')[1] as string).replaceAll('-', '+').replaceAll('_', '/');
    expect(JSON.parse(atob(payload)).events[CAEP]).toMatchObject({
      initiating_entity: 'admin',
      reason_admin: { en: 'credential_compromised' },
    });
  });
});

describe('whose session it is', () => {
  it('a client reaches those in `for_clients`; someone else’s answers like none', async () => {
    const { session } = await service.create({ user_id: USER });
    for (const method of ['GET', 'DELETE']) {
      const theirs = await ask(method, session.id, basic(OTHER_BACKEND));
      expect(theirs.status).toBe(404);
      const none = await ask(method, NOBODY, basic(OTHER_BACKEND));
      expect(theirs.body).toEqual({ ...none.body, instance: expect.any(String) });
    }
    expect(await readRow(session.id)).toMatchObject({ revoked_at: null });
    expect(await auditEvents()).toEqual([]);
    const own = await service.create({ user_id: USER, client_id: OTHER_BACKEND.id });
    expect((await ask('GET', own.session.id, basic(OTHER_BACKEND))).status).toBe(200);
    expect((await ask('DELETE', own.session.id, basic(OTHER_BACKEND))).status).toBe(204);
  });

  it('and with `manage_all` every one, also of a client that is no longer there', async () => {
    const { session } = await service.create({ user_id: USER });
    await env.DB.prepare("UPDATE user_sessions SET client_id = 'former' WHERE id = ?")
      .bind(session.id)
      .run();
    expect((await byBackend('GET', session.id)).status).toBe(200);
    expect((await byBackend('DELETE', session.id)).status).toBe(204);
    expect(await readRow(session.id)).toMatchObject({ revoked_reason: 'revoked' });
  });

  it.each(['GET', 'DELETE'])('%s needs `manage_users`', async (method) => {
    const { session } = await service.create({ user_id: USER });
    const secret = 'weak-secret-of-the-tests';
    const secret_sha256 = await sha256Hex(secret);
    const weak = { client_id: 'weak', secret_sha256, allow: ['introspect'] };
    const clients = [...JSON.parse(service.env.CLIENTS ?? ''), weak];
    service = await startService({ CLIENTS: JSON.stringify(clients) });
    const { status, body } = await ask(method, session.id, basic({ id: 'weak', secret }));
    expect([status, body.code]).toEqual([403, 'client_not_allowed']);
    expect(await readRow(session.id)).toMatchObject({ revoked_at: null });
  });
});

describe('the authentication that is presented says who asks', () => {
  it('a person sees and ends their own by an access token, and nobody else’s', async () => {
    const here = await service.create({ user_id: USER });
    const there = await service.create({ user_id: USER });
    const stranger = await service.create({ user_id: NOBODY });
    const guest = await service.create();
    const bearer = `Bearer ${here.access_token}`;
    for (const { session } of [here, there])
      expect(await ask('GET', session.id, bearer)).toMatchObject({
        status: 200,
        body: { session: { id: session.id, current: session.id === here.session.id } },
      });
    for (const { session } of [stranger, guest])
      for (const method of ['GET', 'DELETE'])
        expect((await ask(method, session.id, bearer)).status).toBe(404);
    expect((await ask('GET', here.session.id, `Bearer ${guest.access_token}`)).status).toBe(404);
    expect((await ask('DELETE', there.session.id, bearer)).status).toBe(204);
    expect(await readRow(there.session.id)).toMatchObject({ revoked_reason: 'signed_out' });
    expect((await ask('GET', there.session.id, bearer)).status).toBe(404);
    expect((await ask('DELETE', here.session.id, bearer)).status).toBe(204);
    expect((await ask('GET', here.session.id, bearer)).status).toBe(401);
  });

  it.each(['GET', 'DELETE'])('%s with two of them is refused, and does nothing', async (method) => {
    const { session, access_token } = await service.create({ user_id: USER });
    const [client, bearer] = [basic(BACKEND), `Bearer ${access_token}`];
    for (const both of [`${client}, ${bearer}`, `${bearer}, ${client}`, `${client}, ${client}`]) {
      const { status, body } = await ask(method, session.id, both);
      expect([status, body.code]).toEqual([400, 'invalid_request']);
    }
    expect(await readRow(session.id)).toMatchObject({ revoked_at: null });
  });

  it('without one, a browser is not made to ask for a password', async () => {
    expect(await ask('GET', NOBODY)).toMatchObject({
      status: 401,
      challenge: 'Bearer',
    });
    const wrong = basic({ id: BACKEND.id, secret: 'wrong' });
    expect(await ask('GET', NOBODY, wrong)).toMatchObject({
      status: 401,
      body: { code: 'invalid_client' },
    });
  });
});

it('by RPC, a backend sees and ends one session, and a person’s server theirs', async () => {
  const [backend, other] = [bind(service, BACKEND.id), bind(service, OTHER_BACKEND.id)];
  const { session, access_token, refresh_token } = await service.create({ user_id: USER });
  const second = await service.create({ user_id: USER });
  const session_id = session.id;
  expect(valueIn(await backend.getSession({ session_id })).session).toEqual(session);
  const theirs = valueIn(await backend.current({ access_token, session_id: second.session.id }));
  expect(theirs.session).toMatchObject({ id: second.session.id, current: false });
  for (const call of ['getSession', 'revokeSession'] as const)
    expect(refusalOf(await other[call]({ session_id })).code).toBe('not_found');
  const reason = 'account_disabled';
  expect(valueIn(await backend.revokeSession({ session_id, reason }))).toEqual({ revoked: true });
  expect(valueIn(await backend.revokeSession({ session_id, reason }))).toEqual({ revoked: false });
  expect(refusalOf(await bind(service, APP).refresh({ refresh_token }))).toEqual({
    code: 'invalid_grant',
    reason,
  });
});
