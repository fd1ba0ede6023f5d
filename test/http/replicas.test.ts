/**
 * Replicas: reads that may lag go to one, people read their own writes, and no token
 * is decided on by a copy. The replica here is behind until a test,
 * or a bookmark, brings it up to date.
 */
import { env } from 'cloudflare:test';
import { describe, expect, it } from 'vitest';
import { createApp } from '../../src/http/app';
import { type Replicated, replicate } from '../db/replicated';
import { APP, BACKEND, basic, ISSUER, startService, type TestService } from '../fixtures';
import { beginEmpty, create, FROM, startThreeHomes } from '../homes/three-homes';
import { USER } from '../people';
import { handOff, NAVIGATION, startWithBrowsers } from './browser/browser';
import { ALL_ROUTES, OAUTH_ROUTES, toInit } from './routes';

beginEmpty();

const GRACE = 30;
const HEADER = 'x-d1-bookmark';

async function start(
  variables: Parameters<typeof startService>[0] = {},
  open: typeof startService = startService,
): Promise<{ service: TestService; database: Replicated }> {
  const database = replicate(env.DB, env.DB_APAC);
  const service = await open({ ...variables, DB: database.binding });
  await service.request('/.well-known/jwks.json');
  database.asked.primary.length = 0;
  return { service, database };
}

const bookmarkOf = (response: Response) => {
  const bookmark = response.headers.get(HEADER);
  expect(bookmark).toMatch(/^DB\.[\w-]+$/);
  return { [HEADER]: bookmark as string };
};
const asBackend = (
  service: TestService,
  method: string,
  path: string,
  headers: Record<string, string> = {},
) => service.request(path, { method, headers: { ...service.credentials, ...headers } });
const asUser = (
  service: TestService,
  method: string,
  path: string,
  accessToken: string,
  headers: Record<string, string> = {},
) =>
  service.request(path, {
    method,
    headers: { authorization: `Bearer ${accessToken}`, ...headers },
  });
const idsOf = async (response: Response): Promise<string[]> =>
  ((await response.json()) as { sessions: { id: string }[] }).sessions.map(({ id }) => id);
const typesOf = async (response: Response): Promise<string[]> =>
  ((await response.json()) as { events: { type: string }[] }).events.map(({ type }) => type);

