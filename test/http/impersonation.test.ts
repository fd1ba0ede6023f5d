/** Support staff act as a user (RFC 8693 §4.1): what their sessions may do, and who sees it. */
import { env } from 'cloudflare:test';
import { Hono } from 'hono';
import { decodeJwt } from 'jose';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { requireAccessToken } from '../../src/client/verify/middleware';
import { verifierOf } from '../client/verifier';
import {
  APP,
  BACKEND,
  basic,
  ISSUER,
  readRow,
  START,
  startService,
  stepUp,
  type TestService,
} from '../fixtures';
import { beginEmpty, startThreeHomes } from '../homes/three-homes';
import { USER } from '../people';
import { UA } from '../risk/callers';
import { bind, refusalOf, valueIn } from '../rpc/door';
import { endpoint, outliving, startTelling } from '../webhooks/receiver';
import { handOff, start, startWithBrowsers } from './browser/browser';

const NOBODY = '00000000-0000-4000-8000-000000000000';
const SUPPORT = { act: { sub: 'agent-7' }, reason: 'Ticket 4711' };

beginEmpty();
let service: TestService;
beforeEach(async () => {
  for (const level of ['log', 'warn', 'error'] as const)
    vi.spyOn(console, level).mockImplementation(() => {});
  service = await startService();
  return () => vi.restoreAllMocks();
});

const ask = async (body: object, authorization = basic(BACKEND), of = service) => {
  const response = await of.request('/v1/sessions', {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json' },
    body: JSON.stringify({ client_id: APP, user_id: USER, ...SUPPORT, ...body }),
  });
  return { status: response.status, body: await response.json<Record<string, never>>() };
};
type Rows = Record<string, unknown>[];
const json = async (response: Response | Promise<Response>) =>
  (await response).json<{ events: Rows; sessions: Rows; session: object }>();
const eventsOf = async (of = service) =>
  (await json(of.backend('GET', `/v1/users/${USER}/events`))).events;
const isLive = async (id: string) => (await readRow(id))?.revoked_at === null;

/** The user’s own session, and one of support staff, a minute later. */
async function begin(of = service) {
  const own = await of.create({ user_id: USER, user_agent: UA.chrome() });
  of.advance(60);
  const support = await of.create({ user_id: USER, user_agent: UA.firefox(), ...SUPPORT });
  return { own, support };
}

describe('a session of support staff', () => {
  it('says who acts, in its tokens and to introspection, and of whom nobody proved anything', async () => {
    const { support } = await begin();
    const act = { sub: 'agent-7' };
    expect(support.session).toMatchObject({
      user_id: USER,
      act: { ...act, reason: 'Ticket 4711' },
    });
    const { body } = await service.refresh(support.refresh_token);
    for (const token of [support.access_token, body.access_token]) {
      expect(decodeJwt(token)).toMatchObject({ sub: USER, sid: support.session.id, act });
      for (const claim of ['auth_time', 'amr', 'acr'])
        expect(decodeJwt(token)).not.toHaveProperty(claim);
    }
    // A refresh token is introspected by its own client.
    const ofBackend = await service.create({ user_id: USER, client_id: BACKEND.id, ...SUPPORT });
    for (const token of [body.access_token, ofBackend.refresh_token])
      expect(
        await json(service.form('/oauth/introspect', { token }, service.credentials)),
      ).toMatchObject({ active: true, sub: USER, act });
  });

  it('is over after an hour, or sooner, whatever else sessions of its client may last', async () => {
    for (const lifetime of ['2592000', '0']) {
      const of = await startService({ SESSION_LIFETIME_SECONDS: lifetime }, { now: START });
      await of.create({ user_id: USER });
      const { session } = await of.create({ user_id: USER, ...SUPPORT });
      expect(session.expires_at).toBe('2026-01-01T01:00:00Z');
      expect((await ask({ expires_in: 3601 }, undefined, of)).status).toBe(400);
      expect((await ask({ expires_in: null }, undefined, of)).status).toBe(400);
    }
    const short = await startService({ SESSION_LIFETIME_SECONDS: '600' }, { now: START });
    const { session } = await short.create({ user_id: USER, ...SUPPORT });
    expect(session.expires_at).toBe('2026-01-01T00:10:00Z');
    expect((await ask({ expires_in: 60 })).body.session).toMatchObject({
      expires_at: '2026-01-01T00:01:00Z',
    });
  });

  it('needs a user who is there, and makes none', async () => {
    const name = { issuer: 'https://tenant.example/', subject: 'auth0|1' };
    for (const body of [{ user_id: NOBODY }, { user_id: undefined, user: name }]) {
      const { status, body: problem } = await ask(body);
      expect([status, problem.code]).toEqual([404, 'not_found']);
    }
    expect((await ask({ user_id: undefined })).status).toBe(400);
    expect((await env.DB.prepare('SELECT id FROM users').all()).results).toEqual([]);
    await service.create({ user: name });
    expect((await ask({ user_id: undefined, user: name })).status).toBe(201);
  });

  it.each([
    ['auth_time', 1],
    ['amr', ['pwd']],
    ['acr', 'high'],
    ['guest_session_id', NOBODY],
    ['reason', undefined],
    ['reason', ' '],
    ['reason', 'x'.repeat(201)],
    ['act', { sub: '' }],
    // A header of a gateway would be without it.
    ['act', { sub: ' ' }],
    ['act', { sub: 'agent ' }],
    ['act', { sub: 'ägent' }],
    ['act', { sub: 'x'.repeat(129) }],
    ['act', { sub: 'a', act: { sub: 'b' } }],
    ['act', {}],
    ['act', null],
  ])('is refused with %s: %j, before a database is asked', async (name, value) => {
    await service.create({ user_id: USER });
    service.database.roundTrips = 0;
    const { status, body } = await ask({ [name]: value });
    expect([status, body.code]).toEqual([400, 'invalid_request']);
    expect(service.database.roundTrips).toBe(0);
  });

  it('and `reason` is of no other session', async () => {
    await expect(service.create({ user_id: USER, reason: 'x' })).rejects.toThrow('400');
  });

  it('with an idempotency key is the same again, and one event of each log', async () => {
    await service.create({ user_id: USER });
    const key = { 'idempotency-key': 'k' };
    const [first, again] = [
      await service.create({ user_id: USER, ...SUPPORT }, key),
      await service.create({ user_id: USER, ...SUPPORT }, key),
    ];
    expect(again.session.id).toBe(first.session.id);
    const types = (await eventsOf()).map(({ type }) => type);
    expect(types.filter((type) => type === 'support_access')).toHaveLength(1);
    const { events } = await json(service.backend('GET', '/v1/audit-events'));
    expect(events).toHaveLength(1);
  });
});

