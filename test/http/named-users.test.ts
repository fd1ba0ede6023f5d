/**
 * People by what an identity provider calls them (issuer and subject, OpenID Connect Core §2): the
 * same pair is the same person, whether a backend or an ID token says it, by every call.
 */
import { env } from 'cloudflare:test';
import { decodeJwt } from 'jose';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { toUserId } from '../../src/sessions/people';
import {
  APP,
  BACKEND,
  basic,
  OTHER_BACKEND,
  START,
  sha256Hex,
  startService,
  type TestService,
  type Tokens,
} from '../fixtures';
import { create, emptyHomes, homeOf, startThreeHomes } from '../homes/three-homes';
import { bind, refusalOf, valueIn } from '../rpc/door';
import { CLIENT_AT_PROVIDER, openProvider, PROVIDER, type Provider } from './provider';

/** As such subjects are: of any form. */
const ADA = { issuer: PROVIDER, subject: 'auth0|64b7f9e2 ü' };
const BY_SUBJECT = 'by-subject';
const named = ({ issuer, subject }: typeof ADA) => `?${new URLSearchParams({ issuer, subject })}`;

let service: TestService;
let provider: Provider;
beforeEach(async () => {
  await env.DB.exec(
    'DELETE FROM user_sessions; DELETE FROM users; DELETE FROM session_events; DELETE FROM used_assertions; DELETE FROM outdated_tokens',
  );
  for (const level of ['log', 'warn', 'error'] as const)
    vi.spyOn(console, level).mockImplementation(() => {});
  const clock = { now: START };
  provider = await openProvider(PROVIDER, clock);
  const clients = [
    {
      client_id: BACKEND.id,
      secret_sha256: await sha256Hex(BACKEND.secret),
      allow: ['create_sessions', 'manage_users', 'manage_all', 'erase_users', 'operate'],
      for_clients: [APP],
    },
    {
      client_id: OTHER_BACKEND.id,
      secret_sha256: await sha256Hex(OTHER_BACKEND.secret),
      allow: ['create_sessions', 'manage_users'],
    },
    { client_id: APP, allow: ['refresh', 'sign_in'] },
  ];
  const trusted = [{ issuer: PROVIDER, audience: CLIENT_AT_PROVIDER, nonce: 'optional' }];
  const variables = {
    CLIENTS: JSON.stringify(clients),
    TRUSTED_ISSUERS: JSON.stringify(trusted),
  };
  service = await startService(variables, clock, provider.send);
  return () => vi.restoreAllMocks();
});

const start = (input: object = {}) =>
  service.create({ user: ADA, ...input }) as Promise<Tokens & { session: { user_id: string } }>;

