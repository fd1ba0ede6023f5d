/**
 * Scopes, RFC 6749 §3.3, §5.1, §5.2 and §6, in tokens as RFC 9068 §2.2.3 has them: what a session
 * was granted when it began is the most that any of its tokens says.
 */
import { decodeJwt } from 'jose';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import {
  APP,
  BACKEND,
  clientsWith,
  postSession,
  readRow,
  startService,
  type TestService,
  type Tokens,
} from '../fixtures';
import {
  MEMORY_ORIGIN,
  MEMORY_WEB,
  SAME_ORIGIN,
  send,
  signIn as signInBrowser,
  startWithBrowsers,
} from '../http/browser/browser';
import { CLIENT_AT_PROVIDER, openProvider, PROVIDER } from '../http/provider';
import { USER } from '../people';

const SCOPES = ['orders:read', 'orders:write', 'mail'];
const ALL = SCOPES.join(' ');

beforeEach(() => {
  for (const level of ['log', 'warn', 'error'] as const)
    vi.spyOn(console, level).mockImplementation(() => {});
  return () => vi.restoreAllMocks();
});

const scopeOf = (accessToken: string) => decodeJwt(accessToken).scope;

async function start(app: object = { scopes: SCOPES }) {
  return startService({ CLIENTS: clientsWith(await startService(), APP, app) });
}

interface Answer extends Tokens {
  error?: string;
  code?: string;
  scope?: string;
}

async function refresh(service: TestService, token: string, scope?: string) {
  const response = await service.form('/oauth/token', {
    grant_type: 'refresh_token',
    refresh_token: token,
    client_id: APP,
    ...(scope !== undefined && { scope }),
  });
  return { status: response.status, body: await response.json<Answer>() };
}

const post = (service: TestService, body: object) =>
  postSession<Answer>(service, { user_id: USER, ...body });

describe('§3.3: what a session is granted', () => {
  it('all of its client’s, unless its backend asks for less; tokens and answers say so', async () => {
    const service = await start();
    const all = await post(service, {});
    expect(all.body.scope).toBe(ALL);
    expect(scopeOf(all.body.access_token)).toBe(ALL);
    const less = await post(service, { scope: 'mail orders:read' });
    expect(less.body.scope).toBe('mail orders:read');
    expect(scopeOf(less.body.access_token)).toBe('mail orders:read');
  });

  it.each([
    ['one that its client has not', 'mail admin'],
    ['one in other letters', 'Mail'],
    ['what is no scope', 'mail "x"'],
  ])('%s is `invalid_scope`, and starts nothing', async (_, scope) => {
    const service = await start();
    const { status, body } = await post(service, { scope });
    expect([status, body.code]).toEqual([400, 'invalid_scope']);
  });

  it('by an ID token: what the sign-in asks for', async () => {
    const clock = { now: Date.UTC(2026, 0, 1) };
    const provider = await openProvider(PROVIDER, clock);
    const entry = { client_id: APP, allow: ['refresh', 'sign_in'], scopes: SCOPES };
    const variables = {
      CLIENTS: JSON.stringify([entry]),
      TRUSTED_ISSUERS: JSON.stringify([{ issuer: PROVIDER, audience: CLIENT_AT_PROVIDER }]),
    };
    const service = await startService(variables, clock, provider.send);
    const signIn = async (scope: string) => {
      const answer = await service.form('/oauth/token', {
        grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
        assertion: await provider.idToken({ jti: crypto.randomUUID() }),
        client_id: APP,
        scope,
      });
      return { status: answer.status, body: await answer.json<Answer>() };
    };
    const { body } = await signIn('mail');
    expect([body.scope, scopeOf(body.access_token)]).toEqual(['mail', 'mail']);
    expect((await refresh(service, body.refresh_token, ALL)).body.error).toBe('invalid_scope');
    expect(await signIn('mail openid')).toMatchObject({
      status: 400,
      body: { error: 'invalid_scope' },
    });
  });
});

