/**
 * The example of a resource server beside the service, in one workerd, by a real service binding.
 */
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { USER } from '../../people';
import { AUDIENCE, build, type Deployment, deploy, PLATFORM } from './deployment.ts';

const { ownWorker, resourceServer } = inject('installed');
const ISSUER = 'https://auth.example.com';

let deployment: Deployment;
beforeAll(async () => {
  const api = {
    ...PLATFORM,
    name: 'my-api',
    script: await build(resourceServer),
    bindings: { ISSUER, AUDIENCE, APP_ORIGINS: 'https://www.example.com https://app.example.com' },
    serviceBindings: { SESSIONS: 'my-sessions' },
    unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
  };
  deployment = await deploy(ownWorker, { issuer: ISSUER, others: [api] });
});
afterAll(() => deployment?.miniflare.dispose());

async function ask(
  worker: string,
  path: string,
  init: { method?: string; headers?: Record<string, string>; body?: string } = {},
) {
  const { fetch } = await deployment.miniflare.getWorker(worker);
  const base = worker === 'my-api' ? AUDIENCE : ISSUER;
  const response = await fetch(base + path, init);
  const text = await response.text();
  return { status: response.status, text, challenge: response.headers.get('www-authenticate') };
}

async function create(body: Record<string, unknown> = {}): Promise<string> {
  const { text } = await ask('my-sessions', '/v1/sessions', {
    method: 'POST',
    headers: { authorization: deployment.authorization, 'content-type': 'application/json' },
    body: JSON.stringify({ user_id: USER, client_id: 'app', ...body }),
  });
  return (JSON.parse(text) as { access_token: string }).access_token;
}

const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });

describe('the example of a resource server', () => {
  it('knows the user of a good token, and challenges everyone else', async () => {
    const { status, text } = await ask('my-api', '/me', bearer(await create()));
    expect([status, JSON.parse(text).user]).toEqual([200, USER]);
    expect(await ask('my-api', '/me')).toMatchObject({ status: 401, challenge: 'Bearer' });
    const refused = await ask('my-api', '/me', bearer('a.b.c'));
    expect(refused).toMatchObject({
      status: 401,
      challenge: expect.stringContaining('error="invalid_token"'),
    });
  });

  it('answers the preflight of the app’s page, and lets it read the challenge', async () => {
    // By a socket of its own: the way above lets no other origin pass.
    const url = new URL('/me', await deployment.miniflare.unsafeGetDirectURL('my-api'));
    const preflight = (origin: string) =>
      fetch(url, {
        method: 'OPTIONS',
        headers: {
          origin,
          'access-control-request-method': 'GET',
          'access-control-request-headers': 'authorization, traceparent',
        },
      });
    const allowed = await preflight('https://app.example.com');
    expect({ status: allowed.status, ...Object.fromEntries(allowed.headers) }).toMatchObject({
      status: 204,
      'access-control-allow-origin': 'https://app.example.com',
      'access-control-allow-headers': expect.stringMatching(/authorization, ?traceparent/i),
    });
    const refused = await preflight('https://evil.example');
    expect(refused.headers.get('access-control-allow-origin')).toBe(null);
    const challenged = await fetch(url, {
      headers: { origin: 'https://app.example.com' },
    });
    expect({ status: challenged.status, ...Object.fromEntries(challenged.headers) }).toMatchObject({
      status: 401,
      'access-control-allow-origin': 'https://app.example.com',
      'access-control-expose-headers': expect.stringContaining('WWW-Authenticate'),
    });
  });

  it('asks for a recent authentication where money moves', async () => {
    const token = await create({ auth_time: Math.floor(Date.now() / 1000) - 3_600 });
    expect((await ask('my-api', '/me', bearer(token))).status).toBe(200);
    const refused = await ask('my-api', '/transfers', { method: 'POST', ...bearer(token) });
    expect(refused).toMatchObject({
      status: 401,
      challenge: expect.stringContaining('max_age="300"'),
    });
    expect(
      (await ask('my-api', '/transfers', { method: 'POST', ...bearer(await create()) })).status,
    ).toBe(202);
  });

  it('refuses the token of a session that was signed out, within its bound', async () => {
    const token = await create();
    expect((await ask('my-api', '/me', bearer(token))).status).toBe(200);
    await ask('my-sessions', `/v1/users/${USER}/sessions`, {
      method: 'DELETE',
      headers: { authorization: deployment.authorization },
    });
    // The API polls each second, and the service keeps its list for 10 s.
    await vi.waitFor(
      async () => expect((await ask('my-api', '/me', bearer(token))).status).toBe(401),
      { timeout: 120_000, interval: 500 },
    );
  });
});
