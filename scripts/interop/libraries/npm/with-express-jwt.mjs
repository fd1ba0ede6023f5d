import express from 'express';
import { expressjwt } from 'express-jwt';
import jwksClient from 'jwks-rsa';
import { alg, askEach, audience, issuer, jwksUri } from './each-token.mjs';

const app = express();
const secret = jwksClient.expressJwtSecret({ jwksUri });
app.use(expressjwt({ secret, algorithms: [alg], issuer, audience }));
app.get('/', (request, response) => response.send(request.auth.sub));
app.use((error, _request, response, _next) => response.status(401).send(error.message));
await askEach(app);
