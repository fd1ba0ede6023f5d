/**
 * ACCOUNT_AUDIENCE: whose access tokens see and end a person's sessions (RFC 8707). Unless it is
 * set, every access token does.
 */
import { decodeJwt } from 'jose';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import {
  APP,
  AUDIENCE,
  BACKEND,
  basic,
  readRow,
  startService,
  type TestService,
  type Tokens,
} from '../fixtures';
import {
  asBackend,
  MEMORY_ORIGIN,
  MEMORY_WEB,
  SAME_ORIGIN,
  send,
  signIn,
  startWithBrowsers,
} from './browser/browser';
import { CLIENT_AT_PROVIDER, openProvider, PROVIDER } from './provider';
import { toInit, USER_ROUTES } from './routes';

const ACCOUNT_AUDIENCE = 'https://sessions.example/account-api';
const GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

beforeEach(() => {
  for (const level of ['log', 'warn'] as const)
    vi.spyOn(console, level).mockImplementation(() => {});
  return () => vi.restoreAllMocks();
});

const isLive = async ({ session }: Pick<Tokens, 'session'>) =>
  (await readRow(session.id))?.revoked_at === null;

async function refreshFor(service: TestService, refreshToken: string, resource: string) {
  const fields = { grant_type: 'refresh_token', refresh_token: refreshToken, client_id: APP };
  const response = await service.form('/oauth/token', { ...fields, resource });
  return { status: response.status, body: await response.json<Tokens & { error?: string }>() };
}

describe('with one audience for all', () => {
  it('an access token sees and ends the sessions of its person', async () => {
    const service = await startService();
    const { access_token } = await service.create();
    expect(decodeJwt(access_token).aud).toBe(AUDIENCE);
    expect((await service.bearer('GET', '/v1/sessions', access_token)).status).toBe(200);
    expect((await service.bearer('DELETE', '/v1/sessions/current', access_token)).status).toBe(204);
  });

  it('a client may name it, and nothing else (RFC 8707 §2): no database call, and nothing moves on', async () => {
    const service = await startService();
    const tokens = await service.create();
    service.advance(30);
    const before = await readRow(tokens.session.id);
    service.database.roundTrips = 0;
    for (const resource of [ACCOUNT_AUDIENCE, `${AUDIENCE}/`, 'x']) {
      const { status, body } = await refreshFor(service, tokens.refresh_token, resource);
      expect({ status, error: body.error }).toEqual({ status: 400, error: 'invalid_target' });
    }
    expect(service.database.roundTrips).toBe(0);
    expect(await readRow(tokens.session.id)).toEqual(before);
    const { body } = await refreshFor(service, tokens.refresh_token, AUDIENCE);
    expect(decodeJwt(body.access_token).aud).toBe(AUDIENCE);
  });
});