async function ask(method: string, path: string, body?: object) {
  const response = await service.request(`/v1/users${path}`, {
    method,
    headers: {
      authorization: basic(BACKEND),
      ...(body && { 'content-type': 'application/json' }),
    },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text === '' ? null : JSON.parse(text) };
}

async function signIn() {
  const assertion = await provider.idToken({ sub: ADA.subject });
  const response = await service.form('/oauth/token', {
    grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
    assertion,
    client_id: APP,
  });
  return decodeJwt(((await response.json()) as Tokens).access_token).sub;
}

describe('a backend starts a session for a person by issuer and subject', () => {
  it('of one user, whose id is a UUID', async () => {
    const first = await start();
    expect(first.session.user_id).toMatch(/^[0-9a-f-]{36}$/);
    expect((await start()).session.user_id).toBe(first.session.user_id);
    const other = await start({ user: { ...ADA, subject: 'auth0|65' } });
    expect(other.session.user_id).not.toBe(first.session.user_id);
  });

  it('who is the person of an ID token of them, whoever comes first', async () => {
    const { session } = await start();
    expect(await signIn()).toBe(session.user_id);
    const grace = { issuer: PROVIDER, subject: 'grace' };
    const assertion = await provider.idToken({ sub: grace.subject });
    const form = { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion };
    const response = await service.form('/oauth/token', { ...form, client_id: APP });
    const { sub } = decodeJwt(((await response.json()) as Tokens).access_token);
    expect((await start({ user: grace })).session.user_id).toBe(sub);
  });

  it('who has an id that this service did not make from them', async () => {
    const id = crypto.randomUUID();
    await env.DB.prepare('INSERT INTO users (id, issuer, subject) VALUES (?, ?, ?)')
      .bind(id, ADA.issuer, ADA.subject)
      .run();
    expect((await start()).session.user_id).toBe(id);
    expect((await ask('GET', `/${BY_SUBJECT}/sessions${named(ADA)}`)).body.sessions).toHaveLength(
      1,
    );
  });

  it('as often at once as it likes', async () => {
    const sessions = await Promise.all(Array.from({ length: 8 }, () => start()));
    expect(new Set(sessions.map(({ session }) => session.user_id)).size).toBe(1);
  });

  it('in the user’s home, wherever the request comes from', async () => {
    await emptyHomes();
    const homes = await startThreeHomes();
    const user = { issuer: PROVIDER, subject: 'ada' };
    const first = await create(homes, { user }, { continent: 'EU', country: 'FR' });
    const second = await create(homes, { user }, { continent: 'AS', country: 'JP' });
    expect(homeOf(first.access_token)).toBe('DB_WEUR');
    expect(homeOf(second.access_token)).toBe('DB_WEUR');
  });

  it('in the home of the id that follows from it, where a backend named them by that before', async () => {
    await emptyHomes();
    const homes = await startThreeHomes({ MAX_SESSIONS_PER_USER: '1' });
    const user = { issuer: PROVIDER, subject: 'ada' };
    const [paris, tokyo] = [
      { continent: 'EU', country: 'FR' },
      { continent: 'AS', country: 'JP' },
    ];
    const { session } = await create(homes, { user }, paris);
    // Erased, they are nobody's name; a backend still has the id.
    const erased = await homes.service.backend('DELETE', `/v1/users/${session.user_id}`);
    expect(erased.status).toBe(204);
    homes.service.advance(1);
    await create(homes, { user_id: session.user_id }, paris);
    const again = await create(homes, { user }, tokyo);
    expect(homeOf(again.access_token)).toBe('DB_WEUR');
    expect(again.session.user_id).toBe(session.user_id);
    // The limit is of the user, wherever the requests come from.
    const listed = await homes.service.backend(
      'GET',
      `/v1/users/${BY_SUBJECT}/sessions${named(user)}`,
    );
    expect(await listed.json()).toMatchObject({ sessions: [{ id: again.session.id }] });
  });

  it('who has the name, before somebody with the id that follows from it', async () => {
    await emptyHomes();
    const homes = await startThreeHomes();
    const user = { issuer: PROVIDER, subject: 'ada' };
    const other = await toUserId(user);
    await create(homes, { user_id: other }, { continent: 'EU', country: 'FR' });
    const id = crypto.randomUUID();
    await env.DB_APAC.prepare('INSERT INTO users (id, issuer, subject) VALUES (?, ?, ?)')
      .bind(id, user.issuer, user.subject)
      .run();
    const { session, access_token } = await create(homes, { user });
    expect([session.user_id, homeOf(access_token)]).toEqual([id, 'DB_APAC']);
  });

  it.each<[string, object, string]>([
    ['an id beside it', { user_id: crypto.randomUUID() }, 'user_id and user name the person twice'],
    ['no subject', { user: { issuer: PROVIDER } }, 'user.subject'],
    ['an empty subject', { user: { ...ADA, subject: '' } }, 'user.subject must be 1 to 255'],
    ['a long subject', { user: { ...ADA, subject: 'x'.repeat(256) } }, 'user.subject must be'],
    ['an issuer that is no URL', { user: { ...ADA, issuer: 'me' } }, 'user.issuer must be a URL'],
    ['a member more', { user: { ...ADA, email: 'a@b.c' } }, 'user.email is not a known field'],
  ])('%s is refused', async (_, input, detail) => {
    const response = await service.request('/v1/sessions', {
      method: 'POST',
      body: JSON.stringify({ client_id: APP, user: ADA, ...input }),
      headers: { 'content-type': 'application/json', authorization: basic(BACKEND) },
    });
    expect(response.status).toBe(400);
    expect(((await response.json()) as { detail: string }).detail).toContain(detail);
  });
});

describe('GET /v1/users', () => {
  it('tells the id', async () => {
    const { session } = await start();
    const { status, body } = await ask('GET', named(ADA));
    expect(status).toBe(200);
    expect(body).toEqual({
      user: { id: session.user_id, ...ADA, created_at: '2026-01-01T00:00:00Z' },
    });
  });

  it('knows nobody of whom there is no session that the backend may see', async () => {
    expect((await ask('GET', named(ADA))).status).toBe(404);
    await start();
    const response = await service.request(`/v1/users${named(ADA)}`, {
      headers: { authorization: basic(OTHER_BACKEND) },
    });
    expect(response.status).toBe(404);
  });

  it.each(['', '?issuer=https://id.example', `${named(ADA)}&limit=1`])(
    '%o is 400',
    async (query) => {
      expect((await ask('GET', query)).status).toBe(400);
    },
  );

  it('needs manage_users', async () => {
    const name = { issuer: PROVIDER, subject: 'ada' };
    expect(refusalOf(await bind(service, APP).findUser(name)).code).toBe('client_not_allowed');
  });
});

describe('every call about a user takes issuer and subject in place of the id', () => {
  it.each<[string, string, string, object | undefined]>([
    ['lists the sessions', 'GET', 'sessions', undefined],
    ['lists the events', 'GET', 'events', undefined],
    ['exports', 'GET', 'export', undefined],
    ['moves', 'POST', 'move', { home: 'DB' }],
    ['changes the sessions', 'PATCH', 'sessions', { metadata: { plan: 'free' } }],
    ['ends the sessions', 'DELETE', 'sessions', undefined],
  ])('%s', async (_, method, what, body) => {
    const { session } = await start();
    const byName = await ask(method, `/${BY_SUBJECT}/${what}${named(ADA)}`, body);
    expect(byName.status).toBe(200);
    const said = { DELETE: '"revoked":1', PATCH: '"updated":1' }[method] ?? session.user_id;
    expect(JSON.stringify(byName.body)).toContain(said);
  });

  it('erases', async () => {
    await start();
    expect((await ask('DELETE', `/${BY_SUBJECT}${named(ADA)}`)).status).toBe(204);
    expect((await ask('GET', named(ADA))).status).toBe(404);
  });

  it('ends what began before a time', async () => {
    const { refresh_token } = await start();
    service.advance(10);
    const response = await service.request('/v1/not-before', {
      method: 'POST',
      body: JSON.stringify({ user: ADA }),
      headers: { 'content-type': 'application/json', authorization: basic(BACKEND) },
    });
    expect(response.status).toBe(200);
    expect((await service.refresh(refresh_token)).status).toBe(400);
  });

  it('by RPC', async () => {
    const backend = bind(service, BACKEND.id);
    const created = valueIn(await backend.create({ user: ADA, client_id: APP }));
    expect(valueIn(await backend.findUser(ADA)).user.id).toBe(created.session.user_id);
    expect(valueIn(await backend.list({ user: ADA })).sessions).toHaveLength(1);
    expect(valueIn(await backend.revokeAll({ user: ADA })).revoked).toBe(1);
  });

  it('of somebody unknown there is nothing', async () => {
    const { body } = await ask('GET', `/${BY_SUBJECT}/sessions${named(ADA)}`);
    expect(body.sessions).toEqual([]);
    expect((await ask('DELETE', `/${BY_SUBJECT}/sessions${named(ADA)}`)).body.revoked).toBe(0);
  });

  it.each([
    ['a subject without its issuer', `/${BY_SUBJECT}/sessions?subject=x`],
    ['an id beside them', `/${crypto.randomUUID()}/sessions${named(ADA)}`],
  ])('%s is 400', async (_, path) => {
    expect((await ask('GET', path)).status).toBe(400);
  });

  it('both, or neither, are refused', async () => {
    const backend = bind(service, BACKEND.id);
    const list = backend.list as (input: object) => ReturnType<typeof backend.list>;
    for (const input of [{}, { user_id: crypto.randomUUID(), user: ADA }])
      expect(refusalOf(await list(input)).detail).toContain('by user_id, or by user');
  });
});
