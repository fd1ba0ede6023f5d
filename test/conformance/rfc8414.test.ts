/** RFC 8414: authorization server metadata, over HTTP. */
import { describe, expect, it } from 'vitest';
import { ISSUER, startService } from '../fixtures';

describe('§3 where the metadata is', () => {
  it.each([
    [ISSUER, '/.well-known/oauth-authorization-server'],
    [`${ISSUER}/auth`, '/.well-known/oauth-authorization-server/auth'],
    [`${ISSUER}/auth/`, '/auth/.well-known/oauth-authorization-server'],
    // §5: the name that clients of OpenID Connect look for, in both places.
    [ISSUER, '/.well-known/openid-configuration'],
    [`${ISSUER}/auth`, '/.well-known/openid-configuration/auth'],
    [`${ISSUER}/auth`, '/auth/.well-known/openid-configuration'],
  ])('for issuer %s at %s', async (issuer, path) => {
    const service = await startService({ ISSUER: issuer });
    const response = await service.request(path);
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ issuer: issuer.replace(/\/$/, '') });
  });
});

describe('§2 what it says', () => {
  it.each([ISSUER, `${ISSUER}/auth`])('every endpoint of issuer %s is there', async (issuer) => {
    const service = await startService({ ISSUER: issuer });
    const path = issuer === ISSUER ? '' : '/auth';
    const metadata = (await (
      await service.request(`/.well-known/oauth-authorization-server${path}`)
    ).json()) as Record<string, string>;
    expect((await service.request((metadata.jwks_uri as string).slice(ISSUER.length))).status).toBe(
      200,
    );
    for (const endpoint of ['token_endpoint', 'revocation_endpoint', 'introspection_endpoint']) {
      const response = await service.form((metadata[endpoint] as string).slice(ISSUER.length), {});
      expect(response.status).toBe(401);
    }
    expect((await service.request(`${path}/healthz`)).status).toBe(200);
  });
});

describe('§5 compatibility with OpenID Connect Discovery', () => {
  it('both names have one document, which claims nothing that only an OpenID provider has', async () => {
    const service = await startService();
    const [own, openid] = await Promise.all(
      ['oauth-authorization-server', 'openid-configuration'].map(async (name) =>
        (await service.request(`/.well-known/${name}`)).json<Record<string, unknown>>(),
      ),
    );
    expect(openid).toEqual(own);
    for (const name of [
      'authorization_endpoint',
      'userinfo_endpoint',
      'subject_types_supported',
      'id_token_signing_alg_values_supported',
    ])
      expect(openid).not.toHaveProperty(name);
    expect(openid?.response_types_supported).toEqual([]);
  });
});
