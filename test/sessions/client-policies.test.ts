/**
 * `sessions` of a client in CLIENTS: its sessions live, and count, by its own values, and whatever
 * concerns the sessions of all clients goes by the longest of them.
 */
import { env } from 'cloudflare:test';
import { decodeJwt } from 'jose';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { runScheduled } from '../../src/scheduled';
import {
  APP,
  BACKEND,
  clientsWith,
  postSession,
  startService,
  type TestService,
} from '../fixtures';
import { create as createIn, livesIn, startThreeHomes } from '../homes/three-homes';
import { USER } from '../people';

const OTHER = 'other-app';
const DAY = 86_400;

beforeEach(async () => {
  for (const name of ['DB', 'DB_APAC', 'DB_WEUR'] as const)
    await env[name].exec(
      'DELETE FROM user_sessions; DELETE FROM users; DELETE FROM session_events; DELETE FROM outdated_tokens; DELETE FROM signing_keys; DELETE FROM cleanup_state',
    );
  for (const level of ['log', 'warn', 'error'] as const)
    vi.spyOn(console, level).mockImplementation(() => {});
  return () => vi.restoreAllMocks();
});

type Sessions = Record<string, unknown>;

/** CLIENTS of the tests, in which the app has these `sessions` and other members. */
const appWith = async (sessions: Sessions, more: object = {}): Promise<string> =>
  clientsWith(await startService(), APP, { sessions, ...more });

const startWith = async (sessions: Sessions, variables: Parameters<typeof startService>[0] = {}) =>
  startService({ CLIENTS: await appWith(sessions), ...variables });

const secondsOf = (time: unknown) => Date.parse(time as string) / 1000;

const isThere = async (id: string) =>
  (await env.DB.prepare('SELECT 1 FROM user_sessions WHERE id = ?').bind(id).first()) !== null;

describe('how long a client’s sessions live', () => {
  it('by its lifetime, its inactivity timeout and its tokens’ life; the others’ as before', async () => {
    const service = await startWith({
      lifetime_seconds: 7_200,
      inactivity_timeout_seconds: 600,
      access_token_ttl_seconds: 60,
    });
    const now = service.clock.now / 1000;
    const own = await service.create({ user_id: USER });
    expect(own.expires_in).toBe(60);
    expect(secondsOf(own.session.expires_at)).toBe(now + 7_200);
    expect(secondsOf(own.session.idle_expires_at)).toBe(now + 600);
    const { exp, iat } = decodeJwt(own.access_token);
    expect((exp as number) - (iat as number)).toBe(60);
    const others = await service.create({ user_id: USER, client_id: OTHER });
    expect(others.expires_in).toBe(300);
    expect(secondsOf(others.session.expires_at)).toBe(now + 30 * DAY);
    expect(secondsOf(others.session.idle_expires_at)).toBe(now + 14 * DAY);

    service.advance(599);
    const refreshed = await service.refresh(own.refresh_token);
    expect(refreshed.body).toMatchObject({ expires_in: 60, refresh_token_expires_in: 600 });
    service.advance(600);
    expect((await service.refresh(refreshed.body.refresh_token)).body).toMatchObject({
      error: 'invalid_grant',
      reason: 'expired_idle',
    });
    expect((await service.refresh(others.refresh_token, OTHER)).status).toBe(200);
    const { sessions } = await (await service.backend('GET', `/v1/users/${USER}/sessions`)).json<{
      sessions: { id: string }[];
    }>();
    expect(sessions.map(({ id }) => id)).toEqual([others.session.id]);
  });

  it('longer than the service’s own, too, and as long as a backend asks within that', async () => {
    const service = await startWith(
      { lifetime_seconds: 7_200, inactivity_timeout_seconds: 0 },
      { SESSION_LIFETIME_SECONDS: '3600', INACTIVITY_TIMEOUT_SECONDS: '60' },
    );
    const { session, refresh_token } = await service.create({ user_id: USER });
    expect(session.idle_expires_at).toBeNull();
    service.advance(7_199);
    expect((await service.refresh(refresh_token)).status).toBe(200);
    expect(await postSession(service, { expires_in: 7_201 })).toMatchObject({
      status: 400,
      body: { detail: 'expires_in must be at most 7200' },
    });
    expect((await postSession(service, { expires_in: 7_200 })).status).toBe(201);
    expect((await postSession(service, { client_id: OTHER, expires_in: 3_601 })).status).toBe(400);
  });

  it('a superseded token is good for the client’s own grace period', async () => {
    const service = await startWith({ refresh_grace_seconds: 5 }, { LOST_ANSWER_SECONDS: '0' });
    const [own, others] = [
      await service.create({ user_id: USER }),
      await service.create({ user_id: USER, client_id: OTHER }),
    ];
    await service.refresh(own.refresh_token);
    await service.refresh(others.refresh_token, OTHER);
    service.advance(4);
    expect((await service.refresh(own.refresh_token)).status).toBe(200);
    service.advance(1);
    expect((await service.refresh(own.refresh_token)).body.reason).toBe('reuse_detected');
    service.advance(24);
    expect((await service.refresh(others.refresh_token, OTHER)).status).toBe(200);
    service.advance(1);
    expect((await service.refresh(others.refresh_token, OTHER)).body.reason).toBe('reuse_detected');
  });
});

