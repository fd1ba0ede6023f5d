/** Authorization server metadata, RFC 8414. */
import { describe, expect, it } from 'vitest';
import { ORIGIN } from '../demo.ts';
import { discover } from '../oauth4webapi.ts';
import { discoverAsApp } from '../openid-client.ts';

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

  it('§2: says how clients authenticate at the token endpoint', async () => {
    expect((await discover()).token_endpoint_auth_methods_supported).toEqual(
      expect.arrayContaining(['none', 'client_secret_basic', 'client_secret_post']),
    );
  });
});
