import jwt from '@tsndr/cloudflare-worker-jwt';
import { alg, audience, issuer, jwksUri, verifyEach } from './each-token.mjs';

const { keys } = await (await fetch(jwksUri)).json();
await verifyEach(async (token) => {
  const { kid } = jwt.decode(token).header;
  const key = keys.find((candidate) => candidate.kid === kid);
  const verified = await jwt.verify(token, key, { algorithm: alg, throwError: true });
  const { iss, aud } = verified.payload;
  if (verified.header.typ !== 'at+jwt' || iss !== issuer || aud !== audience)
    throw new Error('another type, issuer or audience');
  return verified.payload;
});
