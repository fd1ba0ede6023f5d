/**
 * Resource indicators, RFC 8707: a client asks for whom its access token is to be. Of several APIs
 * each can be given tokens that no other accepts.
 */
import { decodeJwt } from 'jose';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import {
  APP,
  BACKEND,
  basic,
  clientsWith,
  postSession,
  readRow,
  startService,
  type TestService,
  type Tokens,
} from '../fixtures';
import {
  APP_ORIGIN,
  asBackend,
  MEMORY_ORIGIN,
  MEMORY_WEB,
  SAME_ORIGIN,
  send,
  signIn as signInBrowser,
  startWithBrowsers,
} from '../http/browser/browser';
import { CLIENT_AT_PROVIDER, openProvider, PROVIDER } from '../http/provider';
import { USER } from '../people';

const ORDERS = 'https://orders.example';
const STOCK = 'https://stock.example/v1';
const MAIL = 'urn:example:mail';
const ACCOUNT = 'https://sessions.example/account-api';
const AUDIENCE = JSON.stringify([ORDERS, STOCK, MAIL]);

beforeEach(() => {
  for (const level of ['log', 'warn', 'error'] as const)
    vi.spyOn(console, level).mockImplementation(() => {});
  return () => vi.restoreAllMocks();
});

const audOf = (accessToken: string) => decodeJwt(accessToken).aud;

/** The service with these members in the app's entry. */
async function start(app: object = {}, variables: Parameters<typeof startService>[0] = {}) {
  const serving = await startService({
    CLIENTS: clientsWith(await startService(), BACKEND.id, { serves: [ORDERS] }),
  });
  const CLIENTS = clientsWith(serving, APP, app);
  const service = await startService({ AUDIENCE, CLIENTS, ...variables });
  await service.create();
  return service;
}

interface Answer extends Tokens {
  error?: string;
  code?: string;
}

async function refresh(service: TestService, token: string, resources: string[] = []) {
  const form = new URLSearchParams({
    grant_type: 'refresh_token',
    refresh_token: token,
    client_id: APP,
  });
  for (const resource of resources) form.append('resource', resource);
  const response = await service.request('/oauth/token', { method: 'POST', body: form });
  return { status: response.status, body: await response.json<Answer>() };
}

const post = (service: TestService, body: object) =>
  postSession<Answer>(service, { user_id: USER, ...body });

describe('§2: whom a token is for', () => {
  it('unless anyone says less: all of AUDIENCE', async () => {
    const service = await start();
    const { access_token, refresh_token } = await service.create();
    expect(audOf(access_token)).toEqual([ORDERS, STOCK, MAIL]);
    const { body } = await refresh(service, refresh_token);
    expect(audOf(body.access_token)).toEqual([ORDERS, STOCK, MAIL]);
  });

  it('its client’s `audiences`, and nothing beyond them', async () => {
    const service = await start({ audiences: [STOCK, ORDERS] });
    const { access_token, refresh_token } = await service.create();
    expect(audOf(access_token)).toEqual([STOCK, ORDERS]);
    expect(await refresh(service, refresh_token, [MAIL])).toMatchObject({
      status: 400,
      body: { error: 'invalid_target' },
    });
    expect(await post(service, { resource: MAIL })).toMatchObject({
      status: 400,
      body: { code: 'invalid_target' },
    });
    expect((await post(service, { resource: [STOCK, 'https://elsewhere.example'] })).status).toBe(
      400,
    );
  });

  it('the one that a refresh names, or several (`resource` may be repeated)', async () => {
    const service = await start();
    const { refresh_token } = await service.create();
    const one = await refresh(service, refresh_token, [STOCK]);
    expect(audOf(one.body.access_token)).toBe(STOCK);
    const two = await refresh(service, refresh_token, [MAIL, STOCK, MAIL]);
    expect(audOf(two.body.access_token)).toEqual([MAIL, STOCK]);
    const all = await refresh(service, refresh_token);
    expect(audOf(all.body.access_token)).toHaveLength(3);
  });

  it.each([
    ['another', 'https://elsewhere.example'],
    ['a longer one', `${ORDERS}/`],
    ['a part of one', 'https://orders'],
    ['one in capitals', 'HTTPS://orders.example'],
    ['two as one text', `${ORDERS} https://elsewhere.example`],
    ['a list as JSON', AUDIENCE],
  ])('%s is `invalid_target`, and costs no database call', async (_, resource) => {
    const service = await start();
    const { refresh_token } = await service.create();
    service.database.roundTrips = 0;
    expect((await refresh(service, refresh_token, [resource])).body.error).toBe('invalid_target');
    expect(service.database.roundTrips).toBe(0);
  });

  it('an empty one counts as none (RFC 6749 §3.2)', async () => {
    const service = await start();
    const { refresh_token } = await service.create();
    const { body } = await refresh(service, refresh_token, ['']);
    expect(audOf(body.access_token)).toHaveLength(3);
  });
});

