/**
 * A backend changes what a session's access tokens say, at once: a verifier that reads the
 * revocation list refuses those from before, the client for apps refreshes once and goes on, and
 * nobody is signed out.
 */

import { Hono } from 'hono';
import { decodeJwt } from 'jose';
import { afterEach, describe, expect, it } from 'vitest';
import { createSessionClient, type TokenSessionClient } from '../../src/client/browser';
import { requireAccessToken } from '../../src/client/verify/middleware';
import { APP, BACKEND, basic, ISSUER } from '../fixtures';
import { beginEmpty, create, FROM, startThreeHomes, type ThreeHomes } from '../homes/three-homes';
import { USER } from '../people';
import { bind, valueIn } from '../rpc/door';
import { verifierOf } from './verifier';

const API = 'https://api.example/things';
const ADMIN = { claims: { roles: ['admin'] }, apply: 'now' };

beginEmpty();
const clients: { close(): void }[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});

async function start(variables: Record<string, string> = {}) {
  const homes = await startThreeHomes({ REVOCATION_LIST_MAX_AGE_SECONDS: '1', ...variables });
  const { service } = homes;
  const verifier = verifierOf(service, {
    revocations: { pollSeconds: 5, acceptStaleSeconds: 60 },
  });
  const isGood = async (token: string) => (await verifier.verify(token)).ok;
  const begin = (body: object = {}) => create(homes, { user_id: USER, ...body }, FROM.paris);
  return { homes, service, verifier, isGood, begin };
}

