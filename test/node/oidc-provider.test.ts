/**
 * A session from a real OpenID provider: the code flow with PKCE at `oidc-provider`, its ID token
 * exchanged at the service.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose';
import Provider from 'oidc-provider';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findFreePort } from '../../scripts/free-port.ts';
import { AUDIENCE, type Service, startService } from './service.ts';

const CLIENT_AT_PROVIDER = 'app-at-the-provider';
const REDIRECT_URI = 'http://127.0.0.1/callback';
const GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

let issuer: string;
let provider: Server;
let service: Service;

beforeAll(async () => {
  const port = await findFreePort();
  issuer = `http://127.0.0.1:${port}`;
  const app = new Provider(issuer, {
    clients: [
      {
        client_id: CLIENT_AT_PROVIDER,
        redirect_uris: [REDIRECT_URI],
        token_endpoint_auth_method: 'none',
        application_type: 'native',
      },
    ],
    cookies: { keys: [randomBytes(16).toString('hex')] },
  });
  provider = app.listen(port, '127.0.0.1');
  service = await startService([
    '--var',
    `CLIENTS:${JSON.stringify([{ client_id: 'app', allow: ['refresh', 'sign_in'] }])}`,
    '--var',
    `TRUSTED_ISSUERS:${JSON.stringify([{ issuer, audience: CLIENT_AT_PROVIDER }])}`,
  ]);
  expect((provider.address() as AddressInfo).port).toBe(port);
});

afterAll(async () => {
  await service?.stop();
  provider?.close();
  provider?.closeAllConnections();
});

/** A person's browser at the provider: cookies, redirects, and the two forms that it shows. */
async function signInAtProvider(login: string, nonce: string): Promise<string> {
  const jar = new Map<string, string>();
  const verifier = randomBytes(32).toString('base64url');
  const ask = async (
    url: string,
    form?: Record<string, string>,
  ): Promise<{ url: string; html: string }> => {
    const response = await fetch(url, {
      method: form ? 'POST' : 'GET',
      redirect: 'manual',
      headers: { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; ') },
      ...(form && { body: new URLSearchParams(form) }),
    });
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value === '') jar.delete(name);
      else jar.set(name, value);
    }
    const location = response.headers.get('location');
    const html = await response.text();
    if (location === null) return { url, html };
    const next = new URL(location, url).href;
    return next.startsWith(REDIRECT_URI) ? { url: next, html: '' } : ask(next);
  };
  const parameters = new URLSearchParams({
    client_id: CLIENT_AT_PROVIDER,
    response_type: 'code',
    scope: 'openid',
    redirect_uri: REDIRECT_URI,
    nonce,
    max_age: '300',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  });
  let page = await ask(`${issuer}/auth?${parameters}`);
  for (const prompt of ['login', 'consent']) {
    const action = /action="([^"]+)"/.exec(page.html)?.[1];
    if (action === undefined) throw new Error(`no form at ${page.url}: ${page.html.slice(0, 500)}`);
    page = await ask(new URL(action, page.url).href, {
      prompt,
      ...(prompt === 'login' && { login, password: 'x' }),
    });
  }
  const code = new URL(page.url).searchParams.get('code') ?? '';
  const response = await fetch(`${issuer}/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      client_id: CLIENT_AT_PROVIDER,
      redirect_uri: REDIRECT_URI,
      code,
      code_verifier: verifier,
    }),
  });
  return ((await response.json()) as { id_token: string }).id_token;
}

async function exchange(fields: Record<string, string>) {
  const response = await fetch(`${service.origin}/oauth/token`, {
    method: 'POST',
    body: new URLSearchParams({ client_id: 'app', ...fields }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, string> };
}

describe('with a real OpenID provider', () => {
  it('its ID token starts a session, once, for one user; the session refreshes', async () => {
    const nonce = randomBytes(16).toString('hex');
    const assertion = await signInAtProvider('ada', nonce);
    const { status, body } = await exchange({ grant_type: GRANT, assertion, nonce });
    expect({ status, error: body.error }).toEqual({ status: 200, error: undefined });

    const jwks = createRemoteJWKSet(new URL(`${service.origin}/.well-known/jwks.json`));
    const { payload } = await jwtVerify(body.access_token as string, jwks, {
      issuer: service.origin,
      audience: AUDIENCE,
      typ: 'at+jwt',
    });
    expect(payload.auth_time).toBe(decodeJwt(assertion).auth_time);

    expect(await exchange({ grant_type: GRANT, assertion, nonce })).toMatchObject({
      body: { error: 'invalid_grant' },
    });
    const refreshed = await exchange({
      grant_type: 'refresh_token',
      refresh_token: body.refresh_token as string,
    });
    expect(refreshed.status).toBe(200);

    const again = randomBytes(16).toString('hex');
    const second = await exchange({
      grant_type: GRANT,
      assertion: await signInAtProvider('ada', again),
      nonce: again,
    });
    expect(decodeJwt(second.body.access_token as string).sub).toBe(payload.sub);
    const other = await exchange({
      grant_type: GRANT,
      assertion: await signInAtProvider('bob', again),
      nonce: again,
    });
    expect(decodeJwt(other.body.access_token as string).sub).not.toBe(payload.sub);
  });

  it('a nonce of another sign-in is refused', async () => {
    const assertion = await signInAtProvider('ada', randomBytes(16).toString('hex'));
    for (const nonce of [undefined, randomBytes(16).toString('hex')])
      expect(
        (await exchange({ grant_type: GRANT, assertion, ...(nonce && { nonce }) })).body.error,
      ).toBe('invalid_grant');
  });
});