describe('a client’s own limit', () => {
  const list = async (service: TestService) => {
    const answer = await service.backend('GET', `/v1/users/${USER}/sessions`);
    const { sessions } = await answer.json<{ sessions: { id: string }[] }>();
    return sessions.map(({ id }) => id).sort();
  };

  it('counts its sessions alone, and the service’s those of all others', async () => {
    const service = await startWith({ max_per_user: 1 }, { MAX_SESSIONS_PER_USER: '2' });
    const ids: string[] = [];
    for (const client_id of [APP, OTHER, OTHER, APP, BACKEND.id]) {
      ids.push((await service.create({ user_id: USER, client_id })).session.id);
      service.advance(1);
    }
    // The app’s first made room for its second, and the other app’s first for the backend’s.
    const [, , second, own, backends] = ids as [string, string, string, string, string];
    expect(await list(service)).toEqual([second, own, backends].sort());
  });

  it('refuses where it says so; the service’s own goes on to evict', async () => {
    const service = await startWith(
      { max_per_user: 1, limit_policy: 'reject' },
      { MAX_SESSIONS_PER_USER: '1' },
    );
    await service.create({ user_id: USER });
    expect((await postSession(service, { user_id: USER })).status).toBe(409);
    for (const _ of [1, 2]) await service.create({ user_id: USER, client_id: OTHER });
    expect(await list(service)).toHaveLength(2);
  });

  it('a session that died by its client’s own timeout does not count', async () => {
    const service = await startWith({
      max_per_user: 1,
      limit_policy: 'reject',
      inactivity_timeout_seconds: 60,
    });
    await service.create({ user_id: USER });
    service.advance(60);
    expect((await postSession(service, { user_id: USER })).status).toBe(201);
  });

  it('is exact under 30 creates at once', async () => {
    const CLIENTS = await appWith({ max_per_user: 2, limit_policy: 'reject' });
    const services = await Promise.all([1, 2, 3].map(() => startService({ CLIENTS })));
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, number) =>
        postSession(services[number % 3] as TestService, { user_id: USER }),
      ),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(2);
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(28);
  });

  it('holds where a user’s sessions arrive in another home', async () => {
    const wide = await startThreeHomes({ CLIENTS: await appWith({ max_per_user: 3 }) });
    const ids: string[] = [];
    for (const client_id of [APP, APP, APP, OTHER, OTHER]) {
      ids.push((await createIn(wide, { user_id: USER, client_id, home: 'DB' })).session.id);
      wide.service.advance(1);
    }
    // Lowered, and nobody has signed in since.
    const CLIENTS = await appWith({ max_per_user: 1, inactivity_timeout_seconds: 60 });
    const homes = await startThreeHomes({ CLIENTS }, wide.service.clock);
    const moved = await homes.post(`/v1/users/${USER}/move`, { home: 'DB_WEUR' });
    expect(moved.status).toBe(200);
    const places = await Promise.all(ids.map(livesIn));
    expect(places.map((place) => place.length)).toEqual([0, 0, 1, 1, 1]);
    // The client’s policy holds there as well.
    const view = await homes.service.backend('GET', `/v1/sessions/${ids[2]}`);
    const { session } = await view.json<{ session: Record<string, string> }>();
    expect(secondsOf(session.idle_expires_at) - secondsOf(session.last_used_at)).toBe(60);
  });
});

