/**
 * A session's credential is weighed wherever it is presented, as a refresh would weigh it; and what
 * a request does not tell takes nothing from what was known.
 */
import { env } from 'cloudflare:test';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { keepKnown, parseSignals, type Signals } from '../../src/risk/signals';
import { BACKEND, basic, ISSUER, readRow, startService, type TestService } from '../fixtures';
import {
  asBackend,
  handOff,
  type Jar,
  NAVIGATION,
  SAME_ORIGIN,
  signIn,
  startWithBrowsers,
} from '../http/browser/browser';
import { USER } from '../people';
import { AT, type RawCaller, signalsOf, UA } from '../risk/callers';

const GRACE = 30;
const OWNER = { userAgent: UA.chrome(), ...AT.home };
const THIEF = { userAgent: UA.firefox(), ...AT.lima };
const FORM = {
  'content-type': 'application/x-www-form-urlencoded',
  'sec-fetch-site': 'same-origin',
  origin: ISSUER,
};

beforeEach(async () => {
  await env.DB.exec(
    'DELETE FROM user_sessions; DELETE FROM users; DELETE FROM session_events; DELETE FROM outdated_tokens',
  );
  for (const level of ['log', 'warn'] as const)
    vi.spyOn(console, level).mockImplementation(() => {});
  return () => vi.restoreAllMocks();
});

const eventsOf = async (sessionId: string) =>
  (
    await env.DB.prepare(
      'SELECT type, details FROM session_events WHERE session_id = ? ORDER BY seq',
    )
      .bind(sessionId)
      .all<{ type: string; details: string }>()
  ).results.filter(({ type }) => type !== 'session_created');
const typesOf = async (sessionId: string) => (await eventsOf(sessionId)).map(({ type }) => type);

/** A request of someone with these cookies; those that come back are kept. */
async function ask(
  service: TestService,
  jar: Jar,
  [method, path, headers = {}]: readonly [string, string, Record<string, string>?],
  { address, userAgent, cf }: RawCaller,
) {
  const request = new Request(ISSUER + path, {
    method,
    headers: {
      cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; '),
      ...(address && { 'cf-connecting-ip': address }),
      ...(userAgent && { 'user-agent': userAgent }),
      ...headers,
    },
    redirect: 'manual',
    ...(cf && { cf }),
  });
  const response = await service.app.request(request);
  for (const line of response.headers.getSetCookie()) {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
    jar.set(name, value);
  }
  return response;
}

/** A browser whose owner has refreshed once, so that it is known who that is. */
async function startBrowser(policy: string) {
  const service = await startWithBrowsers({ RISK_POLICY: policy });
  const { jar, session } = await signIn(service, { user_id: USER });
  service.advance(GRACE + 1);
  const refreshed = await ask(service, jar, ['POST', '/browser/refresh', SAME_ORIGIN], OWNER);
  expect(refreshed.status).toBe(200);
  service.advance(GRACE + 1);
  await env.DB.exec('DELETE FROM session_events');
  return { service, jar, id: session.id };
}

const DOORS = [
  ['GET', '/account'],
  ['GET', '/account/activity'],
  ['GET', '/account/sign-out-others'],
  ['POST', '/account/sign-out-others', FORM],
  ['POST', '/account/sign-out', FORM],
  ['GET', '/browser/session', SAME_ORIGIN],
  ['POST', '/browser/sign-out-everywhere', SAME_ORIGIN],
] as const;

