/**
 * The JWT profile of access tokens, RFC 9068, as a resource server that has only jose and the JWKS
 * sees it.
 */
import { createRemoteJWKSet, decodeProtectedHeader, errors, jwtVerify } from 'jose';
import { describe, expect, it } from 'vitest';
import { APP, createSession, ORIGIN, refresh } from '../demo.ts';
import { AUDIENCE } from '../service.ts';

const keys = createRemoteJWKSet(new URL(`${ORIGIN}/.well-known/jwks.json`));
const expected = { issuer: ORIGIN, audience: AUDIENCE, typ: 'at+jwt' };

describe('RFC 9068', () => {
  it('§2.2: an access token has the required claims', async () => {
    const userId = crypto.randomUUID();
    const { access_token: accessToken, session } = await createSession({
      user_id: userId,
      client_id: APP,
    });
    const { payload } = await jwtVerify(accessToken, keys, expected);
    expect(payload).toMatchObject({
      sub: userId,
      client_id: APP,
      sid: session.id,
      jti: expect.any(String),
    });
    expect(payload.exp).toBeGreaterThan(payload.iat ?? Number.POSITIVE_INFINITY);
  });

  it('§2.1: the key id in the header is in the JWKS', async () => {
    const { access_token: accessToken } = await createSession();
    const { kid, alg } = decodeProtectedHeader(accessToken);
    expect(alg).not.toBe('none');
    expect(await fetchKeys()).toMatchObject({
      keys: expect.arrayContaining([expect.objectContaining({ kid })]),
    });
  });

  it('§4: a refreshed access token verifies too, and is another one', async () => {
    const first = await createSession();
    const { body } = await refresh(first.refresh_token);
    const [before, after] = await Promise.all(
      [first.access_token, body.access_token ?? ''].map((token) =>
        jwtVerify(token, keys, expected),
      ),
    );
    expect(after?.payload.sid).toBe(before?.payload.sid);
    expect(after?.payload.jti).not.toBe(before?.payload.jti);
  });

  it('§4: a resource server with another audience refuses it', async () => {
    const { access_token: accessToken } = await createSession();
    await expect(
      jwtVerify(accessToken, keys, { ...expected, audience: 'urn:example:other' }),
    ).rejects.toBeInstanceOf(errors.JWTClaimValidationFailed);
  });

  it('RFC 7517 §4: no private key is published', async () => {
    const { keys: published } = await fetchKeys();
    expect(published.length).toBeGreaterThan(0);
    for (const key of published) expect(key).not.toHaveProperty('d');
  });
});

async function fetchKeys(): Promise<{ keys: Record<string, unknown>[] }> {
  return (await (await fetch(`${ORIGIN}/.well-known/jwks.json`)).json()) as {
    keys: Record<string, unknown>[];
  };
}