describe('who may start one', () => {
  const startWith = async (allow: string[]) => {
    const clients = [
      ...JSON.parse(service.env.CLIENTS ?? ''),
      { client_id: 'desk', bound: true, allow, for_clients: [APP] },
    ];
    return bind(await startService({ CLIENTS: JSON.stringify(clients) }), 'desk');
  };
  const input = { user_id: USER, client_id: APP };

  it('a client that may `impersonate`, which no other capability implies', async () => {
    await service.create({ user_id: USER });
    const { CAPABILITIES } = await import('../../src/config/clients');
    const others = CAPABILITIES.filter((name) => name !== 'impersonate');
    const other = await startWith(others);
    expect(refusalOf(await other.create({ ...input, ...SUPPORT })).code).toBe('client_not_allowed');
    const desk = await startWith(['impersonate']);
    expect(valueIn(await desk.create({ ...input, ...SUPPORT })).session.act).toEqual({
      ...SUPPORT.act,
      reason: SUPPORT.reason,
    });
    expect(refusalOf(await desk.create(input)).code).toBe('client_not_allowed');
  });

  it('for the clients that it acts for', async () => {
    await service.create({ user_id: USER });
    const desk = await startWith(['impersonate']);
    const wrong = { ...input, client_id: 'other-app', ...SUPPORT };
    expect(refusalOf(await desk.create(wrong)).code).toBe('invalid_request');
  });
});

describe('the limit on a user’s sessions', () => {
  it.each(['reject', 'evict_oldest'])('does not count it, by policy %s', async (policy) => {
    service = await startService({ MAX_SESSIONS_PER_USER: '2', SESSION_LIMIT_POLICY: policy });
    const first = await service.create({ user_id: USER });
    const support = [
      await service.create({ user_id: USER, ...SUPPORT }),
      await service.create({ user_id: USER, ...SUPPORT }),
    ];
    service.advance(1);
    const second = await service.create({ user_id: USER });
    support.push(await service.create({ user_id: USER, ...SUPPORT }));
    for (const { session } of [first, second, ...support])
      expect(await isLive(session.id)).toBe(true);
    service.advance(1);
    const third = await service.create({ user_id: USER }).catch(() => null);
    expect(third === null).toBe(policy === 'reject');
    expect(await isLive(first.session.id)).toBe(policy === 'reject');
    for (const { session } of [second, ...support]) expect(await isLive(session.id)).toBe(true);
  });

  it.each(['reject', 'evict_oldest'])('nor a crowd of them, by policy %s', async (policy) => {
    service = await startService({ MAX_SESSIONS_PER_USER: '2', SESSION_LIMIT_POLICY: policy });
    const own = await service.create({ user_id: USER });
    await env.DB.prepare(
      `INSERT INTO user_sessions (user_id, refresh_token, client_id, created_at, expires_at, act)
       WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)
       SELECT ?, 'x', '${APP}', ?, ?, '{"sub":"agent-7","reason":"x"}' FROM n`,
    )
      .bind(USER, START / 1000, START / 1000 + 3600)
      .run();
    const other = await service.create({ user_id: USER });
    for (const { session } of [own, other]) expect(await isLive(session.id)).toBe(true);
    const live = 'SELECT count(*) AS live FROM user_sessions WHERE revoked_at IS NULL';
    expect(await env.DB.prepare(live).first('live')).toBe(302);
  });
});

