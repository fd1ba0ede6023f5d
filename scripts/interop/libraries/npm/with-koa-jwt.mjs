import jwksClient from 'jwks-rsa';
import Koa from 'koa';
import jwt from 'koa-jwt';
import { alg, askEach, audience, issuer, jwksUri } from './each-token.mjs';

const app = new Koa();
app.use(jwt({ secret: jwksClient.koaJwtSecret({ jwksUri }), algorithms: [alg], issuer, audience }));
app.use((context) => {
  context.body = context.state.user.sub;
});
await askEach(app.callback());
