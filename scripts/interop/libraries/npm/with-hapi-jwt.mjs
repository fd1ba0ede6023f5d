import Hapi from '@hapi/hapi';
import Jwt from '@hapi/jwt';
import { alg, audience, issuer, jwksUri, verifyEach } from './each-token.mjs';

const server = Hapi.server();
await server.register(Jwt);
server.auth.strategy('access-token', 'jwt', {
  keys: { uri: jwksUri, algorithms: [alg] },
  verify: { iss: issuer, aud: audience, sub: false },
  validate: ({ decoded }) => ({
    isValid: decoded.header.typ === 'at+jwt',
    credentials: decoded.payload,
  }),
});
server.auth.default('access-token');
const handler = (request) => request.auth.credentials.sub;
server.route({ method: 'GET', path: '/', handler });
await server.initialize();
await verifyEach(async (token) => {
  const headers = { authorization: `Bearer ${token}` };
  const { statusCode, payload } = await server.inject({ method: 'GET', url: '/', headers });
  if (statusCode !== 200) throw new Error(`${statusCode} ${payload}`);
  return { sub: payload };
});
