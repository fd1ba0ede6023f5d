/** The service inside an app's own Worker. */
import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { createSessions, type MountOptions } from '../src/mount';

const ORIGIN = 'https://app.example';
const USER = crypto.randomUUID();
const CLIENTS = [
  {
    client_id: 'app',
    bound: true,
    allow: ['create_sessions', 'manage_users'],
    for_clients: ['web'],
  },
  { client_id: 'web', origins: [ORIGIN], return_urls: [`${ORIGIN}/`] },
];
const settings: MountOptions['settings'] = {
  ISSUER: `${ORIGIN}/auth`,
  AUDIENCE: ORIGIN,
  SESSION_SECRET: 'the-session-secret-of-the-tests-0123456789',
  ACCESS_TOKEN_TTL_SECONDS: 120,
  CLIENTS,
};
/** An app whose database has a name of its own. */
const mount = (more: Partial<MountOptions> = {}) =>
  createSessions({
    clientId: 'app',
    bindings: { DB: 'APP_DB' },
    settings,
    env: { APP_DB: env.DB },
    ...more,
  });

let lines: Record<string, unknown>[];
beforeEach(() => {
  lines = [];
  for (const method of ['log', 'error'] as const)
    vi.spyOn(console, method).mockImplementation((line) => lines.push(JSON.parse(line)));
  return () => vi.restoreAllMocks();
});

const matches = (path: string) => mount().matches(new Request(ORIGIN + path));