describe('people read their own writes', () => {
  it('a backend, with the bookmark of its last answer', async () => {
    const { service, database } = await start();
    const { session } = await service.create({ user_id: USER });
    await database.catchUp();
    const revoked = await asBackend(service, 'DELETE', `/v1/users/${USER}/sessions`);
    expect(await revoked.json()).toEqual({ revoked: 1 });
    // Whoever brings no bookmark may be shown what was.
    expect(await idsOf(await asBackend(service, 'GET', `/v1/users/${USER}/sessions`))).toEqual([
      session.id,
    ]);
    expect(await typesOf(await asBackend(service, 'GET', `/v1/users/${USER}/events`))).toEqual([
      'session_created',
    ]);
    const own = bookmarkOf(revoked);
    expect(await typesOf(await asBackend(service, 'GET', `/v1/users/${USER}/events`, own))).toEqual(
      ['session_revoked', 'session_created'],
    );
    expect(await idsOf(await asBackend(service, 'GET', `/v1/users/${USER}/sessions`, own))).toEqual(
      [],
    );
  });

  it('an app, with the bookmark of its last answer', async () => {
    const { service, database } = await start();
    const [phone, laptop] = [
      await service.create({ user_id: USER }),
      await service.create({ user_id: USER }),
    ];
    await database.catchUp();
    const ended = await asUser(
      service,
      'DELETE',
      `/v1/sessions/${phone.session.id}`,
      laptop.access_token,
    );
    const list = (headers = {}) =>
      asUser(service, 'GET', '/v1/sessions', laptop.access_token, headers);
    expect(await idsOf(await list())).toHaveLength(2);
    expect(await idsOf(await list(bookmarkOf(ended)))).toEqual([laptop.session.id]);
  });

  it('also where the answer to the write was lost, and its second run found nothing to do', async () => {
    const { service, database } = await start();
    const [phone, laptop] = [
      await service.create({ user_id: USER }),
      await service.create({ user_id: USER }),
    ];
    await database.catchUp();
    service.database.faults = [{ after: 'D1_ERROR: Network connection lost' }];
    const ended = await asUser(
      service,
      'DELETE',
      `/v1/sessions/${phone.session.id}`,
      laptop.access_token,
    );
    expect(ended.status).toBe(204);
    const listed = await asUser(
      service,
      'GET',
      '/v1/sessions',
      laptop.access_token,
      bookmarkOf(ended),
    );
    expect(await idsOf(listed)).toEqual([laptop.session.id]);
  });

  it('what was seen once stays seen: a read gives a bookmark too', async () => {
    const { service, database } = await start();
    await service.create({ user_id: USER });
    await database.catchUp();
    const seen = bookmarkOf(await asBackend(service, 'GET', `/v1/users/${USER}/sessions`));
    expect(seen[HEADER]).toContain('DB.00000001');
  });

  it.each(['/v1/sessions', '/v1/events'])(
    '%s never lags behind the session that asks',
    async (path) => {
      const { service, database } = await start();
      const { access_token, session, refresh_token } = await service.create({ user_id: USER });
      const first = await asUser(service, 'GET', path, access_token);
      if (path === '/v1/sessions') expect(await idsOf(first)).toEqual([session.id]);
      else expect(await typesOf(first)).toEqual(['session_created']);
      await database.catchUp();
      service.advance(GRACE);
      const { body } = await service.refresh(refresh_token);
      database.asked.replica.length = 0;
      database.asked.primary.length = 0;
      await asUser(service, 'GET', path, body.access_token);
      expect([database.asked.replica.length, database.asked.primary.length]).toEqual([1, 2]);
    },
  );

  it('a person on the page of their devices, by a cookie that no script reads', async () => {
    const { service, database } = await start({}, startWithBrowsers);
    const phone = await service.create({
      user_id: USER,
      user_agent: 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Safari/605.1.15',
    });
    const { browser } = await handOff(service, { user_id: USER });
    const jar = new Map<string, string>();
    const visit = async (path: string, init: RequestInit = {}) => {
      const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
      const response = await service.request(path, {
        ...init,
        headers: { ...init.headers, cookie },
      });
      for (const line of response.headers.getSetCookie()) {
        const [, name, value] = /^([^=]+)=([^;]*)/.exec(line) as RegExpExecArray;
        jar.set(name as string, value as string);
      }
      return response;
    };
    await visit(browser.start_url.slice(ISSUER.length), { headers: NAVIGATION });
    // Not behind their own session, although the browser brings no bookmark yet.
    const path = `/account/sessions/${phone.session.id}/sign-out`;
    expect(await (await visit('/account')).text()).toContain(path);
    await database.catchUp();

    const before = jar.get('__Host-bookmark') as string;
    const own = {
      origin: ISSUER,
      'sec-fetch-site': 'same-origin',
      'content-type': 'application/x-www-form-urlencoded',
    };
    const ended = await visit(path, { method: 'POST', headers: own });
    expect(ended.status).toBe(303);
    expect(ended.headers.getSetCookie()).toEqual([
      expect.stringMatching(
        /^__Host-bookmark=DB\.[\w-]+; Max-Age=600; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
      ),
    ]);
    expect(ended.headers.get(HEADER)).toBe(null);
    const after = jar.get('__Host-bookmark') as string;
    jar.set('__Host-bookmark', before);
    expect(await (await visit('/account')).text()).toContain(path);
    jar.set('__Host-bookmark', after);
    expect(await (await visit('/account')).text()).not.toContain(path);
  });

  it('with several homes the bookmark is of each that was asked', async () => {
    const homes = await startThreeHomes();
    const { session, refresh_token } = await create(homes, { user_id: USER }, FROM.paris);
    homes.service.advance(GRACE);
    const { headers } = await homes.service.refresh(refresh_token);
    expect(headers.get(HEADER)).toMatch(/^DB_WEUR\.[\w-]+$/);
    const path = `/v1/users/${USER}/sessions?include=ended`;
    const listed = await asBackend(homes.service, 'GET', path, {
      [HEADER]: headers.get(HEADER) as string,
    });
    expect(await idsOf(listed)).toEqual([session.id]);
    const homesOf = (listed.headers.get(HEADER) ?? '').split('~').map((part) => part.split('.')[0]);
    expect(homesOf.sort()).toEqual(['DB', 'DB_APAC', 'DB_WEUR']);
  });
});

