import express from 'express';
import { auth } from 'express-oauth2-jwt-bearer';
import { alg, askEach, audience, issuer, jwksUri } from './each-token.mjs';

const app = express();
app.use(auth({ issuer, audience, jwksUri, tokenSigningAlg: alg, strict: true }));
app.get('/', (request, response) => response.send(request.auth.payload.sub));
app.use((error, _request, response, _next) =>
  response
    .status(error.status ?? 500)
    .set(error.headers ?? {})
    .send(error.message),
);
await askEach(app);
