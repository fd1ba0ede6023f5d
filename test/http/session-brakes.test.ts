/**
 * Brakes on what asks the database: counted by what was proved, whatever the route. The binding is
 * a real one with a limit of three.
 */
import { env } from 'cloudflare:test';
import { SignJWT } from 'jose';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { deriveKeyring } from '../../src/crypto';
import {
  APP,
  BACKEND,
  basic,
  OTHER_BACKEND,
  readRow,
  startService,
  type TestService,
} from '../fixtures';
import {
  asBackend,
  handOff,
  SAME_ORIGIN,
  send,
  signIn,
  start,
  startWithBrowsers,
} from './browser/browser';
import { inOnePeriod } from './limit-period';
import { CLIENT_AT_PROVIDER, openProvider, PROVIDER } from './provider';

const LIMIT = 3;
const LIMITED = { RATE_LIMIT_SESSION_REFRESHES: env.RATE_LIMIT_OF_THREE };
const OTHER_ID = '0d8f3a52-1111-4222-8333-944455556666';

beforeEach(() => {
  for (const level of ['log', 'warn'] as const)
    vi.spyOn(console, level).mockImplementation(() => {});
  return () => vi.restoreAllMocks();
});

/** A test of what is counted. */
const counted = (name: string, test: () => Promise<void>) => it(name, inOnePeriod(3_000, test));

type Ask = () => Promise<Response>;

/** Each of these passes, in turn and together so often as the limit says; then each is refused. */
async function expectBraked(service: TestService, asks: [Ask, ...Ask[]]) {
  for (let time = 0; time < LIMIT; time += 1) {
    const response = await (asks[time % asks.length] as Ask)();
    expect(response.status, await response.clone().text()).toBeLessThan(400);
  }
  service.database.roundTrips = 0;
  for (const ask of asks) {
    const response = await ask();
    const retryAfter = response.headers.get('retry-after');
    expect({ status: response.status, retryAfter }).toEqual({ status: 429, retryAfter: '60' });
    // Whoever is braked stays signed in.
    expect(response.headers.getSetCookie()).toEqual([]);
  }
  expect(service.database.roundTrips).toBe(0);
}

const isLive = async (sessionId: string) => (await readRow(sessionId))?.revoked_at === null;

const stepUp = (service: TestService, { session, refresh_token }: Braked) =>
  service.request(`/v1/sessions/${session.id}/authentication`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...service.credentials },
    body: JSON.stringify({ refresh_token }),
  });
type Braked = Awaited<ReturnType<TestService['create']>>;

const introspect = (service: TestService, token: string, client = BACKEND) =>
  service.form('/oauth/introspect', { token }, { authorization: basic(client) });