describe('a stolen cookie', () => {
  it.each(DOORS)('%s %s: `reauthenticate` refuses it, tells, and ends nothing', async (...door) => {
    const { service, jar, id } = await startBrowser('reauthenticate');
    for (let time = 0; time < 3; time += 1)
      expect((await ask(service, new Map(jar), door, THIEF)).status).toBe(401);
    expect(await readRow(id)).toMatchObject({ revoked_at: null });
    const [event, ...rest] = await eventsOf(id);
    expect(rest).toEqual([]);
    expect(event?.type).toBe('reauthentication_demanded');
    expect(JSON.parse(event?.details ?? '')).toMatchObject({
      context: { browser: 'Firefox', country: 'PE' },
      risk: { level: 'high', decision: 'reauthenticate' },
    });
    expect((await ask(service, jar, door, OWNER)).status).toBeLessThan(400);
  });

  it.each(DOORS)('%s %s: `revoke` ends the session', async (...door) => {
    const { service, jar, id } = await startBrowser('revoke');
    expect((await ask(service, new Map(jar), door, THIEF)).status).toBe(401);
    expect(await readRow(id)).toMatchObject({ revoked_reason: 'suspicious' });
    expect(await typesOf(id)).toEqual(['session_revoked']);
  });

  it('`notify` lets it pass, and tells once for each rotation, the refresh included', async () => {
    const { service, jar, id } = await startBrowser('notify');
    for (const door of [DOORS[0], DOORS[1], DOORS[5], DOORS[0]])
      expect((await ask(service, new Map(jar), door, THIEF)).status).toBe(200);
    expect(await typesOf(id)).toEqual(['mismatch']);
    await ask(service, jar, ['POST', '/browser/refresh', SAME_ORIGIN], THIEF);
    expect(await typesOf(id)).toEqual(['mismatch']);
  });

  it('a small difference is told once, and nothing where nothing differs', async () => {
    const { service, jar, id } = await startBrowser('reauthenticate');
    // The first one reads the signing keys anew, which an isolate does once a minute.
    await ask(service, jar, DOORS[5], OWNER);
    service.database.roundTrips = 0;
    await ask(service, jar, DOORS[5], OWNER);
    expect(service.database.roundTrips).toBe(1);
    expect(await typesOf(id)).toEqual([]);
    const moved = { ...OWNER, ...AT.homeAfterReconnect };
    for (let time = 0; time < 3; time += 1) await ask(service, new Map(jar), DOORS[5], moved);
    expect(await typesOf(id)).toEqual(['context_changed']);
  });

  it.each([['POST', '/browser/sign-out', SAME_ORIGIN]] as const)(
    '%s %s: it may end its session, which tells of it',
    async (...door) => {
      const { service, jar, id } = await startBrowser('reauthenticate');
      expect((await ask(service, new Map(jar), door, THIEF)).status).toBe(204);
      expect(await typesOf(id)).toEqual(['session_revoked', 'mismatch']);
    },
  );

  it('the account page says why', async () => {
    const { service, jar } = await startBrowser('reauthenticate');
    const page = await (await ask(service, new Map(jar), DOORS[0], THIEF)).text();
    expect(page).toContain('another device or place than before');
  });
});

