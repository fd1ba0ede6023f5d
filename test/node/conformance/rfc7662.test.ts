/** Token introspection, RFC 7662. */
import * as oauth from 'oauth4webapi';
import * as client from 'openid-client';
import { describe, expect, it } from 'vitest';
import { createSession, ORIGIN } from '../demo.ts';
import { app, asBackend, backend, discover, insecure } from '../oauth4webapi.ts';
import { discoverAsApp, discoverAsBackend } from '../openid-client.ts';

describe('RFC 7662', () => {
  it('§2.2: openid-client sees an access token active', async () => {
    const userId = crypto.randomUUID();
    const { access_token: accessToken } = await createSession({
      user_id: userId,
      client_id: 'demo-app',
    });
    expect(await client.tokenIntrospection(await discoverAsBackend(), accessToken)).toMatchObject({
      active: true,
      iss: ORIGIN,
      sub: userId,
      client_id: 'demo-app',
    });
  });

  it('§2.2: a refresh token is active until it is revoked', async () => {
    const server = await discover();
    const { refresh_token: refreshToken } = await createSession({});
    const introspect = async () =>
      oauth.processIntrospectionResponse(
        server,
        backend,
        await oauth.introspectionRequest(server, backend, asBackend, refreshToken, insecure),
      );
    expect(await introspect()).toMatchObject({ active: true });
    await oauth.processRevocationResponse(
      await oauth.revocationRequest(server, backend, asBackend, refreshToken, insecure),
    );
    expect(await introspect()).toEqual({ active: false });
  });

  it('§2.2: an access token is inactive as soon as its session is revoked', async () => {
    const { access_token: accessToken, refresh_token: refreshToken } = await createSession();
    await client.tokenRevocation(await discoverAsApp(), refreshToken);
    expect(await client.tokenIntrospection(await discoverAsBackend(), accessToken)).toEqual({
      active: false,
    });
  });

  it('§2.2: of a made-up token nothing is said but that it is inactive', async () => {
    expect(await client.tokenIntrospection(await discoverAsBackend(), 'made-up')).toEqual({
      active: false,
    });
  });

  it('§2.1: a public client may not introspect', async () => {
    const response = await oauth.introspectionRequest(
      await discover(),
      app,
      oauth.None(),
      'made-up',
      insecure,
    );
    expect(response.status).toBeGreaterThanOrEqual(400);
    expect(response.status).toBeLessThan(500);
  });
});