describe('a token is decided on by the primary, whatever the replica says', () => {
  /** Two sessions of a user, of which the replica knows nothing that happens from here on. */
  async function startBehind() {
    const { service, database } = await start();
    const [lost, other] = [
      await service.create({ user_id: USER }),
      await service.create({ user_id: USER }),
    ];
    await database.catchUp();
    service.advance(GRACE);
    return { service, database, lost, other };
  }

  it('of a session that was revoked', async () => {
    const { service, lost, other } = await startBehind();
    await asUser(service, 'DELETE', `/v1/sessions/${lost.session.id}`, other.access_token);
    expect((await service.refresh(lost.refresh_token)).body.reason).toBe('signed_out');
    for (const path of ['/v1/sessions', '/v1/sessions/current', '/v1/events'])
      expect((await asUser(service, 'GET', path, lost.access_token)).status).toBe(401);
    expect(
      (await asUser(service, 'POST', '/v1/sessions/revoke-others', lost.access_token)).status,
    ).toBe(401);
    for (const token of [lost.access_token, lost.refresh_token]) {
      const answer = await service.form(
        '/oauth/introspect',
        { token },
        { authorization: basic(BACKEND) },
      );
      expect(await answer.json()).toEqual({ active: false });
    }
    const list = await service.request('/.well-known/revoked-sessions');
    expect(await list.json()).toMatchObject({ sessions: [lost.session.id] });
  });

  it('of a token that was rotated: its second use is reuse', async () => {
    const { service, lost } = await startBehind();
    const { body } = await service.refresh(lost.refresh_token);
    service.advance(GRACE + 1);
    await service.refresh(body.refresh_token);
    service.advance(GRACE + 1);
    expect((await service.refresh(lost.refresh_token)).body.reason).toBe('reuse_detected');
    expect((await service.refresh(body.refresh_token)).body.reason).toBe('reuse_detected');
  });

  it('and the limit on sessions too, which is asked for twice', async () => {
    const { service, database } = await start({
      MAX_SESSIONS_PER_USER: '1',
      SESSION_LIMIT_POLICY: 'reject',
    });
    await service.create({ user_id: USER });
    await expect(service.create({ user_id: USER })).rejects.toThrow('409');
    expect(database.asked.replica).toEqual([]);
  });

  const lagging = [
    '/v1/sessions',
    '/v1/events',
    '/v1/users/:user_id/sessions',
    '/v1/users/:user_id/events',
    '/v1/webhook-deliveries',
    '/v1/audit-events',
    '/v1/stats',
    '/metrics',
  ];
  it(`only these read it: GET ${lagging.join(', ')}`, async () => {
    const { service, database, lost, other } = await startBehind();
    const asked: string[] = [];
    const credentials = { authorization: basic(BACKEND) };
    const tokens = OAUTH_ROUTES.map((route) => ({
      ...route,
      form: {
        grant_type: 'refresh_token',
        client_id: APP,
        refresh_token: other.refresh_token,
        token: other.refresh_token,
      },
    }));
    for (const route of [...tokens, ...ALL_ROUTES]) {
      const isUsers =
        /^\/v1\/(sessions|events)/.test(route.pattern) &&
        !(route.method === 'POST' && route.path === '/v1/sessions');
      const before = database.asked.replica.length;
      // An isolate of its own, to which no session is known to be over.
      const isolate = createApp(service.env, () => service.clock.now);
      await isolate.request(
        ISSUER + route.path,
        toInit(
          route,
          isUsers
            ? { authorization: `Bearer ${lost.access_token}` }
            : route.form === undefined
              ? credentials
              : {},
        ),
      );
      if (database.asked.replica.length > before) asked.push(`${route.method} ${route.pattern}`);
    }
    expect(asked.sort()).toEqual(lagging.map((path) => `GET ${path}`).sort());
  });
});

describe('a replica, or a bookmark, that is no good', () => {
  it('costs another round trip: the primary answers', async () => {
    const { service, database } = await start();
    const { session } = await service.create({ user_id: USER });
    database.isReplicaAway = true;
    const list = (headers = {}) => asBackend(service, 'GET', `/v1/users/${USER}/sessions`, headers);
    expect(await idsOf(await list())).toEqual([session.id]);
    database.isReplicaAway = false;
    expect(await idsOf(await list({ [HEADER]: 'DB.99999999-made-up' }))).toEqual([session.id]);
    // A home that is not one of this service is nobody's concern.
    expect((await list({ [HEADER]: 'DB_GONE.00000001-of-the-test' })).status).toBe(200);
  });

  it('stops nothing that the primary answers, however often it fails', async () => {
    const { service, database } = await start();
    const { refresh_token } = await service.create({ user_id: USER });
    database.isReplicaAway = true;
    for (let time = 0; time < 12; time += 1)
      expect((await asBackend(service, 'GET', `/v1/users/${USER}/sessions`)).status).toBe(200);
    // After five failures in a row nobody waits for it any more.
    expect(database.asked.replica).toHaveLength(5);
    expect((await service.refresh(refresh_token)).status).toBe(200);
  });

  it.each([
    '',
    'DB',
    'DB.',
    'DB.a b',
    "DB.'; DROP TABLE users",
    `DB.${'0'.repeat(129)}`,
    '00000001-of-the-test',
  ])('a header like %j is refused before any database is asked', async (bookmark) => {
    const { service, database } = await start();
    const answer = await asBackend(service, 'GET', `/v1/users/${USER}/sessions`, {
      [HEADER]: bookmark,
    });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({
      detail: 'X-D1-Bookmark is not one that this service gave',
    });
    expect([...database.asked.primary, ...database.asked.replica]).toEqual([]);
  });

  it('a cookie like that is not there: nobody can mend their own', async () => {
    const { service } = await start({}, startWithBrowsers);
    const { browser } = await handOff(service, { user_id: USER });
    const started = await service.request(browser.start_url.slice(ISSUER.length), {
      headers: NAVIGATION,
    });
    const cookie = started.headers.getSetCookie().map((line) => line.split(';')[0]);
    const session = cookie.find((pair) => pair?.startsWith('__Host-session='));
    const page = await service.request('/account', {
      headers: { cookie: `${session}; __Host-bookmark=nonsense` },
    });
    expect(page.status).toBe(200);
  });
});

it('an answer that neither wrote nor read a replica carries no bookmark', async () => {
  const { service } = await start();
  const { refresh_token } = await service.create({ user_id: USER });
  service.advance(GRACE);
  const rotated = await service.refresh(refresh_token);
  expect(rotated.headers.get(HEADER)).toMatch(/^DB\./);
  expect((await service.refresh(rotated.body.refresh_token)).headers.get(HEADER)).toBe(null);
});
