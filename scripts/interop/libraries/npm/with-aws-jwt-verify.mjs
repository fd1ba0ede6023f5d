import { JwtVerifier } from 'aws-jwt-verify';
import { audience, issuer, jwksUri, verifyEach } from './each-token.mjs';

const verifier = JwtVerifier.create({ issuer, audience, jwksUri });
// By itself it reads them, but only over https.
verifier.cacheJwks(await (await fetch(jwksUri)).json());
await verifyEach((token) => verifier.verify(token, { customJwtCheck: checkType }));

function checkType({ header }) {
  if (header.typ !== 'at+jwt') throw new Error('no access token');
}
