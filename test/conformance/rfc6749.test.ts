/** RFC 6749: the token endpoint, over HTTP. */
import fc from 'fast-check';
import { decodeJwt } from 'jose';
import { describe, expect, it } from 'vitest';
import { APP, BACKEND, basic, sha256Hex, startService } from '../fixtures';

const GOOD = { grant_type: 'refresh_token', client_id: APP };

describe('§5.1 successful response', () => {
  it('has the token fields and is kept by no cache', async () => {
    const service = await startService();
    const { refresh_token } = await service.create();
    const { body, headers } = await service.refresh(refresh_token);
    expect(body).toMatchObject({
      token_type: 'Bearer',
      expires_in: 300,
      access_token: expect.any(String),
    });
    expect([headers.get('cache-control'), headers.get('pragma')]).toEqual(['no-store', 'no-cache']);
  });
});

describe('§3.3 scope', () => {
  it('of a session that has none is not refused at a refresh: the answer says that none was granted', async () => {
    const service = await startService();
    const { refresh_token } = await service.create();
    const fields = { ...GOOD, refresh_token, scope: 'openid profile offline_access' };
    const response = await service.form('/oauth/token', fields);
    const body = await response.json<{ access_token: string; scope: string }>();
    expect({ status: response.status, scope: body.scope }).toEqual({ status: 200, scope: '' });
    expect(decodeJwt(body.access_token)).not.toHaveProperty('scope');
    expect((await service.refresh(refresh_token)).body).not.toHaveProperty('scope');
  });
});

describe('§5.2 error response', () => {
  const post = (
    fields: Record<string, string> | string[][],
    headers: Record<string, string> = {},
  ) => ({
    method: 'POST',
    body: new URLSearchParams(fields),
    headers,
  });
  const wrongBasic = { authorization: basic({ id: BACKEND.id, secret: 'wrong' }) };
  it.each([
    ['no grant_type', post({ client_id: APP }), 400, 'invalid_request'],
    ['no refresh_token', post(GOOD), 400, 'invalid_request'],
    ['a made-up refresh_token', post({ ...GOOD, refresh_token: 'made-up' }), 400, 'invalid_grant'],
    [
      'grant_type password',
      post({ ...GOOD, grant_type: 'password' }),
      400,
      'unsupported_grant_type',
    ],
    [
      'grant_type authorization_code',
      post({ ...GOOD, grant_type: 'authorization_code' }),
      400,
      'unsupported_grant_type',
    ],
    ['no client', post({ grant_type: 'refresh_token', refresh_token: 'x' }), 401, 'invalid_client'],
    ['an unknown client', post({ ...GOOD, client_id: 'nobody' }), 401, 'invalid_client'],
    [
      'a confidential client without its secret',
      post({ ...GOOD, client_id: BACKEND.id }),
      401,
      'invalid_client',
    ],
    ['a public client with a secret', post({ ...GOOD, client_secret: 'x' }), 401, 'invalid_client'],
    [
      'wrong Basic credentials',
      post({ grant_type: 'refresh_token' }, wrongBasic),
      401,
      'invalid_client',
    ],
    [
      'a token in place of credentials',
      post(GOOD, { authorization: 'Bearer a.b.c' }),
      401,
      'invalid_client',
    ],
    [
      'two ways of authentication',
      post({ ...GOOD, client_secret: 'x' }, wrongBasic),
      400,
      'invalid_request',
    ],
    [
      'a parameter twice',
      post([
        ['grant_type', 'refresh_token'],
        ['client_id', APP],
        ['client_id', APP],
      ]),
      400,
      'invalid_request',
    ],
    [
      'JSON',
      { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } },
      400,
      'invalid_request',
    ],
    [
      'a body of 20 KB',
      post({ ...GOOD, refresh_token: 'x'.repeat(20_000) }),
      413,
      'invalid_request',
    ],
  ])('%s', async (_, init, status, error) => {
    const service = await startService();
    const response = await service.request('/oauth/token', init);
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ error });
    expect(response.headers.get('cache-control')).toBe('no-store');
    // The challenge is for whoever sent the header: a browser would ask the person for a password.
    const isChallenged = error === 'invalid_client' && 'authorization' in init.headers;
    expect(response.headers.get('www-authenticate')).toEqual(
      isChallenged ? expect.stringMatching(/^Basic realm=/) : null,
    );
    expect(service.database.roundTrips).toBe(0);
  });

  it('a client without the capability is unauthorized_client', async () => {
    const CLIENTS = JSON.stringify([
      {
        client_id: BACKEND.id,
        secret_sha256: await sha256Hex(BACKEND.secret),
        allow: ['introspect'],
      },
    ]);
    const service = await startService({ CLIENTS });
    const response = await service.form(
      '/oauth/token',
      { grant_type: 'refresh_token', refresh_token: 'x' },
      { authorization: basic(BACKEND) },
    );
    expect([response.status, ((await response.json()) as { error: string }).error]).toEqual([
      400,
      'unauthorized_client',
    ]);
  });

  it('a token in the URL is refused, and other methods than POST are 405', async () => {
    const service = await startService();
    const inUrl = await service.form('/oauth/token?refresh_token=x', GOOD);
    expect([inUrl.status, ((await inUrl.json()) as { error: string }).error]).toEqual([
      400,
      'invalid_request',
    ]);
    const get = await service.request('/oauth/token');
    expect([get.status, get.headers.get('allow')]).toEqual([405, 'POST']);
  });

  it('descriptions repeat no input and keep to the allowed characters', async () => {
    const service = await startService();
    const field = fc.string({ unit: 'grapheme', minLength: 6, maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(
          fc.constantFrom('grant_type', 'client_id', 'client_secret', 'refresh_token', 'x'),
          field,
        ),
        async (fields) => {
          const response = await service.form('/oauth/token', fields);
          const { error_description } = (await response.json()) as { error_description: string };
          expect(response.status).toBeGreaterThanOrEqual(400);
          expect(error_description).toMatch(/^[\x20\x21\x23-\x5b\x5d-\x7e]+$/);
          for (const value of Object.values(fields)) expect(error_description).not.toContain(value);
        },
      ),
    );
  });
});
