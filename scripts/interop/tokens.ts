/** A real access token of the service, and ones that a verifier has to refuse. */
import { randomUUID } from 'node:crypto';
import { base64url, type CryptoKey, decodeJwt, exportSPKI, type JWTPayload, SignJWT } from 'jose';
import type { TriedService, TriedToken } from './part.ts';

export interface Signer {
  kid: string;
  alg: string;
  privateKey: CryptoKey;
  publicKey: CryptoKey;
}

export async function makeTokens({
  issuer,
  client,
  signer,
}: Pick<TriedService, 'issuer' | 'client'> & { signer: Signer }): Promise<TriedToken[]> {
  const real = await createSession(issuer, client);
  const claims = decodeJwt(real);
  const { sub = '' } = claims;
  const header = { alg: signer.alg, typ: 'at+jwt', kid: signer.kid };
  const sign = (changed: JWTPayload, changedHeader: object = {}) =>
    new SignJWT({ ...claims, ...changed })
      .setProtectedHeader({ ...header, ...changedHeader })
      .sign(signer.privateKey);
  const now = Math.floor(Date.now() / 1000);
  const [head, , signature] = real.split('.');
  const encode = (value: object) => base64url.encode(JSON.stringify(value));
  // The public key is known to all: as the secret of an HMAC it must be nobody's proof.
  const publicKey = new TextEncoder().encode(await exportSPKI(signer.publicKey));
  const symmetric = await new SignJWT(claims)
    .setProtectedHeader({ ...header, alg: 'HS256' })
    .sign(publicKey);
  const bad = {
    'of another user': `${head}.${encode({ ...claims, sub: randomUUID() })}.${signature}`,
    'without a signature': `${encode({ ...header, alg: 'none' })}.${encode(claims)}.`,
    'signed with the public key': symmetric,
    expired: await sign({ iat: now - 1_200, exp: now - 600 }),
    'for another audience': await sign({ aud: 'urn:example:other' }),
    'of another issuer': await sign({ iss: 'https://other.example' }),
  };
  return [
    { name: 'good', token: real, isGood: true, sub },
    ...Object.entries(bad).map(([name, token]) => ({ name, token, isGood: false, sub })),
    { name: 'of another type', token: await sign({}, { typ: 'JWT' }), isGood: null, sub },
  ];
}

async function createSession(issuer: string, { id, secret }: TriedService['client']) {
  const response = await fetch(`${issuer}/v1/sessions`, {
    method: 'POST',
    headers: {
      authorization: `Basic ${btoa(`${id}:${secret}`)}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify({ user_id: randomUUID(), client_id: 'demo-app' }),
  });
  if (response.status !== 201)
    throw new Error(`a session could not be started: ${response.status} ${await response.text()}`);
  return ((await response.json()) as { access_token: string }).access_token;
}