describe('what it may not do', () => {
  const NOT_ALLOWED = { status: 403, code: 'actor_not_allowed' };

  it('end other sessions, or name devices: the user’s own stay as they are', async () => {
    const { own, support } = await begin();
    const calls: [string, string, object?][] = [
      ['POST', '/v1/sessions/revoke-others'],
      ['DELETE', `/v1/sessions/${own.session.id}`],
      ['PATCH', `/v1/sessions/${own.session.id}`, { label: 'x' }],
      ['PATCH', '/v1/sessions/current', { label: 'x' }],
    ];
    for (const [method, path, body] of calls) {
      const response = await service.request(path, {
        method,
        headers: {
          authorization: `Bearer ${support.access_token}`,
          ...(body && { 'content-type': 'application/json' }),
        },
        ...(body && { body: JSON.stringify(body) }),
      });
      const { code } = await response.json<{ code: string }>();
      expect({ path, status: response.status, code }).toEqual({ path, ...NOT_ALLOWED });
    }
    expect(await readRow(own.session.id)).toMatchObject({ revoked_at: null, label: null });
  });

  it('be stepped up', async () => {
    const { support } = await begin();
    const { refresh_token, session } = support;
    const { status, body } = await stepUp(service, session.id, { refresh_token, acr: 'high' });
    expect({ status, code: body.code }).toEqual(NOT_ALLOWED);
    expect(await readRow(session.id)).toMatchObject({ acr: null, auth_time: null });
    expect((await service.refresh(refresh_token)).status).toBe(200);
  });

  it('but it sees what the user sees, and ends itself', async () => {
    const { own, support } = await begin();
    const { sessions } = await json(service.bearer('GET', '/v1/sessions', support.access_token));
    expect(sessions.map(({ id }) => id)).toEqual([support.session.id, own.session.id]);
    const { status } = await service.bearer('DELETE', '/v1/sessions/current', support.access_token);
    expect([status, await isLive(support.session.id), await isLive(own.session.id)]).toEqual([
      204,
      false,
      true,
    ]);
  });
});

describe('the user', () => {
  it('sees it among their sessions and in their log, with who and why, and ends it', async () => {
    const { own, support } = await begin();
    const { sessions } = await json(service.bearer('GET', '/v1/sessions', own.access_token));
    expect(sessions).toMatchObject([
      { id: support.session.id, act: { sub: 'agent-7', reason: 'Ticket 4711' } },
      { id: own.session.id, act: null },
    ]);
    const { events } = await json(service.bearer('GET', '/v1/events', own.access_token));
    expect(events).toMatchObject([
      {
        type: 'support_access',
        session_id: support.session.id,
        by: 'client',
        by_client_id: BACKEND.id,
        act: { sub: 'agent-7', reason: 'Ticket 4711' },
      },
      { type: 'session_created', session_id: own.session.id },
    ]);
    const path = `/v1/sessions/${support.session.id}`;
    expect((await service.bearer('DELETE', path, own.access_token)).status).toBe(204);
    expect((await service.refresh(support.refresh_token)).body.reason).toBe('signed_out');
  });

  it('is told of a new device of theirs, though support staff sat at its like', async () => {
    await begin();
    service.advance(60);
    await service.create({ user_id: USER, user_agent: UA.firefox() });
    const types = (await eventsOf()).map(({ type }) => type);
    expect(types.filter((type) => type === 'new_device')).toHaveLength(1);
  });
});