const patch = async ({ service }: ThreeHomes, path: string, body: object = ADMIN) => {
  const response = await service.request(path, {
    method: 'PATCH',
    headers: { authorization: basic(BACKEND), 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: await response.json<Record<string, unknown>>() };
};
const introspect = async ({ service }: ThreeHomes, token: string) =>
  (await service.form('/oauth/introspect', { token }, service.credentials)).json();

describe('"apply": "now"', () => {
  it('makes the access tokens of that session stale, those of the very second too, and no other', async () => {
    const { homes, service, isGood, begin } = await start();
    const [changed, other] = [await begin(), await begin()];
    const second = service.clock.now / 1000;
    await patch(homes, `/v1/sessions/${changed.session.id}`);
    expect(await isGood(changed.access_token)).toBe(false);
    expect(await isGood(other.access_token)).toBe(true);
    const { status, body } = await service.refresh(changed.refresh_token);
    expect([status, await isGood(body.access_token)]).toEqual([200, true]);
    expect(decodeJwt(body.access_token)).toMatchObject({ roles: ['admin'], iat: second + 1 });
    service.advance(30);
    const { body: later } = await service.refresh(body.refresh_token);
    expect(decodeJwt(later.access_token)).toMatchObject({ iat: second + 30 });
    expect(await isGood(later.access_token)).toBe(true);
  });

  it('twice in a second: what a refresh between them gave is stale, too', async () => {
    const { homes, service, isGood, begin } = await start();
    const { session, refresh_token } = await begin();
    await patch(homes, `/v1/sessions/${session.id}`);
    const between = await service.refresh(refresh_token);
    await patch(homes, `/v1/sessions/${session.id}`, { claims: { roles: [] }, apply: 'now' });
    expect(await introspect(homes, between.body.access_token)).toEqual({ active: false });
    const { body } = await service.refresh(between.body.refresh_token);
    expect([await isGood(body.access_token), await isGood(between.body.access_token)]).toEqual([
      true,
      false,
    ]);
  });

  it('without it, tokens from before stay good until they expire', async () => {
    const { homes, isGood, begin } = await start();
    const { session, access_token } = await begin();
    await patch(homes, `/v1/sessions/${session.id}`, { claims: ADMIN.claims });
    expect(await isGood(access_token)).toBe(true);
    expect(await introspect(homes, access_token)).toMatchObject({ active: true });
  });

  it('is known to introspection and to the gateways’ question at once', async () => {
    const { homes, service, begin } = await start();
    const { session, access_token, refresh_token } = await begin();
    await patch(homes, `/v1/sessions/${session.id}`);
    expect(await introspect(homes, access_token)).toEqual({ active: false });
    const refused = await service.bearer('GET', '/verify', access_token);
    expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([
      401,
      expect.stringContaining('error="invalid_token"'),
    ]);
    const { body } = await service.refresh(refresh_token);
    expect(await introspect(homes, body.access_token)).toMatchObject({
      active: true,
      roles: ['admin'],
    });
    expect((await service.bearer('GET', '/verify', body.access_token)).status).toBe(200);
  });

  it('of all of a user’s sessions, and of the one of a guest', async () => {
    const { homes, service, isGood, begin } = await start();
    const [first, second, stranger] = [
      await begin(),
      await begin(),
      await begin({ user_id: crypto.randomUUID() }),
    ];
    const guest = await service.create();
    expect((await patch(homes, `/v1/users/${USER}/sessions`)).body).toEqual({ updated: 2 });
    await patch(homes, `/v1/users/${guest.session.id}/sessions`);
    for (const { access_token, refresh_token } of [first, second, guest]) {
      expect(await isGood(access_token)).toBe(false);
      const { body } = await service.refresh(refresh_token);
      expect(await isGood(body.access_token)).toBe(true);
    }
    expect(await isGood(stranger.access_token)).toBe(true);
  });

  it('of a user who moved, whose tokens name the former home, and stays so after another move', async () => {
    const { homes, service, isGood, begin } = await start();
    const { session, access_token, refresh_token } = await begin();
    await homes.post(`/v1/users/${USER}/move`, { home: 'DB_APAC' });
    expect((await patch(homes, `/v1/users/${USER}/sessions`)).body).toEqual({ updated: 1 });
    expect((await patch(homes, `/v1/sessions/${session.id}`)).status).toBe(200);
    await homes.post(`/v1/users/${USER}/move`, { home: 'DB' });
    expect(await isGood(access_token)).toBe(false);
    const { body } = await service.refresh(refresh_token);
    expect(await isGood(body.access_token)).toBe(true);
    expect(await introspect(homes, access_token)).toEqual({ active: false });
  });

  it('an end that comes before a token’s own takes the token too', async () => {
    const { homes, isGood, begin } = await start();
    const [soon, later] = [await begin(), await begin()];
    await patch(homes, `/v1/sessions/${soon.session.id}`, { expires_in: 60 });
    await patch(homes, `/v1/sessions/${later.session.id}`, { expires_in: 300 });
    expect(await isGood(soon.access_token)).toBe(false);
    expect(await isGood(later.access_token)).toBe(true);
  });

  it('is no longer in the list once no token from before can be good', async () => {
    const { homes, service, begin } = await start();
    const { session } = await begin();
    await patch(homes, `/v1/sessions/${session.id}`);
    const read = async () =>
      (await (await service.request('/.well-known/revocations')).json<{ not_before: string }>())
        .not_before;
    expect(await read()).not.toBe('');
    service.advance(300 + 120);
    expect(await read()).not.toBe('');
    service.advance(2);
    expect(await read()).toBe('');
  });
});

it('the client for apps refreshes once, and goes on with what is said now', async () => {
  const { homes, service, verifier, begin } = await start();
  const given = await begin();
  const api = new Hono().get('/things', requireAccessToken(verifier), (c) =>
    c.json(c.get('accessToken')),
  );
  const answers: number[] = [];
  let refreshes = 0;
  const client = createSessionClient({
    baseUrl: ISSUER,
    mode: 'token',
    clientId: APP,
    now: () => service.clock.now,
    resources: ['https://api.example'],
    fetch: async (input: RequestInfo | URL, init?: RequestInit) => {
      const request = new Request(input as RequestInfo, init);
      if (request.url === API) {
        const answer = await api.fetch(request);
        answers.push(answer.status);
        return answer;
      }
      refreshes += 1;
      return service.app.fetch(request);
    },
  } as never) as TokenSessionClient;
  clients.push(client);
  await client.start(given);
  const ask = async () => (await client.fetch(API)).json();
  expect(await ask()).not.toHaveProperty('roles');
  await patch(homes, `/v1/users/${USER}/sessions`);
  // The verifier's bound: until then it may not know.
  service.advance(6);
  expect(await ask()).toMatchObject({ sub: USER, roles: ['admin'] });
  expect({ answers, refreshes }).toEqual({ answers: [200, 401, 200], refreshes: 1 });
  await Promise.all([ask(), ask()]);
  expect(refreshes).toBe(1);
  expect(await client.getSession()).toMatchObject({ roles: ['admin'], sub: USER });
  const { session } = await (
    await service.backend('GET', `/v1/sessions/${given.session.id}`)
  ).json<{ session: object }>();
  expect(session).toMatchObject({ revoked_at: null });
});

it('by RPC it is the same', async () => {
  const { service, isGood, begin } = await start();
  const { session, access_token } = await begin();
  const backend = bind(service, BACKEND.id);
  valueIn(await backend.updateSession({ session_id: session.id, apply: 'now' }));
  expect(await isGood(access_token)).toBe(false);
});
