/**
 * A backend acts for the clients that it names, and everything else answers as what is not there.
 */
import { env } from 'cloudflare:test';
import { decodeJwt } from 'jose';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { grantOf, may } from '../../src/config/authority';
import type { Client } from '../../src/config/clients';
import { parseConfig } from '../../src/config/config';
import { createSession } from '../../src/sessions/create';
import { APP, BACKEND, basic, sha256Hex, startService, type TestService } from '../fixtures';
import { create, livesIn, startThreeHomes } from '../homes/three-homes';
import { BACKEND_ROUTES, toInit } from './routes';

const NARROW = { id: 'narrow', secret: 'narrow-secret-of-the-tests' };
const ERASER = { id: 'eraser', secret: 'eraser-secret-of-the-tests' };
const MANAGER = { id: 'manager', secret: 'manager-secret-of-the-tests' };
const MAKER = { id: 'maker', secret: 'maker-secret-of-the-tests' };
const OTHER_APP = 'other-app';

let service: TestService;
/** Someone new in each test. */
let USER: string;
const ask = (
  method: string,
  path: string,
  body?: Record<string, unknown>,
  as: { id: string; secret: string } = NARROW,
) =>
  service.request(path, {
    method,
    headers: {
      authorization: basic(as),
      ...(body && { 'content-type': 'application/json' }),
    },
    ...(body && { body: JSON.stringify(body) }),
  });

beforeEach(async () => {
  USER = crypto.randomUUID();
  const { CLIENTS } = (await startService()).env;
  const clients = [
    ...JSON.parse(CLIENTS ?? '[]'),
    {
      client_id: NARROW.id,
      secret_sha256: await sha256Hex(NARROW.secret),
      allow: ['create_sessions', 'manage_users', 'introspect'],
      for_clients: [APP],
    },
    {
      client_id: ERASER.id,
      secret_sha256: await sha256Hex(ERASER.secret),
      allow: ['erase_users'],
    },
    {
      client_id: MANAGER.id,
      secret_sha256: await sha256Hex(MANAGER.secret),
      allow: ['manage_all'],
    },
    {
      client_id: MAKER.id,
      secret_sha256: await sha256Hex(MAKER.secret),
      allow: ['create_sessions'],
      for_clients: [NARROW.id],
    },
  ];
  service = await startService({ CLIENTS: JSON.stringify(clients) });
});