describe('whoever shows the same credential is braked on all routes together', () => {
  counted('a cookie: refreshing, the session, the pages, the exchange for servers', async () => {
    const service = await startWithBrowsers(LIMITED);
    const { jar, session } = await signIn(service);
    const page = { 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate' };
    const own = { ...SAME_ORIGIN, 'content-type': 'application/x-www-form-urlencoded' };
    await expectBraked(service, [
      () => send(service, jar, 'GET', '/browser/session'),
      () => send(service, jar, 'GET', '/account', page),
      () => service.request('/browser/token', { method: 'POST', headers: asBackend(jar, BACKEND) }),
      () => send(service, jar, 'GET', '/account/activity', page),
      () => send(service, jar, 'GET', '/account/sign-out-others', page),
      () => send(service, jar, 'POST', '/account/sign-out-others', own),
      () => send(service, jar, 'POST', `/account/sessions/${OTHER_ID}/sign-out`, own),
      () => send(service, jar, 'POST', '/browser/refresh'),
      () => send(service, jar, 'POST', '/browser/sign-out-everywhere'),
    ]);
    expect(await isLive(session.id)).toBe(true);
    expect((await send(service, jar, 'POST', '/browser/sign-out')).status).toBe(204);
    expect(await isLive(session.id)).toBe(false);
  });

  counted('an access token: lists, the session, and ending others', async () => {
    const service = await startService(LIMITED);
    const { access_token, refresh_token, session } = await service.create();
    const ask = (method: string, path: string) => () => service.bearer(method, path, access_token);
    await expectBraked(service, [
      ask('GET', '/v1/sessions'),
      ask('GET', '/v1/sessions/current'),
      ask('GET', '/v1/events'),
      ask('POST', '/v1/sessions/revoke-others'),
      ask('DELETE', `/v1/sessions/${OTHER_ID}`),
    ]);
    // What an API can do with the token that it was sent keeps nobody from refreshing, or leaving.
    expect((await service.refresh(refresh_token)).status).toBe(200);
    expect((await service.bearer('DELETE', '/v1/sessions/current', access_token)).status).toBe(204);
    expect(await isLive(session.id)).toBe(false);
  });

  counted('a backend that asks about one session: by either token, and by a step-up', async () => {
    const service = await startService(LIMITED);
    const owned = await service.create({ client_id: BACKEND.id });
    await expectBraked(service, [
      () => introspect(service, owned.access_token),
      () => introspect(service, owned.refresh_token),
      () => stepUp(service, owned),
    ]);
    // Another backend, and the session itself, are counted for themselves.
    const { access_token, refresh_token } = await service.create({ client_id: APP });
    for (let time = 0; time <= LIMIT; time += 1) await introspect(service, access_token);
    expect((await introspect(service, access_token, OTHER_BACKEND)).status).toBe(200);
    expect((await service.refresh(refresh_token)).status).toBe(200);
  });

  counted('a backend that asks about one person', async () => {
    const service = await startService(LIMITED);
    const user = crypto.randomUUID();
    const ask = (method: string, path: string) => () =>
      service.backend(method, `/v1/users/${user}${path}`);
    const create = () =>
      service.request('/v1/sessions', {
        method: 'POST',
        body: JSON.stringify({ client_id: APP, user_id: user }),
        headers: { 'content-type': 'application/json', ...service.credentials },
      });
    await expectBraked(service, [
      create,
      ask('GET', '/sessions'),
      ask('GET', '/events'),
      ask('GET', '/sessions?include=ended'),
      ask('GET', '/export'),
    ]);
    await service.create({ user_id: crypto.randomUUID() });
    // Whoever had the password started sessions until the brake held; they still can be ended.
    await expectBraked(service, [ask('DELETE', '/sessions'), ask('DELETE', '')]);
  });

  counted('whoever opens the link of a hand-off', async () => {
    const service = await startWithBrowsers(LIMITED);
    const { browser, session } = await handOff(service);
    const statuses = [];
    for (let time = 0; time <= LIMIT; time += 1)
      statuses.push((await start(service, new Map(), browser.start_url)).status);
    expect(statuses).toEqual([303, 400, 400, 429]);
    expect(await isLive(session.id)).toBe(true);
  });

  counted('whoever shows ID tokens of one person', async () => {
    const clock = { now: Date.UTC(2026, 0, 1) };
    const provider = await openProvider(PROVIDER, clock);
    const trusted = { issuer: PROVIDER, audience: CLIENT_AT_PROVIDER };
    const clients = [{ client_id: APP, allow: ['refresh', 'sign_in'] }];
    const service = await startService(
      { ...LIMITED, CLIENTS: JSON.stringify(clients), TRUSTED_ISSUERS: JSON.stringify([trusted]) },
      clock,
      provider.send,
    );
    const signInBy = async (sub: string) =>
      service.form('/oauth/token', {
        grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
        assertion: await provider.idToken({ sub, jti: crypto.randomUUID() }),
        client_id: APP,
      });
    const person = crypto.randomUUID();
    await expectBraked(service, [() => signInBy(person)]);
    expect((await signInBy(crypto.randomUUID())).status).toBe(200);
  });

  counted(
    'whoever signs out by one token, and another client than its own keeps nobody from that',
    async () => {
      const service = await startService(LIMITED);
      const { refresh_token, session } = await service.create();
      const revoke = (client_id: string) =>
        service.form('/oauth/revoke', { token: refresh_token, client_id });
      await expectBraked(service, [() => revoke('other-app')]);
      expect(await isLive(session.id)).toBe(true);
      expect((await revoke(APP)).status).toBe(200);
      expect(await isLive(session.id)).toBe(false);
    },
  );
});

describe('garbage that names somebody’s session counts for nobody', () => {
  counted('a token that is not authentic', async () => {
    const service = await startService(LIMITED);
    const { refresh_token, access_token } = await service.create();
    const spoil = (token: string) => `${token.slice(0, -9)}AAAAAAAAA`;
    for (let time = 0; time < 2 * LIMIT; time += 1) {
      await service.refresh(spoil(refresh_token));
      await service.bearer('GET', '/v1/sessions', spoil(access_token));
      await service.form('/oauth/revoke', { token: spoil(refresh_token), client_id: APP });
      await introspect(service, spoil(refresh_token));
    }
    expect((await service.refresh(refresh_token)).status).toBe(200);
    expect((await service.bearer('GET', '/v1/sessions', access_token)).status).toBe(200);
  });

  counted('a token that whoever has a leaked SESSION_SECRET signed', async () => {
    const before = await startService();
    const leaked = before.env.SESSION_SECRET as string;
    const { refresh_token, session } = await before.create();
    const service = await startService({
      ...LIMITED,
      SESSION_SECRET: 'another-secret-of-the-tests-9876543210-abc',
      SESSION_SECRET_PREVIOUS: leaked,
      SESSION_SECRET_PREVIOUS_ENDS_AT: '2026-01-02T00:00:00Z',
    });
    const { current } = await deriveKeyring(leaked, null);
    const forge = async () =>
      `v2.${await new SignJWT({ sid: session.id, home: 'DB', secret: crypto.randomUUID() })
        .setProtectedHeader({ alg: 'HS256', typ: 'rt+jwt', kid: current.id })
        .sign(current.refreshMac)}`;
    for (let time = 0; time < 2 * LIMIT; time += 1) {
      const { status, body } = await service.refresh(await forge());
      expect({ status, error: body.error }).toEqual({ status: 400, error: 'invalid_grant' });
    }
    expect((await service.refresh(refresh_token)).status).toBe(200);
  });

  counted('a cookie that names other clients in turn is one and the same', async () => {
    const service = await startWithBrowsers(LIMITED);
    const { jar, session } = await signIn(service);
    const [, token] = (jar.get('__Host-session') as string).split('~');
    const statuses = [];
    for (let time = 0; time <= LIMIT; time += 1) {
      const cookie = `__Host-session=${btoa(`nobody${time}`).replaceAll('=', '')}~${token}`;
      const headers = { ...SAME_ORIGIN, cookie };
      statuses.push(
        (await service.request('/browser/sign-out', { method: 'POST', headers })).status,
      );
    }
    expect(statuses).toEqual([204, 204, 204, 429]);
    expect(await isLive(session.id)).toBe(true);
  });
});

describe('failures of callers whose address is not known', () => {
  const FAILURES = { RATE_LIMIT_FAILED_REFRESHES: env.RATE_LIMIT_OF_THREE };

  counted(
    'count for the client that they name; a good token, and an authentic one that is over, are told what they are',
    async () => {
      const service = await startService(FAILURES);
      const { refresh_token } = await service.create({ client_id: 'other-app' });
      const over = await service.create({ client_id: 'other-app' });
      await service.bearer('DELETE', '/v1/sessions/current', over.access_token);
      // Of another Worker, Cloudflare tells an address that is nobody's.
      const from = { address: '192.0.2.1', headers: { 'cf-worker': 'example.com' } };
      const statuses = [];
      for (let time = 0; time <= LIMIT; time += 1)
        statuses.push((await service.refresh('v2.forged', 'other-app', from)).status);
      expect(statuses).toEqual([400, 400, 400, 429]);
      expect((await service.refresh('v2.forged', APP, from)).status).toBe(400);
      expect(
        (await service.refresh('v2.forged', 'other-app', { address: '192.0.2.1' })).status,
      ).toBe(400);
      expect((await service.refresh(refresh_token, 'other-app', from)).status).toBe(200);
      expect((await service.refresh(over.refresh_token, 'other-app', from)).body).toMatchObject({
        error: 'invalid_grant',
        reason: 'signed_out',
      });
    },
  );

  counted('of client authentication count for the client that is claimed', async () => {
    const service = await startService(FAILURES);
    const claim = `nobody-${crypto.randomUUID().slice(0, 8)}`;
    const ask = () =>
      service.request('/v1/homes', {
        headers: { authorization: basic({ id: claim, secret: 'a-guess-of-the-tests' }) },
      });
    const statuses = [];
    for (let time = 0; time <= LIMIT; time += 1) statuses.push((await ask()).status);
    expect(statuses).toEqual([401, 401, 401, 429]);
  });
});

counted('a page for people says that they are signed in, and to try again', async () => {
  const service = await startWithBrowsers(LIMITED);
  const { jar } = await signIn(service);
  const headers = { 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate' };
  for (let time = 0; time < LIMIT; time += 1) await send(service, jar, 'GET', '/account', headers);
  const braked = await send(service, jar, 'GET', '/account', headers);
  expect(braked.status).toBe(429);
  expect(await braked.text()).toContain('You are still signed in.');
});