describe('§2.2: a session that was granted less', () => {
  it('stays with it: a refresh narrows, and never widens, and the token moves on only where it may', async () => {
    const service = await start();
    const { session, access_token, refresh_token } = await service.create({
      resource: [ORDERS, STOCK],
    });
    expect(audOf(access_token)).toEqual([ORDERS, STOCK]);
    service.advance(30);
    const before = await readRow(session.id);
    for (const resources of [[MAIL], [ORDERS, MAIL]])
      expect(await refresh(service, refresh_token, resources)).toMatchObject({
        status: 400,
        body: { error: 'invalid_target' },
      });
    expect(await readRow(session.id)).toEqual(before);
    const narrow = await refresh(service, refresh_token, [STOCK]);
    expect(audOf(narrow.body.access_token)).toBe(STOCK);
    service.advance(30);
    const again = await refresh(service, narrow.body.refresh_token);
    expect(audOf(again.body.access_token)).toEqual([ORDERS, STOCK]);
  });

  it('neither does a repeat within the grace period, nor a superseded token', async () => {
    const service = await start();
    const { refresh_token } = await service.create({ resource: ORDERS });
    const { body } = await refresh(service, refresh_token);
    for (const token of [refresh_token, body.refresh_token]) {
      expect((await refresh(service, token, [STOCK])).body.error).toBe('invalid_target');
      expect((await refresh(service, token, [ORDERS])).status).toBe(200);
    }
  });

  it('loses what its client loses, and gains nothing that its client gains', async () => {
    const service = await start({ audiences: [ORDERS, STOCK] });
    const { refresh_token } = await service.create({ resource: [ORDERS, STOCK] });
    const less = await start({ audiences: [STOCK, MAIL] });
    expect(audOf((await refresh(less, refresh_token)).body.access_token)).toBe(STOCK);
    expect((await refresh(less, refresh_token, [ORDERS])).body.error).toBe('invalid_target');
    expect((await refresh(less, refresh_token, [MAIL])).body.error).toBe('invalid_target');
    const none = await start({ audiences: [MAIL] });
    const { status, body } = await refresh(none, refresh_token);
    // Nobody is signed out over a configuration, and nobody accepts the token.
    expect({ status, aud: audOf(body.access_token) }).toEqual({ status: 200, aud: [] });
  });

  it('by an ID token: what the sign-in names (RFC 7523)', async () => {
    const clock = { now: Date.UTC(2026, 0, 1) };
    const provider = await openProvider(PROVIDER, clock);
    const variables = {
      AUDIENCE,
      CLIENTS: JSON.stringify([{ client_id: APP, allow: ['refresh', 'sign_in'] }]),
      TRUSTED_ISSUERS: JSON.stringify([{ issuer: PROVIDER, audience: CLIENT_AT_PROVIDER }]),
    };
    const service = await startService(variables, clock, provider.send);
    const signIn = async (resource: string) => {
      const answer = await service.form('/oauth/token', {
        grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
        assertion: await provider.idToken({ jti: crypto.randomUUID() }),
        client_id: APP,
        resource,
      });
      return { status: answer.status, body: await answer.json<Answer>() };
    };
    const { body } = await signIn(STOCK);
    expect(audOf(body.access_token)).toBe(STOCK);
    expect((await refresh(service, body.refresh_token, [ORDERS])).body.error).toBe(
      'invalid_target',
    );
    expect((await signIn('https://elsewhere.example')).body.error).toBe('invalid_target');
  });
});

