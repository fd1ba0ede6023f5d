import { getRequestListener } from '@hono/node-server';
import { Hono } from 'hono';
import { jwk } from 'hono/jwk';
import { alg, askEach, audience, issuer, jwksUri } from './each-token.mjs';

const app = new Hono();
const verification = { iss: issuer, aud: audience, typ: 'at+jwt' };
app.use(jwk({ jwks_uri: jwksUri, alg: [alg], verification }));
app.get('/', (c) => c.text(c.get('jwtPayload').sub));
await askEach(getRequestListener(app.fetch));