describe('a backend that names one app', () => {
  it('starts sessions for it, and for no other, as for none that is there', async () => {
    expect((await ask('POST', '/v1/sessions', { client_id: APP })).status).toBe(201);
    const refused = await Promise.all(
      [{ client_id: OTHER_APP }, { client_id: 'nobody' }, {}].map(async (body) => {
        const response = await ask('POST', '/v1/sessions', body);
        const { code, detail } = (await response.json()) as Record<string, string>;
        return [response.status, code, detail];
      }),
    );
    expect(new Set(refused.map(String)).size).toBe(1);
    expect(refused[0]?.slice(0, 2)).toEqual([400, 'invalid_request']);
  });

  it('lists the sessions and events of it alone', async () => {
    const own = await service.create({ user_id: USER });
    await service.create({ user_id: USER, client_id: OTHER_APP });
    const { sessions } = (await (await ask('GET', `/v1/users/${USER}/sessions`)).json()) as {
      sessions: { id: string }[];
    };
    expect(sessions.map(({ id }) => id)).toContain(own.session.id);
    const { events } = (await (await ask('GET', `/v1/users/${USER}/events`)).json()) as {
      events: { client_id: string }[];
    };
    expect(new Set(events.map((event) => event.client_id))).toEqual(new Set([APP]));
    for (const { client_id } of sessions as unknown as { client_id: string }[])
      expect(client_id).toBe(APP);
  });

  it('lists no ended session of another either', async () => {
    const own = await service.create({ user_id: USER });
    await service.create({ user_id: USER, client_id: OTHER_APP });
    const ids = async (path: string, as = NARROW) => {
      const response = await ask('GET', path, undefined, as);
      const { sessions } = (await response.json()) as { sessions: { id: string }[] };
      return sessions.map(({ id }) => id);
    };
    const path = `/v1/users/${USER}/sessions?include=ended`;
    expect(await ids(path)).toEqual([own.session.id]);
    expect(await ids(path, BACKEND)).toHaveLength(2);
    const guest = await service.create({ client_id: OTHER_APP });
    expect(await ids(`/v1/users/${guest.session.id}/sessions?include=ended`)).toEqual([]);
  });

  it('lists a guest by the session’s id, on the first page alone, and nobody else', async () => {
    const first = await service.create({ user_id: USER });
    await service.create({ user_id: USER });
    const guest = await service.create({});
    const list = async (id: string, query: string) =>
      (await (await ask('GET', `/v1/users/${id}/sessions?include=ended${query}`)).json()) as {
        sessions: { id: string }[];
        next_cursor: string;
      };
    const ofGuest = await list(guest.session.id, '');
    expect(ofGuest.sessions.map(({ id }) => id)).toEqual([guest.session.id]);
    expect((await list(first.session.id, '')).sessions).toEqual([]);
    const { next_cursor } = await list(USER, '&limit=1');
    expect((await list(guest.session.id, `&cursor=${next_cursor}`)).sessions).toEqual([]);
  });

  it('signs a user out of it alone; manage_all ends the rest', async () => {
    const own = await service.create({ user_id: USER });
    const other = await service.create({ user_id: USER, client_id: OTHER_APP });
    service.advance(1);
    expect((await ask('DELETE', `/v1/users/${USER}/sessions`)).status).toBe(200);
    expect((await service.refresh(own.refresh_token)).status).toBe(400);
    expect((await service.refresh(other.refresh_token, OTHER_APP)).status).toBe(200);
    await ask('DELETE', `/v1/users/${USER}/sessions`, undefined, BACKEND);
    service.advance(60);
    expect((await service.refresh(other.refresh_token, OTHER_APP)).status).toBe(400);
  });

  it('sets no not-before of the user, who is of all clients; manage_all does', async () => {
    await service.create({ user_id: USER });
    const notBefores = async () =>
      (
        await env.DB.prepare('SELECT subject FROM outdated_tokens WHERE subject = ?')
          .bind(USER)
          .all()
      ).results.length;
    await ask('DELETE', `/v1/users/${USER}/sessions`);
    expect(await notBefores()).toBe(0);
    await ask('DELETE', `/v1/users/${USER}/sessions`, undefined, BACKEND);
    expect(await notBefores()).toBe(1);
  });

  it('introspects no refresh token of its own, which it does not name', async () => {
    const made = await ask('POST', '/v1/sessions', { client_id: NARROW.id }, MAKER);
    const { refresh_token } = (await made.json()) as { refresh_token: string };
    expect(refresh_token).toMatch(/^v2\./);
    const headers = { authorization: basic(NARROW) };
    const response = await service.form('/oauth/introspect', { token: refresh_token }, headers);
    expect(await response.json()).toEqual({ active: false });
  });

  it('introspects tokens of it alone', async () => {
    const own = await service.create({ user_id: USER });
    const other = await service.create({ user_id: USER, client_id: OTHER_APP });
    const active = async (token: string) => {
      const headers = { authorization: basic(NARROW) };
      return (await service.form('/oauth/introspect', { token }, headers)).text();
    };
    expect(JSON.parse(await active(own.access_token))).toMatchObject({ active: true });
    expect(await active(other.access_token)).toBe('{"active":false}');
  });

  it('steps up no session of another, which answers as one that is not there', async () => {
    const own = await service.create({ user_id: USER });
    const other = await service.create({ user_id: USER, client_id: OTHER_APP });
    const stepUp = ({ session, refresh_token }: typeof own) =>
      ask('POST', `/v1/sessions/${session.id}/authentication`, { refresh_token });
    expect((await stepUp(other)).status).toBe(404);
    expect((await stepUp(own)).status).toBe(200);
  });

  it('takes over no guest of another, who stays signed in', async () => {
    const guest = await service.create({ client_id: OTHER_APP });
    const response = await ask('POST', '/v1/sessions', {
      client_id: APP,
      user_id: USER,
      guest_session_id: guest.session.id,
    });
    expect([response.status, await response.json()]).toMatchObject([
      409,
      { code: 'guest_session_not_found' },
    ]);
    expect((await service.refresh(guest.refresh_token, OTHER_APP)).status).toBe(200);
  });
});