describe('in a browser', () => {
  it('is reported when it is made, once, and the page says whose it is', async () => {
    const web = await startWithBrowsers();
    const { browser: own } = await handOff(web, { user_id: USER });
    const signIn = async (url: string) =>
      (await start(web, new Map(), url)).headers
        .getSetCookie()
        .map((line) => line.split(';')[0])
        .join('; ');
    const cookie = await signIn(own.start_url);
    web.advance(60);
    const { session, browser } = await handOff(web, { user_id: USER, ...SUPPORT });
    const starts = async () =>
      (await eventsOf(web)).filter(({ session_id }) => session_id === session.id);
    expect(await starts()).toMatchObject([{ type: 'support_access' }]);
    const ofSupport = await signIn(browser.start_url);
    expect(await starts()).toMatchObject([{ type: 'support_access' }]);

    const page = await (await web.request('/account', { headers: { cookie } })).text();
    expect(page).toContain('Support access: <bdi>agent-7</bdi>');
    expect(page).toContain('Support staff signed in as you');

    const headers = {
      cookie: ofSupport,
      origin: ISSUER,
      'sec-fetch-site': 'same-origin',
      'content-type': 'application/x-www-form-urlencoded',
    };
    const paths = ['/account/sign-out-others', `/account/sessions/${session.id}/sign-out`];
    for (const path of ['/browser/sign-out-everywhere', ...paths.slice(0, 1)])
      expect((await web.request(path, { method: 'POST', headers })).status).not.toBe(303);
    const { results } = await env.DB.prepare('SELECT revoked_at FROM user_sessions').all();
    expect(results).toEqual([{ revoked_at: null }, { revoked_at: null }]);
  });
});

describe('what is told of it', () => {
  it('the audit log has who and why, until the user is erased', async () => {
    await begin();
    const read = async () => (await json(service.backend('GET', '/v1/audit-events'))).events;
    expect(await read()).toMatchObject([
      {
        type: 'user_impersonated',
        client_id: BACKEND.id,
        target: { type: 'user', id: USER },
        details: { actor: 'agent-7', why: 'Ticket 4711' },
      },
    ]);
    service.advance(60);
    await service.backend('DELETE', `/v1/users/${USER}`);
    const events = await read();
    expect(events.find(({ type }) => type === 'user_impersonated')).toMatchObject({
      target: { id: null },
      details: { actor: 'agent-7' },
    });
    expect(JSON.stringify(events)).not.toContain('Ticket 4711');
  });

  it('webhooks hear of it unless they narrow what they hear', async () => {
    const { service: telling, receiver } = await startTelling([endpoint('team')]);
    await telling.create({ user_id: USER });
    await outliving(telling, () =>
      telling.request('/v1/sessions', {
        method: 'POST',
        headers: { ...telling.credentials, 'content-type': 'application/json' },
        body: JSON.stringify({ client_id: APP, user_id: USER, ...SUPPORT }),
      }),
    );
    expect(receiver.accepted.map(({ text }) => JSON.parse(text))).toMatchObject([
      { type: 'support_access', data: { user_id: USER, act: { sub: 'agent-7' } } },
    ]);
  });
});

describe('resource servers', () => {
  it('tell it from the user, and refuse it where they say so', async () => {
    const { own, support } = await begin();
    const verifier = verifierOf(service);
    const api = new Hono()
      .get('/things', requireAccessToken(verifier), (c) => c.json(c.get('accessToken').act ?? null))
      .get('/payments', requireAccessToken(verifier, { actor: false }), (c) => c.text('paid'));
    const get = (path: string, { access_token }: { access_token: string }) =>
      api.request(path, { headers: { authorization: `Bearer ${access_token}` } });
    expect(await (await get('/things', support)).json()).toEqual({ sub: 'agent-7' });
    expect(await (await get('/things', own)).json()).toBeNull();
    expect((await get('/payments', own)).status).toBe(200);
    const refused = await get('/payments', support);
    expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([
      403,
      'Bearer error="insufficient_scope", error_description="Support staff may not do this"',
    ]);
  });

  it('behind a gateway read it in a header, which is empty for everyone else', async () => {
    const { own, support } = await begin();
    const actorOf = async ({ access_token }: { access_token: string }) =>
      (await service.bearer('GET', '/verify', access_token)).headers.get('x-actor');
    expect([await actorOf(support), await actorOf(own)]).toEqual(['agent-7', '']);
  });
});

it('begins in the user’s home, moves along, and begins nowhere for whom no home knows', async () => {
  const homes = await startThreeHomes();
  const { service: near, post } = homes;
  const from = { continent: 'EU', country: 'FR', latitude: '48.85', longitude: '2.35' };
  const begin = (user_id: string, body: object = SUPPORT) =>
    post('/v1/sessions', { client_id: APP, user_id, ...body }, from);
  expect((await begin(NOBODY)).status).toBe(404);
  await begin(USER, {});
  const { status, body } = await begin(USER);
  expect(status).toBe(201);
  await post(`/v1/users/${USER}/move`, { home: 'DB_APAC' });
  const { session } = body as { session: { id: string } };
  const { session: moved } = await json(near.backend('GET', `/v1/sessions/${session.id}`));
  expect(moved).toMatchObject({ act: { sub: 'agent-7', reason: 'Ticket 4711' } });
  for (const home of ['DB', 'DB_APAC', 'DB_WEUR'] as const)
    expect(
      await env[home].prepare('SELECT id FROM users WHERE id = ?').bind(NOBODY).first(),
    ).toBeNull();
});
