/** Token revocation, RFC 7009. */
import * as oauth from 'oauth4webapi';
import * as client from 'openid-client';
import { describe, expect, it } from 'vitest';
import { createSession } from '../demo.ts';
import { app, discover, insecure } from '../oauth4webapi.ts';
import { discoverAsApp } from '../openid-client.ts';

describe('RFC 7009', () => {
  it('§2.1: openid-client revokes a refresh token, which then refreshes no more', async () => {
    const config = await discoverAsApp();
    const { refresh_token: refreshToken } = await createSession();
    await client.tokenRevocation(config, refreshToken);
    await expect(client.refreshTokenGrant(config, refreshToken)).rejects.toMatchObject({
      error: 'invalid_grant',
    });
  });

  it('§2.1: a wrong token_type_hint does not keep a token alive', async () => {
    const config = await discoverAsApp();
    const { refresh_token: refreshToken } = await createSession();
    await client.tokenRevocation(config, refreshToken, { token_type_hint: 'access_token' });
    await expect(client.refreshTokenGrant(config, refreshToken)).rejects.toMatchObject({
      error: 'invalid_grant',
    });
  });

  it.each(['refresh_token', 'access_token'] as const)(
    '§2.2: oauth4webapi accepts the answer to a %s',
    async (kind) => {
      const server = await discover();
      const { [kind]: token } = await createSession();
      await oauth.processRevocationResponse(
        await oauth.revocationRequest(server, app, oauth.None(), token, insecure),
      );
    },
  );

  it('§2.2: an unknown token is no error', async () => {
    const server = await discover();
    await oauth.processRevocationResponse(
      await oauth.revocationRequest(server, app, oauth.None(), 'made-up', insecure),
    );
  });
});