it.each(BACKEND_ROUTES)(
  '$method $path is refused to a client that may do nothing, before any database is asked',
  async (route) => {
    const { CLIENTS } = service.env;
    const idle = {
      client_id: 'idle',
      secret_sha256: await sha256Hex('the-secret-of-idle'),
      allow: [],
    };
    const clients = JSON.stringify([...JSON.parse(CLIENTS ?? '[]'), idle]);
    const other = await startService({ CLIENTS: clients });
    const authorization = basic({ id: 'idle', secret: 'the-secret-of-idle' });
    const response = await other.request(route.path, toInit(route, { authorization }));
    expect([response.status, await response.json()]).toMatchObject([
      403,
      { code: 'client_not_allowed' },
    ]);
    expect(other.database.roundTrips).toBe(0);
  },
);

it('manage_all alone sees and ends the sessions of every client', async () => {
  const own = await service.create({ user_id: USER });
  const other = await service.create({ user_id: USER, client_id: OTHER_APP });
  const listed = await ask('GET', `/v1/users/${USER}/sessions`, undefined, MANAGER);
  const { sessions } = (await listed.json()) as { sessions: { id: string }[] };
  expect(new Set(sessions.map(({ id }) => id))).toEqual(
    new Set([own.session.id, other.session.id]),
  );
  const ended = await ask('DELETE', `/v1/users/${USER}/sessions`, undefined, MANAGER);
  expect(await ended.json()).toEqual({ revoked: 2 });
});

it('a guest of another client is not even moved to the home of the user', async () => {
  const { CLIENTS } = service.env;
  const homes = await startThreeHomes({ CLIENTS });
  const { session: guest } = await create(homes, { client_id: OTHER_APP, home: 'DB_WEUR' });
  await create(homes, { user_id: USER, home: 'DB_APAC' });
  const upgrade = (as: typeof NARROW) =>
    homes.service.request('/v1/sessions', {
      method: 'POST',
      headers: { authorization: basic(as), 'content-type': 'application/json' },
      body: JSON.stringify({ client_id: APP, user_id: USER, guest_session_id: guest.id }),
    });
  expect((await upgrade(NARROW)).status).toBe(409);
  expect(await livesIn(guest.id)).toEqual(['DB_WEUR']);
  expect((await upgrade(BACKEND)).status).toBe(201);
  expect(await livesIn(guest.id)).toEqual([]);
});

it('what a client refreshes, or starts by an ID token, is its own, whomever it names', async () => {
  const client = parseConfig(service.env).clients.get(BACKEND.id) as Client;
  for (const capability of ['refresh', 'sign_in'] as const) {
    expect(may(client, capability, BACKEND.id)).toBe(true);
    expect(may(client, capability, APP)).toBe(false);
  }
  for (const capability of ['create_sessions', 'introspect', 'browser_tokens'] as const)
    expect(may(client, capability, APP)).toBe(true);
});

it('no operation starts a session with a grant that does not reach its client', async () => {
  const client = parseConfig(service.env).clients.get(NARROW.id) as Client;
  const grant = grantOf(client, 'create_sessions');
  const input = { clientId: OTHER_APP, startedBy: { by: 'client', grant } };
  const nothing = {} as never;
  await expect(createSession(nothing, nothing, input as never, nothing)).rejects.toThrow(
    'the grant does not reach the client of the session',
  );
});

