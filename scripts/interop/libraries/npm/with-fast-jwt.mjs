import { createVerifier } from 'fast-jwt';
import buildGetJwks from 'get-jwks';
import { alg, audience, issuer, verifyEach } from './each-token.mjs';

const getJwks = buildGetJwks();
await verifyEach(
  createVerifier({
    key: ({ header }) => getJwks.getPublicKey({ kid: header.kid, alg: header.alg, domain: issuer }),
    algorithms: [alg],
    allowedIss: issuer,
    allowedAud: audience,
    checkTyp: 'at+jwt',
  }),
);
