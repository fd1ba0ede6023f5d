import { createRemoteJWKSet, jwtVerify } from 'jose';
import { alg, audience, issuer, jwksUri, verifyEach } from './each-token.mjs';

const jwks = createRemoteJWKSet(new URL(jwksUri));
await verifyEach(async (token) => {
  const options = { issuer, audience, typ: 'at+jwt', algorithms: [alg] };
  return (await jwtVerify(token, jwks, options)).payload;
});
