/** Scopes at a resource server: RFC 6750 §3.1, and several APIs beside each other. */
import { Hono } from 'hono';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { Requirements } from '../../src/client/verify';
import { requireAccessToken } from '../../src/client/verify/middleware';
import { APP, BACKEND, startService } from '../fixtures';
import { verifierOf } from './verifier';

beforeEach(() => {
  vi.spyOn(console, 'log').mockImplementation(() => {});
  return () => vi.restoreAllMocks();
});

async function start(scopes?: string[], AUDIENCE = 'urn:example:api') {
  const { CLIENTS } = (await startService()).env;
  const entries = JSON.parse(CLIENTS ?? '[]') as { client_id: string }[];
  const clients = entries.map((entry) => ({
    ...entry,
    ...(entry.client_id === APP && { scopes }),
    ...(entry.client_id === BACKEND.id && AUDIENCE.startsWith('[') && { serves: ['urn:a'] }),
  }));
  return startService({ AUDIENCE, CLIENTS: JSON.stringify(clients) });
}

async function ask(
  service: Awaited<ReturnType<typeof start>>,
  accessToken: string,
  requirements: Requirements,
) {
  const api = new Hono();
  api.get('/', requireAccessToken(verifierOf(service), requirements), (c) => c.text('in'));
  const response = await api.request('/', { headers: { authorization: `Bearer ${accessToken}` } });
  return { status: response.status, challenge: response.headers.get('www-authenticate') };
}

describe('a route that asks for scopes', () => {
  it('lets a token pass that has them all', async () => {
    const service = await start(['read', 'write', 'admin']);
    const { access_token } = await service.create({ scope: 'write read' });
    expect((await ask(service, access_token, { scope: ['read', 'write'] })).status).toBe(200);
    expect((await ask(service, access_token, { scope: [] })).status).toBe(200);
    expect((await ask(service, access_token, {})).status).toBe(200);
  });

  it.each([
    ['one that it lacks', ['read', 'admin']],
    ['a part of one', ['rea']],
    ['two in one text', ['read write']],
  ])('refuses %s with 403, insufficient_scope and what is needed', async (_, scope) => {
    const service = await start(['read', 'write', 'admin']);
    const { access_token } = await service.create({ scope: 'read write' });
    expect(await ask(service, access_token, { scope })).toEqual({
      status: 403,
      challenge: `Bearer error="insufficient_scope", error_description="The access token does not allow this", scope="${scope.join(' ')}"`,
    });
  });

  it('refuses a token of a session without scopes', async () => {
    const service = await start();
    const { access_token } = await service.create();
    expect((await ask(service, access_token, { scope: ['read'] })).status).toBe(403);
  });

  it('asks for no new sign-in where that would not help', async () => {
    const service = await start(['read']);
    const { access_token } = await service.create();
    const requirements = { scope: ['admin'], maxAge: 0, acr: ['urn:acr:high'] };
    expect((await ask(service, access_token, requirements)).status).toBe(403);
  });

  it('without a good token, is 401 as ever', async () => {
    const service = await start(['read']);
    expect(await ask(service, 'x', { scope: ['read'] })).toMatchObject({
      status: 401,
      challenge: expect.stringContaining('invalid_token'),
    });
  });
});

it('of several APIs, each takes the tokens that are for it (RFC 9068 §4)', async () => {
  const service = await start(undefined, '["urn:a","urn:b","urn:c"]');
  const { access_token } = await service.create({ resource: ['urn:a', 'urn:b'] });
  const isGoodAt = async (audience: string) =>
    (await verifierOf(service, { audience }).verify(access_token)).ok;
  expect([await isGoodAt('urn:a'), await isGoodAt('urn:b'), await isGoodAt('urn:c')]).toEqual([
    true,
    true,
    false,
  ]);
});