describe('with an audience of the account API’s own', () => {
  const start = (variables = {}) => startService({ ACCOUNT_AUDIENCE, ...variables });

  it('a token for an API neither reads nor ends sessions, and costs no database call', async () => {
    const service = await start();
    const tokens = await service.create();
    expect(decodeJwt(tokens.access_token).aud).toBe(AUDIENCE);
    service.database.roundTrips = 0;
    for (const route of USER_ROUTES) {
      const authorization = `Bearer ${tokens.access_token}`;
      const response = await service.request(route.path, toInit(route, { authorization }));
      expect(response.status, route.pattern).toBe(401);
      expect(response.headers.get('www-authenticate')).toBe(
        'Bearer error="invalid_token", error_description="The access token is for another audience; ask for one by resource"',
      );
    }
    expect(service.database.roundTrips).toBe(0);
    expect(await isLive(tokens)).toBe(true);
  });

  it('a client asks for one by `resource` at a refresh, whose token goes on as ever', async () => {
    const service = await start();
    const tokens = await service.create();
    service.advance(30);
    const { status, body } = await refreshFor(service, tokens.refresh_token, ACCOUNT_AUDIENCE);
    expect(status).toBe(200);
    expect(decodeJwt(body.access_token)).toMatchObject({
      aud: ACCOUNT_AUDIENCE,
      sid: tokens.session.id,
    });
    const again = await service.refresh(tokens.refresh_token);
    expect(again.body.refresh_token).toBe(body.refresh_token);
    expect(decodeJwt(again.body.access_token).aud).toBe(AUDIENCE);
    const ask = (method: string, path: string) => service.bearer(method, path, body.access_token);
    expect((await ask('GET', '/v1/sessions')).status).toBe(200);
    expect((await ask('GET', '/v1/events')).status).toBe(200);
    expect((await ask('DELETE', '/v1/sessions/current')).status).toBe(204);
    expect(await isLive(tokens)).toBe(false);
  });

  it('and at a sign-in by an ID token', async () => {
    const clock = { now: Date.UTC(2026, 0, 1) };
    const provider = await openProvider(PROVIDER, clock);
    const service = await startService(
      {
        ACCOUNT_AUDIENCE,
        CLIENTS: JSON.stringify([{ client_id: APP, allow: ['refresh', 'sign_in'] }]),
        TRUSTED_ISSUERS: JSON.stringify([{ issuer: PROVIDER, audience: CLIENT_AT_PROVIDER }]),
      },
      clock,
      provider.send,
    );
    const signInFor = async (resource: string) => {
      const assertion = await provider.idToken({ jti: crypto.randomUUID() });
      const fields = { grant_type: GRANT, assertion, client_id: APP, resource };
      return (await service.form('/oauth/token', fields)).json<Tokens & { error?: string }>();
    };
    const { access_token } = await signInFor(ACCOUNT_AUDIENCE);
    expect((await service.bearer('GET', '/v1/sessions', access_token)).status).toBe(200);
    expect((await signInFor('https://elsewhere.example')).error).toBe('invalid_target');
  });

  it('tokens of both audiences introspect as what they are', async () => {
    const service = await start();
    const tokens = await service.create();
    const { body } = await refreshFor(service, tokens.refresh_token, ACCOUNT_AUDIENCE);
    for (const [token, aud] of [
      [tokens.access_token, AUDIENCE],
      [body.access_token, ACCOUNT_AUDIENCE],
    ] as const) {
      const answer = await service.form('/oauth/introspect', { token }, service.credentials);
      expect(await answer.json()).toMatchObject({ active: true, aud });
    }
  });

  it('an API cannot sign a person of a public client out (RFC 7009 §2.2.1); the account’s token, and the refresh token, do', async () => {
    const service = await start();
    const revoke = (token: string) => service.form('/oauth/revoke', { token, client_id: APP });
    const tokens = await service.create();
    const refused = await revoke(tokens.access_token);
    expect([refused.status, await refused.json<{ error: string }>()]).toEqual([
      400,
      expect.objectContaining({ error: 'unsupported_token_type' }),
    ]);
    expect(await isLive(tokens)).toBe(true);
    const { body } = await refreshFor(service, tokens.refresh_token, ACCOUNT_AUDIENCE);
    expect((await revoke(body.access_token)).status).toBe(200);
    expect(await isLive(tokens)).toBe(false);
    const other = await service.create();
    expect((await revoke(other.refresh_token)).status).toBe(200);
    expect(await isLive(other)).toBe(false);
  });

  it('a client that proves who it is ends its own session by any of its tokens', async () => {
    const service = await start();
    const tokens = await service.create({ client_id: BACKEND.id });
    const headers = { authorization: basic(BACKEND) };
    await service.form('/oauth/revoke', { token: tokens.access_token }, headers);
    expect(await isLive(tokens)).toBe(false);
  });

  it('a token for an API that is put into a cookie ends nothing', async () => {
    const service = await startWithBrowsers({ ACCOUNT_AUDIENCE });
    const { jar, session } = await signIn(service);
    const cookie = `__Host-access=${jar.get('__Host-access')}`;
    await service.request('/browser/sign-out', {
      method: 'POST',
      headers: { ...SAME_ORIGIN, cookie },
    });
    expect(await isLive({ session })).toBe(true);
    expect((await send(service, jar, 'POST', '/browser/sign-out')).status).toBe(204);
    expect(await isLive({ session })).toBe(false);
  });

  it('an app’s server asks for one with the cookie that it was sent', async () => {
    const service = await startWithBrowsers({ ACCOUNT_AUDIENCE });
    const { jar } = await signIn(service);
    const exchange = (resource: string) =>
      service.request('/browser/token', {
        method: 'POST',
        headers: { ...asBackend(jar), 'content-type': 'application/json' },
        body: JSON.stringify({ resource }),
      });
    const { access_token } = await (await exchange(ACCOUNT_AUDIENCE)).json<Tokens>();
    expect((await service.bearer('GET', '/v1/sessions', access_token)).status).toBe(200);
    expect((await exchange('https://elsewhere.example')).status).toBe(400);
  });

  it('a page that holds its access token asks for one at a refresh; one whose token is in a cookie cannot', async () => {
    const service = await startWithBrowsers({ ACCOUNT_AUDIENCE });
    const body = JSON.stringify({ resource: ACCOUNT_AUDIENCE });
    const ofPage = { ...SAME_ORIGIN, 'sec-fetch-site': 'same-site', origin: MEMORY_ORIGIN };
    const memory = { client_id: MEMORY_WEB, browser: { return_url: MEMORY_ORIGIN } };
    const { jar } = await signIn(service, memory);
    const answer = await send(service, jar, 'POST', '/browser/refresh', ofPage, body);
    const { access_token } = await answer.json<Tokens>();
    expect((await service.bearer('GET', '/v1/sessions', access_token)).status).toBe(200);

    const { jar: other } = await signIn(service);
    const before = new Map(other);
    const refused = await send(service, other, 'POST', '/browser/refresh', SAME_ORIGIN, body);
    expect(refused.status).toBe(400);
    expect(other).toEqual(before);
  });
});
