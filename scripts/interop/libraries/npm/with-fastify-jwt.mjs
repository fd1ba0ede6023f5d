import fastifyJwt from '@fastify/jwt';
import Fastify from 'fastify';
import buildGetJwks from 'get-jwks';
import { alg, audience, issuer, verifyEach } from './each-token.mjs';

const getJwks = buildGetJwks();
const app = Fastify();
app.register(fastifyJwt, {
  decode: { complete: true },
  secret: (_request, { header }) =>
    getJwks.getPublicKey({ kid: header.kid, alg: header.alg, domain: issuer }),
  verify: {
    algorithms: [alg],
    allowedIss: issuer,
    allowedAud: audience,
    checkTyp: 'at+jwt',
  },
});
app.addHook('onRequest', (request) => request.jwtVerify());
app.get('/', async (request) => (request.user.payload ?? request.user).sub);
await app.ready();
await verifyEach(async (token) => {
  const headers = { authorization: `Bearer ${token}` };
  const response = await app.inject({ method: 'GET', url: '/', headers });
  if (response.statusCode !== 200) throw new Error(`${response.statusCode} ${response.body}`);
  return { sub: response.body };
});