describe('erasing a user', () => {
  it('is a capability of its own, which gives no other', async () => {
    const { session } = await service.create({ user_id: USER });
    expect(session.user_id).toBe(USER);
    expect((await ask('DELETE', `/v1/users/${USER}`)).status).toBe(403);
    expect((await ask('GET', `/v1/users/${USER}/export`)).status).toBe(403);
    expect((await ask('GET', `/v1/users/${USER}/sessions`, undefined, ERASER)).status).toBe(403);
    expect((await ask('DELETE', `/v1/users/${USER}`, undefined, ERASER)).status).toBe(204);
  });
});

describe('everyone, and everything, has to be said', () => {
  it.each([
    {},
    { user_id: undefined },
    { everyone: false },
    { everyone: true, home: 'DB' },
    { everyone: true, whoever: true },
    { user_id: null },
  ])('POST /v1/not-before %j ends nothing', async (body) => {
    const { refresh_token } = await service.create();
    service.advance(1);
    expect((await ask('POST', '/v1/not-before', body, BACKEND)).status).toBe(400);
    expect((await service.refresh(refresh_token)).status).toBe(200);
  });

  it.each([[{}], [{ endpoint: undefined }], [{ all: false }]])(
    'a replay of %j is refused',
    async (body) => {
      const path = '/v1/webhook-deliveries/replay';
      expect((await ask('POST', path, body, BACKEND)).status).toBe(400);
      expect((await ask('POST', path, { all: true }, BACKEND)).status).toBe(200);
    },
  );
});

describe('custom claims (RFC 7662 §2.2)', () => {
  it.each(['active', 'token_type', 'username', 'sub'])(
    '%s is refused by its name',
    async (name) => {
      const body = { client_id: APP, claims: { [name]: false } };
      const response = await ask('POST', '/v1/sessions', body);
      const { detail } = (await response.json()) as { detail: string };
      expect([response.status, detail]).toEqual([400, expect.stringContaining(`: ${name}`)]);
    },
  );

  it('what people put in claims is there when it is introspected', async () => {
    const claims = {
      roles: ['a'],
      groups: ['b'],
      entitlements: ['c'],
      permissions: [],
      org_id: 'd',
    };
    const { access_token } = await service.create({ claims });
    const headers = { authorization: basic(NARROW) };
    const response = await service.form('/oauth/introspect', { token: access_token }, headers);
    expect(await response.json()).toMatchObject({ ...claims, active: true, token_type: 'Bearer' });
  });

  it('of a row that is older than the rule against their names get into no token, and no introspection', async () => {
    const forbidden = {
      active: false,
      token_type: 'N_A',
      username: 'root',
      scope: 'admin',
      nbf: 9e9,
    };
    const { refresh_token, session } = await service.create({ user_id: USER });
    await env.DB.prepare('UPDATE user_sessions SET claims = ? WHERE id = ?')
      .bind(JSON.stringify({ ...forbidden, org_id: 'd' }), session.id)
      .run();
    const { body } = await service.refresh(refresh_token);
    expect(decodeJwt(body.access_token)).toMatchObject({ org_id: 'd', sub: USER });
    for (const name of Object.keys(forbidden))
      expect(decodeJwt(body.access_token)).not.toHaveProperty(name);
    const headers = { authorization: basic(NARROW) };
    const response = await service.form('/oauth/introspect', { token: body.access_token }, headers);
    const answer = await response.json<Record<string, unknown>>();
    expect(answer).toMatchObject({ active: true, token_type: 'Bearer', org_id: 'd' });
    for (const name of ['username', 'scope', 'nbf']) expect(answer).not.toHaveProperty(name);
  });
});

it('the log line of a request names the client, also of one that is not allowed', async () => {
  const { access_token } = await service.create({ user_id: USER });
  const lines = vi.spyOn(console, 'log').mockImplementation(() => {});
  await ask('DELETE', `/v1/users/${USER}`);
  await service.bearer('GET', '/v1/sessions', access_token);
  await service.form('/oauth/revoke', { token: 'x', client_id: APP });
  const ids = lines.mock.calls
    .map(([line]) => JSON.parse(line) as Record<string, unknown>)
    .filter(({ event }) => event === 'request')
    .map(({ client_id }) => client_id);
  lines.mockRestore();
  expect(ids).toEqual([NARROW.id, APP, APP]);
});
