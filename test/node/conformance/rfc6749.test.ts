/** Refreshing an access token, RFC 6749 §6, and its errors, §5.2. */
import * as oauth from 'oauth4webapi';
import * as client from 'openid-client';
import { describe, expect, it } from 'vitest';
import { BACKEND, createSession } from '../demo.ts';
import { app, asBackend, backend, discover, insecure } from '../oauth4webapi.ts';
import { discoverAsApp, discoverAsBackend } from '../openid-client.ts';

describe('RFC 6749', () => {
  it('§6: openid-client refreshes, with the old token once more, and with the new one', async () => {
    const config = await discoverAsApp();
    const { refresh_token: first } = await createSession();
    const { refresh_token: second = '', ...tokens } = await client.refreshTokenGrant(config, first);
    expect(tokens.expires_in).toBeGreaterThan(0);
    expect(second).not.toBe(first);
    expect((await client.refreshTokenGrant(config, first)).refresh_token).toBe(second);
    expect((await client.refreshTokenGrant(config, second)).access_token).not.toBe(
      tokens.access_token,
    );
  });

  it('§6: openid-client refreshes with the scope of its sign-in, which the session does not have', async () => {
    const { refresh_token: token } = await createSession();
    const parameters = { scope: 'openid profile' };
    const tokens = await client.refreshTokenGrant(await discoverAsApp(), token, parameters);
    expect(tokens).toMatchObject({ access_token: expect.any(String), scope: '' });
  });

  it('§6: oauth4webapi accepts the response of a public client', async () => {
    const server = await discover();
    const { refresh_token: refreshToken } = await createSession();
    const response = await oauth.refreshTokenGrantRequest(
      server,
      app,
      oauth.None(),
      refreshToken,
      insecure,
    );
    const tokens = await oauth.processRefreshTokenResponse(server, app, response);
    expect(tokens).toMatchObject({ token_type: 'bearer', refresh_token: expect.any(String) });
  });

  it.each([
    ['client_secret_basic', asBackend],
    ['client_secret_post', oauth.ClientSecretPost(BACKEND.secret)],
  ])('§2.3.1: a confidential client refreshes with %s', async (_method, authentication) => {
    const server = await discover();
    const { refresh_token: refreshToken } = await createSession({});
    const response = await oauth.refreshTokenGrantRequest(
      server,
      backend,
      authentication,
      refreshToken,
      insecure,
    );
    expect(await oauth.processRefreshTokenResponse(server, backend, response)).toHaveProperty(
      'access_token',
    );
  });

  it('§5.2: a refresh token of another client is invalid_grant', async () => {
    const { refresh_token: refreshToken } = await createSession();
    await expect(
      client.refreshTokenGrant(await discoverAsBackend(), refreshToken),
    ).rejects.toMatchObject({
      error: 'invalid_grant',
      status: 400,
    });
  });

  it('§5.2: a made-up refresh token is invalid_grant', async () => {
    await expect(client.refreshTokenGrant(await discoverAsApp(), 'made-up')).rejects.toMatchObject({
      error: 'invalid_grant',
      status: 400,
    });
  });

  it('§5.2: a wrong client secret is invalid_client, with a challenge', async () => {
    const config = await discoverAsBackend(client.ClientSecretBasic('wrong'));
    await expect(client.refreshTokenGrant(config, 'made-up')).rejects.toMatchObject({
      name: 'WWWAuthenticateChallengeError',
      status: 401,
    });
  });
});
