/** Authorization server metadata, RFC 8414. */
import * as client from 'openid-client';
import { describe, expect, it } from 'vitest';
import { createSession, ORIGIN } from '../demo.ts';
import { discover } from '../oauth4webapi.ts';
import { discoverAsApp, discoverByDefault } from '../openid-client.ts';

describe('RFC 8414', () => {
  it('§3.3: the issuer is the one that was asked for', async () => {
    expect((await discover()).issuer).toBe(ORIGIN);
  });

  it('§3: openid-client finds every endpoint by discovery', async () => {
    const metadata = (await discoverAsApp()).serverMetadata();
    expect(metadata).toMatchObject({
      token_endpoint: `${ORIGIN}/oauth/token`,
      revocation_endpoint: `${ORIGIN}/oauth/revoke`,
      introspection_endpoint: `${ORIGIN}/oauth/introspect`,
      jwks_uri: `${ORIGIN}/.well-known/jwks.json`,
    });
  });

  it('§5: openid-client finds the token endpoint by its default, OpenID Connect Discovery', async () => {
    const config = await discoverByDefault(ORIGIN);
    expect(config.serverMetadata().token_endpoint).toBe(`${ORIGIN}/oauth/token`);
    const { refresh_token: token } = await createSession();
    expect(await client.refreshTokenGrant(config, token)).toHaveProperty('access_token');
  });

  it('§2: says how clients authenticate at the token endpoint', async () => {
    expect((await discover()).token_endpoint_auth_methods_supported).toEqual(
      expect.arrayContaining(['none', 'client_secret_basic', 'client_secret_post']),
    );
  });
});
