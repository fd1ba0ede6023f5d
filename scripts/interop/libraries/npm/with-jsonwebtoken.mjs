import jwt from 'jsonwebtoken';
import jwksClient from 'jwks-rsa';
import { alg, audience, issuer, jwksUri, verifyEach } from './each-token.mjs';

const client = jwksClient({ jwksUri });
await verifyEach(async (token) => {
  const { kid } = jwt.decode(token, { complete: true }).header;
  const key = (await client.getSigningKey(kid)).getPublicKey();
  const { header, payload } = jwt.verify(token, key, {
    algorithms: [alg],
    issuer,
    audience,
    complete: true,
  });
  if (header.typ !== 'at+jwt') throw new Error('no access token');
  return payload;
});
