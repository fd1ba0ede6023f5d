import express from 'express';
import jwksClient from 'jwks-rsa';
import passport from 'passport';
import { ExtractJwt, Strategy } from 'passport-jwt';
import { alg, askEach, audience, issuer, jwksUri } from './each-token.mjs';

const options = {
  jwtFromRequest: ExtractJwt.fromAuthHeaderAsBearerToken(),
  secretOrKeyProvider: jwksClient.passportJwtSecret({ jwksUri }),
  algorithms: [alg],
  issuer,
  audience,
};
passport.use(new Strategy(options, (payload, done) => done(null, payload)));
const app = express();
app.use(passport.authenticate('jwt', { session: false }));
app.get('/', (request, response) => response.send(request.user.sub));
await askEach(app);