describe('a mounted service', () => {
  it.each([
    '/auth',
    '/auth/',
    '/auth/healthz',
    '/auth/oauth/token',
    '/.well-known/oauth-authorization-server/auth',
    '/.well-known/openid-configuration/auth',
  ])('takes %s', (path) => {
    expect(matches(path)).toBe(true);
  });

  it.each([
    '/',
    '/authors',
    '/authentication/x',
    '/x/auth',
    '/.well-known/security.txt',
    '/.well-known/webauthn/auth',
    // Of another issuer on the host: RFC 8414 §3.1 has its whole path there.
    '/.well-known/oauth-authorization-server/eu/auth',
    '/oauth/token',
  ])('leaves %s to the app', (path) => {
    expect(matches(path)).toBe(false);
  });

  it('answers below the path of ISSUER', async () => {
    const sessions = mount();
    expect((await sessions.fetch(new Request(`${ORIGIN}/auth/healthz`))).status).toBe(200);
    const metadata = `${ORIGIN}/.well-known/oauth-authorization-server/auth`;
    expect(await (await sessions.fetch(new Request(metadata))).json()).toMatchObject({
      issuer: `${ORIGIN}/auth`,
      token_endpoint: `${ORIGIN}/auth/oauth/token`,
    });
    const elsewhere = await sessions.fetch(new Request(`${ORIGIN}/healthz`));
    expect(elsewhere.status).toBe(404);
  });

  it('has its sessions in the app’s database, and gives its calls as functions', async () => {
    const sessions = mount();
    const started = await sessions.operations.create({ user_id: USER, client_id: 'web' });
    expect(started).toMatchObject({ ok: true, value: { expires_in: 120 } });
    if (!started.ok) return;
    const { access_token, session } = started.value;
    const own = await sessions.fetch(
      new Request(`${ORIGIN}/auth/v1/sessions/current`, {
        headers: { authorization: `Bearer ${access_token}` },
      }),
    );
    expect(await own.json()).toMatchObject({ session: { id: session.id } });
    const row = await env.DB.prepare('SELECT client_id FROM user_sessions WHERE id = ?')
      .bind(session.id)
      .first();
    expect(row).toEqual({ client_id: 'web' });
    expect(lines).toContainEqual(
      expect.objectContaining({ event: 'request', method: 'function', route: 'create' }),
    );
  });

  it('does for the app what CLIENTS allows it, and no more', async () => {
    const { operations } = mount();
    expect(await operations.erase({ user_id: USER })).toMatchObject({ code: 'client_not_allowed' });
    const other = mount({ clientId: 'nobody' }).operations;
    expect(await other.list({ user_id: USER })).toMatchObject({ code: 'invalid_client' });
  });

  it('does its part of the cron, and fails it where its database does', async () => {
    await mount().scheduled({ scheduledTime: Date.now() });
    expect(lines).toContainEqual(expect.objectContaining({ event: 'scheduled', home: 'DB' }));
    const broken = {
      prepare: () => ({}),
      withSession: () => ({ batch: () => Promise.reject(new Error('away')) }),
    };
    await expect(
      mount({ env: { APP_DB: broken } }).scheduled({ scheduledTime: Date.now() }),
    ).rejects.toThrow('did not answer');
  });

  it('reads what no option sets from the Worker’s own variables', async () => {
    const { SESSION_SECRET, ...rest } = settings;
    const sessions = mount({ settings: rest, env: { APP_DB: env.DB, SESSION_SECRET } });
    expect((await sessions.fetch(new Request(`${ORIGIN}/auth/healthz`))).status).toBe(200);
  });

  it('without a setting says so in every answer, and leaves the app its paths', async () => {
    const { SESSION_SECRET, ...rest } = settings;
    const sessions = mount({ settings: rest });
    expect((await sessions.fetch(new Request(`${ORIGIN}/auth/healthz`))).status).toBe(503);
    expect(await sessions.operations.listHomes()).toMatchObject({ code: 'config_invalid' });
    expect(sessions.matches(new Request(`${ORIGIN}/`))).toBe(false);
    expect(lines).toContainEqual(expect.objectContaining({ event: 'config_invalid' }));
  });

  it.each([undefined, '', 'auth', '/auth'])(
    'with the issuer %s, which is none, leaves the app all paths, and says so to its calls and its cron',
    async (issuer) => {
      const { ISSUER, ...rest } = settings;
      const broken = mount({
        settings: { ...rest, ...(issuer !== undefined && { ISSUER: issuer }) },
      });
      for (const path of ['/', '/auth', '/auth/healthz', '/.well-known/openid-configuration'])
        expect([path, broken.matches(new Request(ORIGIN + path))]).toEqual([path, false]);
      expect(await broken.operations.listHomes()).toMatchObject({ code: 'config_invalid' });
      await expect(broken.scheduled({ scheduledTime: Date.now() })).rejects.toThrow();
    },
  );

  it.each([`${ORIGIN}/auth/`, `${ORIGIN}/auth//`])(
    'is where an issuer with slashes at its end is: %s',
    async (ISSUER) => {
      const { matches: isIts, fetch } = mount({ settings: { ...settings, ISSUER } });
      const request = new Request(`${ORIGIN}/auth/healthz`);
      expect(isIts(request)).toBe(true);
      expect((await fetch(request)).status).toBe(200);
    },
  );

  it('without a path has the whole host', () => {
    const { matches: isIts } = mount({ settings: { ...settings, ISSUER: ORIGIN } });
    for (const path of ['/', '/healthz', '/.well-known/oauth-authorization-server'])
      expect([path, isIts(new Request(ORIGIN + path))]).toEqual([path, true]);
  });

  it('takes no database of the app’s own for a home, whatever it is called', async () => {
    const homesOf = async (more: Partial<MountOptions>) => {
      const listed = await mount(more).operations.listHomes();
      return listed.ok ? listed.value.homes.map(({ home }) => home) : listed.code;
    };
    const mayList = CLIENTS.map((client) => ({ ...client, allow: ['operate'] }));
    const withHomes = (...HOMES: string[]) => ({
      settings: { ...settings, CLIENTS: mayList, HOMES: HOMES.map((home) => ({ home })) },
    });
    const own = { APP_DB: env.DB, DB_WEUR: env.DB_WEUR };
    expect(await homesOf({ ...withHomes(), env: own })).toEqual(['DB']);
    expect(await homesOf({ ...withHomes('DB_WEUR'), env: own })).toEqual(['DB', 'DB_WEUR']);
    const bindings = { DB: 'APP_DB', DB_EU: 'DB_WEUR' };
    expect(await homesOf({ ...withHomes(), env: own, bindings })).toEqual(['DB', 'DB_EU']);
    expect(await homesOf({ ...withHomes('DB_WEUR'), env: own, bindings })).toBe('config_invalid');
  });

  it('has a database whose own name could be a home’s once, and moves nobody in it', async () => {
    const { operations } = mount({ bindings: { DB: 'DB_MAIN' }, env: { DB_MAIN: env.DB } });
    const user_id = crypto.randomUUID();
    const started = await operations.create({ user_id, client_id: 'web' });
    expect(started.ok).toBe(true);
    const listed = await operations.list({ user_id });
    expect(listed).toMatchObject({ ok: true, value: { sessions: [{ user_id }] } });
  });

  it('writes its numbers into no dataset of the app’s that it is not to have', async () => {
    const told: unknown[] = [];
    const dataset = { writeDataPoint: (point: unknown) => told.push(point) };
    const own = { APP_DB: env.DB, ANALYTICS: dataset };
    const bindings = { DB: 'APP_DB', ANALYTICS: null };
    for (const more of [{}, { bindings }])
      await mount({ env: own, ...more }).operations.create({ user_id: USER, client_id: 'web' });
    expect(told).toHaveLength(1);
  });

  it('is there twice in one Worker, and neither knows the other’s tokens', async () => {
    const one = mount();
    const two = mount({
      bindings: { DB: 'OTHER_DB' },
      env: { OTHER_DB: env.DB_APAC },
      settings: {
        ...settings,
        ISSUER: `${ORIGIN}/eu/auth`,
        SESSION_SECRET: 'another-session-secret-of-the-tests-987654321',
      },
    });
    const metadata = `${ORIGIN}/.well-known/oauth-authorization-server/eu/auth`;
    for (const url of [`${ORIGIN}/eu/auth/oauth/token`, metadata])
      expect([one, two].map((service) => service.matches(new Request(url)))).toEqual([false, true]);
    const started = await one.operations.create({ user_id: USER, client_id: 'web' });
    if (!started.ok) throw new Error(started.code);
    const { refresh_token, access_token } = started.value;
    const body = { grant_type: 'refresh_token', refresh_token, client_id: 'web' };
    const refresh = async (service: typeof one, path: string) => {
      const url = `${ORIGIN}${path}/oauth/token`;
      const form = { method: 'POST', body: new URLSearchParams(body) };
      return (await service.fetch(new Request(url, form))).status;
    };
    expect(await refresh(two, '/eu/auth')).toBe(400);
    expect(await two.operations.listOwn({ access_token })).toMatchObject({ code: 'invalid_token' });
    expect(await two.operations.list({ user_id: USER })).toMatchObject({ value: { sessions: [] } });
    expect(await refresh(one, '/auth')).toBe(200);
  });
});