describe('§6: a refresh', () => {
  it('may ask for less, once, and the next has all again', async () => {
    const service = await start();
    const { refresh_token } = await service.create();
    const less = await refresh(service, refresh_token, 'orders:read  orders:read');
    expect(less.body.scope).toBe('orders:read');
    expect(scopeOf(less.body.access_token)).toBe('orders:read');
    service.advance(30);
    const all = await refresh(service, less.body.refresh_token);
    expect([all.body.scope, scopeOf(all.body.access_token)]).toEqual([ALL, ALL]);
  });

  it('for more than was granted is `invalid_scope`, and the token stays good', async () => {
    const service = await start();
    const { session, refresh_token } = await service.create({ scope: 'orders:read mail' });
    service.advance(30);
    const before = await readRow(session.id);
    for (const scope of ['orders:write', 'mail orders:write', 'openid', 'mail "x"'])
      expect(await refresh(service, refresh_token, scope)).toMatchObject({
        status: 400,
        body: { error: 'invalid_scope' },
      });
    expect(await readRow(session.id)).toEqual(before);
    expect((await refresh(service, refresh_token, 'mail')).status).toBe(200);
    // Within the grace period, when nothing moves on, neither.
    expect((await refresh(service, refresh_token, 'orders:write')).body.error).toBe(
      'invalid_scope',
    );
  });

  it('of a stolen token ends the session, whatever it asks for', async () => {
    const service = await start();
    const { session, refresh_token } = await service.create({ scope: 'mail' });
    await refresh(service, refresh_token);
    service.advance(30);
    await service.refresh((await refresh(service, refresh_token)).body.refresh_token ?? '');
    const { body } = await refresh(service, refresh_token, 'orders:write');
    expect(body).toMatchObject({ error: 'invalid_grant', reason: 'reuse_detected' });
    expect((await readRow(session.id))?.revoked_reason).toBe('reuse_detected');
  });

  it('has what its client may have by now, and nothing that it was given since', async () => {
    const before = await start({ scopes: ['mail', 'orders:read'] });
    const { refresh_token } = await before.create();
    const service = await start({ scopes: ['mail', 'orders:write'] });
    const { body } = await refresh(service, refresh_token);
    expect([body.scope, scopeOf(body.access_token)]).toEqual(['mail', 'mail']);
    const none = await start({ scopes: ['orders:write'] });
    const left = await refresh(none, refresh_token);
    expect([left.body.scope, scopeOf(left.body.access_token)]).toEqual(['', undefined]);
  });
});

describe('a session without scopes', () => {
  it.each([
    ['its client has none', undefined],
    ['it began before its client had any', { scopes: SCOPES }],
  ])(
    'ignores what libraries ask for, because %s, and says that nothing was granted',
    async (_, later) => {
      const { refresh_token, scope } = await (await start({})).create();
      expect(scope).toBeUndefined();
      const service = await start(later ?? {});
      const { status, body } = await refresh(service, refresh_token, 'openid offline_access');
      expect([status, body.scope]).toEqual([200, '']);
      expect(scopeOf(body.access_token)).toBeUndefined();
      expect((await refresh(service, refresh_token)).body.scope).toBeUndefined();
    },
  );

  it('begins where its client has none, whatever a backend asks for', async () => {
    const { status, body } = await post(await start({}), { scope: 'openid' });
    expect([status, scopeOf(body.access_token)]).toEqual([201, undefined]);
  });

  it('custom claims make none', async () => {
    const { status } = await post(await start(), { claims: { scope: 'admin' } });
    expect(status).toBe(400);
  });
});

it('a page that holds its token asks for less, and never gets more (browser-based apps)', async () => {
  const { CLIENTS } = (await startWithBrowsers()).env;
  const entries = JSON.parse(CLIENTS ?? '[]') as { client_id: string }[];
  const clients = entries.map((entry) =>
    entry.client_id === MEMORY_WEB ? { ...entry, scopes: SCOPES } : entry,
  );
  const service = await startWithBrowsers({ CLIENTS: JSON.stringify(clients) });
  const { jar } = await signInBrowser(service, {
    client_id: MEMORY_WEB,
    browser: { return_url: MEMORY_ORIGIN },
    scope: 'mail orders:read',
  });
  const own = { ...SAME_ORIGIN, origin: MEMORY_ORIGIN, 'sec-fetch-site': 'same-site' };
  const ask = async (scope: string) => {
    const body = JSON.stringify({ scope });
    const response = await send(service, jar, 'POST', '/browser/refresh', own, body);
    return response.json<Answer & { claims?: { scope?: string } }>();
  };
  const { access_token, claims } = await ask('mail');
  expect([scopeOf(access_token), claims?.scope]).toEqual(['mail', 'mail']);
  expect((await ask('orders:write')).code).toBe('invalid_scope');
});

it('introspection says the scope of both kinds of token (RFC 7662 §2.2)', async () => {
  const { CLIENTS } = (await startService()).env;
  const entries = JSON.parse(CLIENTS ?? '[]') as { client_id: string }[];
  const clients = entries.map((entry) =>
    entry.client_id === BACKEND.id ? { ...entry, scopes: SCOPES } : entry,
  );
  const service = await startService({ CLIENTS: JSON.stringify(clients) });
  const tokens = await service.create({ client_id: BACKEND.id, scope: 'mail orders:read' });
  for (const token of [tokens.access_token, tokens.refresh_token]) {
    const answer = await service.form('/oauth/introspect', { token }, service.credentials);
    expect(await answer.json()).toMatchObject({ active: true, scope: 'mail orders:read' });
  }
});