describe('§3: an API that is sent a token', () => {
  it('cannot see or end sessions with it, where the account API has an audience of its own', async () => {
    const service = await start({}, { ACCOUNT_AUDIENCE: ACCOUNT });
    const { access_token, refresh_token } = await service.create();
    expect(audOf(access_token)).toEqual([ORDERS, STOCK, MAIL]);
    expect((await service.bearer('GET', '/v1/sessions', access_token)).status).toBe(401);
    const { body } = await refresh(service, refresh_token, [ACCOUNT]);
    expect((await service.bearer('GET', '/v1/sessions', body.access_token)).status).toBe(200);
  });

  it('where it has none: with a token for the first of AUDIENCE alone', async () => {
    const service = await start();
    const { refresh_token } = await service.create();
    const list = async (resource: string) => {
      const { body } = await refresh(service, refresh_token, [resource]);
      return (await service.bearer('GET', '/v1/sessions', body.access_token)).status;
    };
    expect([await list(ORDERS), await list(STOCK)]).toEqual([200, 401]);
  });

  it('is told of it by introspection (RFC 7662 §2.2)', async () => {
    const service = await start();
    const { access_token } = await service.create({ resource: MAIL });
    const answer = await service.form(
      '/oauth/introspect',
      { token: access_token },
      service.credentials,
    );
    expect(await answer.json()).toMatchObject({ active: true, aud: MAIL });
  });

  it('a gateway lets pass what is for an API that it serves', async () => {
    const service = await start();
    const { refresh_token } = await service.create();
    const verify = async (resource: string, headers: Record<string, string>) => {
      const { body } = await refresh(service, refresh_token, [resource]);
      const authorization = `Bearer ${body.access_token}`;
      const request = { headers: { authorization, ...headers } };
      return (await service.request('/verify', request)).status;
    };
    const gateway = { 'x-gateway-authorization': basic(BACKEND) };
    expect([await verify(ORDERS, gateway), await verify(STOCK, gateway)]).toEqual([200, 401]);
    expect([await verify(ORDERS, {}), await verify(STOCK, {})]).toEqual([200, 401]);
  });
});

describe('sessions in browsers', () => {
  const clientsOf = async (of: string, more: object) => {
    const { CLIENTS } = (await startWithBrowsers()).env;
    const entries = JSON.parse(CLIENTS ?? '[]') as { client_id: string }[];
    return JSON.stringify(
      entries.map((entry) => ({
        ...entry,
        ...(entry.client_id === of && more),
        ...(entry.client_id === BACKEND.id && { serves: [ORDERS] }),
      })),
    );
  };

  it('a page that holds its token names an API; one with a cookie cannot', async () => {
    const CLIENTS = await clientsOf(MEMORY_WEB, {});
    const service = await startWithBrowsers({ AUDIENCE, CLIENTS });
    const { jar } = await signInBrowser(service, {
      client_id: MEMORY_WEB,
      browser: { return_url: MEMORY_ORIGIN },
      resource: [ORDERS, STOCK],
    });
    const own = { ...SAME_ORIGIN, origin: MEMORY_ORIGIN, 'sec-fetch-site': 'same-site' };
    const ask = async (resource: string | string[]) => {
      const body = JSON.stringify({ resource });
      return send(service, jar, 'POST', '/browser/refresh', own, body);
    };
    const { access_token } = await (await ask(STOCK)).json<Answer>();
    expect(audOf(access_token)).toBe(STOCK);
    const refused = await ask([MAIL]);
    expect([refused.status, (await refused.json<Answer>()).code]).toEqual([400, 'invalid_target']);
    const cookies = await signInBrowser(service);
    const body = JSON.stringify({ resource: STOCK });
    const headers = { ...SAME_ORIGIN, origin: APP_ORIGIN, 'sec-fetch-site': 'same-site' };
    expect(
      (await send(service, cookies.jar, 'POST', '/browser/refresh', headers, body)).status,
    ).toBe(400);
  });

  it('an app’s server names one for the cookie that it forwards', async () => {
    const service = await startWithBrowsers({ AUDIENCE, CLIENTS: await clientsOf('', {}) });
    const { jar } = await signInBrowser(service, { resource: [ORDERS, STOCK] });
    const exchange = (resource: string) =>
      service.request('/browser/token', {
        method: 'POST',
        headers: { ...asBackend(jar), 'content-type': 'application/json' },
        body: JSON.stringify({ resource }),
      });
    const { access_token } = await (await exchange(STOCK)).json<Answer>();
    expect(audOf(access_token)).toBe(STOCK);
    expect((await (await exchange(MAIL)).json<Answer>()).code).toBe('invalid_target');
  });
});