describe('POST /browser/token', () => {
  const exchange = (service: TestService, jar: Jar, body?: Record<string, unknown>) =>
    service.request('/browser/token', {
      method: 'POST',
      headers: { ...asBackend(jar), ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    });
  const visitor = ({ userAgent, address }: RawCaller) => ({
    user_agent: userAgent,
    ip_address: address,
  });

  it('weighs the visitor whom the server describes', async () => {
    const { service, jar, id } = await startBrowser('reauthenticate');
    expect((await exchange(service, jar, visitor(OWNER))).status).toBe(200);
    expect(await typesOf(id)).toEqual([]);
    const refused = await exchange(service, jar, visitor(THIEF));
    expect(refused.status).toBe(401);
    expect(await refused.json()).toMatchObject({ reason: 'reauthenticate' });
    const silent = await exchange(service, jar, { user_agent: null, ip_address: null });
    expect(silent.status).toBe(401);
    expect(new Set(await typesOf(id))).toEqual(new Set(['reauthentication_demanded']));
  });

  it.each(['reauthenticate', 'revoke'])(
    'under `%s` the server has to describe them',
    async (policy) => {
      const { service, jar, id } = await startBrowser(policy);
      for (const body of [
        undefined,
        {},
        { user_agent: UA.chrome() },
        { ip_address: '192.0.2.1' },
      ]) {
        service.database.roundTrips = 0;
        const response = await exchange(service, jar, body);
        expect(response.status).toBe(400);
        expect(((await response.json()) as { detail: string }).detail).toContain(policy);
        expect(service.database.roundTrips).toBe(0);
      }
      expect(await readRow(id)).toMatchObject({ revoked_at: null });
    },
  );

  it('under the others it need not, and its own address and user agent say nothing', async () => {
    const { service, jar, id } = await startBrowser('notify');
    expect((await exchange(service, jar)).status).toBe(200);
    expect(await typesOf(id)).toEqual([]);
  });
});

describe('a superseded credential', () => {
  it.each([...DOORS, ['POST', '/browser/sign-out', SAME_ORIGIN]] as const)(
    '%s %s: tells once of the reuse',
    async (...door) => {
      const { service, jar, id } = await startBrowser('notify');
      const old = new Map(jar);
      await ask(service, jar, ['POST', '/browser/refresh', SAME_ORIGIN], OWNER);
      service.advance(GRACE + 1);
      await ask(service, jar, ['POST', '/browser/refresh', SAME_ORIGIN], OWNER);
      service.advance(GRACE + 1);
      for (let time = 0; time < 3; time += 1) await ask(service, new Map(old), door, OWNER);
      const types = await typesOf(id);
      expect(types.filter((type) => type === 'reuse_detected')).toHaveLength(1);
      const isSignOut = door[1] === '/browser/sign-out';
      expect(await readRow(id)).toMatchObject({
        revoked_reason: isSignOut ? 'signed_out' : null,
      });
    },
  );

  const withToken: [
    string,
    (service: TestService, token: string, id: string) => Promise<unknown>,
  ][] = [
    [
      'introspection',
      (service, token) =>
        service.form('/oauth/introspect', { token }, { authorization: basic(BACKEND) }),
    ],
    [
      'step-up',
      (service, refresh_token, id) =>
        service.request(`/v1/sessions/${id}/authentication`, {
          method: 'POST',
          headers: { ...service.credentials, 'content-type': 'application/json' },
          body: JSON.stringify({ refresh_token }),
        }),
    ],
  ];

  it.each(withToken)('at %s: told once, and the session lives on', async (_, show) => {
    const service = await startService();
    const { session, refresh_token } = await service.create({
      user_id: USER,
      client_id: BACKEND.id,
    });
    const refresh = async (token: string) => {
      const fields = { grant_type: 'refresh_token', refresh_token: token };
      const response = await service.form('/oauth/token', fields, service.credentials);
      return ((await response.json()) as { refresh_token: string }).refresh_token;
    };
    const current = await refresh(refresh_token);
    service.advance(GRACE + 1);
    const last = await refresh(current);
    service.advance(GRACE + 1);
    for (let time = 0; time < 2; time += 1) await show(service, refresh_token, session.id);
    expect(await typesOf(session.id)).toEqual(['reuse_detected']);
    expect(await readRow(session.id)).toMatchObject({ revoked_at: null });
    expect(await refresh(last)).toMatch(/^v2\./);
  });

  it('at revocation: the session ends, as asked, and the reuse is told', async () => {
    const service = await startService();
    const { session, refresh_token } = await service.create({ user_id: USER });
    const { body } = await service.refresh(refresh_token);
    service.advance(GRACE + 1);
    await service.refresh(body.refresh_token);
    service.advance(GRACE + 1);
    await service.form('/oauth/revoke', { token: refresh_token, client_id: 'app' });
    expect(await readRow(session.id)).toMatchObject({ revoked_reason: 'signed_out' });
    expect(await typesOf(session.id)).toEqual(['session_revoked', 'reuse_detected']);
  });
});

describe('what a request does not tell', () => {
  it.each([
    ['a request without `cf` and address', { userAgent: UA.chrome() }],
    ['a request without a user agent', AT.home],
    ['a request that tells nothing', {}],
  ])('%s erases nothing: the next caller is compared with what was known', async (_, silent) => {
    const service = await startService({ RISK_POLICY: 'notify' });
    const { session, refresh_token } = await service.create({ user_id: USER });
    const refresh = async (token: string, from: RawCaller) => {
      service.advance(GRACE + 1);
      const { body, status } = await service.refresh(token, 'app', from as never);
      expect(status).toBe(200);
      return body.refresh_token;
    };
    let token = await refresh(refresh_token, OWNER);
    token = await refresh(token, silent);
    const { last_signals } = (await readRow(session.id)) ?? {};
    const known = await signalsOf(OWNER);
    expect(parseSignals(last_signals as string)).toEqual(known);
    await env.DB.exec('DELETE FROM session_events');
    await refresh(token, THIEF);
    const [event] = await eventsOf(session.id);
    const { risk } = JSON.parse(event?.details ?? '{}') as { risk: { reasons: string[] } };
    expect(risk.reasons).toEqual(
      expect.arrayContaining(['network_changed', 'country_changed', 'browser_changed']),
    );
  });

  it('the statement keeps what the pure function keeps', async () => {
    const service = await startService({ RISK_POLICY: 'log' });
    const callers: RawCaller[] = [
      OWNER,
      { userAgent: UA.chrome() },
      { ...OWNER, ...AT.homeHttp3 },
      { ...OWNER, ...AT.homeOfUnknownCountry },
      { ...OWNER, ...AT.homeWithoutCf },
      THIEF,
      { userAgent: UA.curl },
      AT.worker,
      { ...OWNER, ...AT.tor },
      OWNER,
      { userAgent: UA.chrome(150), ...AT.homeAfterDhcp },
    ];
    const { session, refresh_token } = await service.create({ user_id: USER });
    let token = refresh_token;
    let expected: Signals | null = null;
    for (const caller of callers) {
      service.advance(GRACE + 1);
      token = (await service.refresh(token, 'app', caller as never)).body.refresh_token;
      expected = keepKnown(expected, await signalsOf(caller));
      const { last_signals } = (await readRow(session.id)) ?? {};
      expect(parseSignals(last_signals as string)).toEqual(expected);
    }
  });

  it('a browser that redeems a hand-off tells what its backend did not; what differs is told', async () => {
    const service = await startWithBrowsers();
    for (const [user_agent, types] of [
      [UA.chrome(), []],
      [UA.firefox(), ['mismatch']],
    ] as const) {
      const { session, browser } = await handOff(service, { user_agent });
      const path = browser.start_url.slice(ISSUER.length);
      expect((await ask(service, new Map(), ['GET', path, NAVIGATION], OWNER)).status).toBe(303);
      const last = parseSignals((await readRow(session.id))?.last_signals as string);
      const told = await signalsOf({ userAgent: user_agent });
      expect(last).toMatchObject({ browser: told.browser, network: '192.0.2.0/24', country: 'FR' });
      expect(await typesOf(session.id)).toEqual(types);
    }
  });
});
