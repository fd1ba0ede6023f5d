/**
 * An API that takes access tokens of edge-sessions, which it reaches by a service binding: no
 * request leaves Cloudflare.
 */
import { env } from 'cloudflare:workers';
import { requireAccessToken, type VerifiedEnv } from 'edge-sessions/hono';
import { createAccessTokenVerifier } from 'edge-sessions/verify';
import { Hono } from 'hono';
import { cors } from 'hono/cors';

interface Bindings {
  SESSIONS: Fetcher;
  /** Of the pages that call from another origin, apart from each other by spaces. */
  APP_ORIGINS: string;
  ISSUER: string;
  AUDIENCE: string;
}

const { SESSIONS, APP_ORIGINS, ISSUER, AUDIENCE } = env as unknown as Bindings;

/** One for an isolate, because it keeps the keys and the revocation list. */
const verifier = createAccessTokenVerifier({
  issuer: ISSUER,
  audience: AUDIENCE,
  revocations: { pollSeconds: 1 },
  fetch: (...request) => SESSIONS.fetch(...request),
});

const app = new Hono<VerifiedEnv>();

// First of all: a preflight has no token. A page has to read the challenge to know what to do.
app.use(cors({ origin: APP_ORIGINS.split(' '), exposeHeaders: ['WWW-Authenticate'] }));

app.get('/me', requireAccessToken(verifier), (c) =>
  c.json({ user: c.get('accessToken').sub, session: c.get('accessToken').sid }),
);

// Money moves only soon after the person proved who they are.
app.post('/transfers', requireAccessToken(verifier, { maxAge: 300 }), (c) =>
  c.json({ accepted: true }, 202),
);

export default app;
