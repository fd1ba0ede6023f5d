/**
 * Hono's own middleware for tokens of others (`hono/jwk`) in front of an API, as
 * docs/compatibility.md says to write it. More programs: `npm run interop`.
 */
import { env } from 'cloudflare:test';
import { Hono } from 'hono';
import { jwk } from 'hono/jwk';
import type { HonoJsonWebKey } from 'hono/utils/jwt/jws';
import { beforeEach, expect, it } from 'vitest';
import { SIGNING_ALGS, type SigningAlg } from '../../src/config/signing-key-policy';
import { AUDIENCE, ISSUER, startService } from '../fixtures';
import { USER } from '../people';

beforeEach(() => env.DB.exec('DELETE FROM signing_keys'));

async function ask(alg: SigningAlg, verification: { typ?: string; aud?: string }) {
  // Its clock is the machine's.
  const service = await startService({ ACCESS_TOKEN_ALG: alg }, { now: Date.now() });
  const { access_token } = await service.create({ user_id: USER });
  const keys = async () => {
    const response = await service.request('/.well-known/jwks.json');
    return ((await response.json()) as { keys: HonoJsonWebKey[] }).keys;
  };
  const api = new Hono<{ Variables: { jwtPayload: { sub: string } } }>();
  api.use(jwk({ keys, alg: [alg], verification: { iss: ISSUER, aud: AUDIENCE, ...verification } }));
  api.get('/', (c) => c.text(c.get('jwtPayload').sub));
  const headers = { authorization: `Bearer ${access_token}` };
  const response = await api.request('/', { headers });
  return { status: response.status, text: await response.text() };
}

it.each(SIGNING_ALGS)('takes a token of %s that it is told the type of', async (alg) => {
  expect(await ask(alg, { typ: 'at+jwt' })).toEqual({ status: 200, text: USER });
});

it.each(SIGNING_ALGS)('refuses a token of %s without that, or for another API', async (alg) => {
  expect(await ask(alg, {})).toMatchObject({ status: 401 });
  expect(await ask(alg, { typ: 'at+jwt', aud: 'urn:other' })).toMatchObject({ status: 401 });
});