describe('what goes by the longest', () => {
  it('the clean-up deletes inactive sessions by their own client’s timeout', async () => {
    const service = await startWith(
      { inactivity_timeout_seconds: 60 * DAY, lifetime_seconds: 0 },
      { SESSION_LIFETIME_SECONDS: '0', CLEANUP_RETENTION_SECONDS: String(DAY) },
    );
    const own = await service.create({ user_id: USER });
    const others = await service.create({ user_id: USER, client_id: OTHER });
    service.advance(15 * DAY + 1);
    await runScheduled(service.env, service.clock.now);
    expect([await isThere(own.session.id), await isThere(others.session.id)]).toEqual([
      true,
      false,
    ]);
    service.advance(46 * DAY);
    await runScheduled(service.env, service.clock.now);
    expect(await isThere(own.session.id)).toBe(false);
  });

  it('with no timeout of the service’s own, a client’s is found all the same', async () => {
    const service = await startWith(
      { inactivity_timeout_seconds: 60, lifetime_seconds: 0 },
      { SESSION_LIFETIME_SECONDS: '0', INACTIVITY_TIMEOUT_SECONDS: '0' },
    );
    const own = await service.create({ user_id: USER });
    const others = await service.create({ user_id: USER, client_id: OTHER });
    service.advance(8 * DAY);
    await runScheduled(service.env, service.clock.now);
    expect([await isThere(own.session.id), await isThere(others.session.id)]).toEqual([
      false,
      true,
    ]);
  });

  const listed = async (service: TestService) => {
    const answer = await service.request('/.well-known/revoked-sessions');
    return (await answer.json<{ sessions: string[] }>()).sessions;
  };

  it('the revocation list names an ended session for as long as any client’s token lives', async () => {
    const service = await startWith({ access_token_ttl_seconds: 3_600 });
    const { session } = await service.create({ user_id: USER });
    await service.backend('DELETE', `/v1/sessions/${session.id}`);
    service.advance(3_600 + 119);
    expect(await listed(service)).toHaveLength(1);
    service.advance(60);
    expect(await listed(service)).toEqual([]);
  });

  it('a signing key verifies for as long as any client’s token lives', async () => {
    const service = await startWith(
      { access_token_ttl_seconds: 3_600 },
      { SIGNING_KEY_LIFETIME_SECONDS: '1000', SIGNING_KEY_PUBLISH_AHEAD_SECONDS: '600' },
    );
    service.advance(999);
    const { access_token } = await service.create({ user_id: USER });
    await runScheduled(service.env, service.clock.now);
    service.advance(600);
    await runScheduled(service.env, service.clock.now);
    service.advance(2_999);
    await runScheduled(service.env, service.clock.now);
    const later = await startService({ CLIENTS: service.env.CLIENTS as string }, service.clock);
    expect((await later.bearer('GET', '/v1/sessions/current', access_token)).status).toBe(200);
  });
});

describe('while a client is refused over a mistake in its entry', () => {
  const old = { inactivity_timeout_seconds: 60 * DAY, access_token_ttl_seconds: 3_600 };
  it.each([
    ['elsewhere', old, { origins: ['nonsense'] }],
    ['in what its sessions are', { ...old, lifetime_seconds: 'a year' }, {}],
  ])(
    '%s, none of its sessions is deleted, and its ended ones are told of',
    async (_, sessions, more) => {
      const before = await startWith({ ...old, lifetime_seconds: 0 });
      const { session } = await before.create({ user_id: USER });
      const { session: ended } = await before.create({ user_id: USER });
      await before.backend('DELETE', `/v1/sessions/${ended.id}`);
      const CLIENTS = await appWith(sessions, more);
      const { env: variables, clock } = await startService({ CLIENTS }, before.clock);
      clock.now += 3_000 * 1000;
      const service = await startService({ CLIENTS }, clock);
      const answer = await service.request('/.well-known/revoked-sessions');
      expect((await answer.json<{ sessions: string[] }>()).sessions).toHaveLength(1);
      clock.now += 50 * DAY * 1000;
      await runScheduled(variables, clock.now);
      expect(await isThere(session.id)).toBe(true);
    },
  );
});
