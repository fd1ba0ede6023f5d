/**
 * An API that takes access tokens of edge-sessions, which it reaches by a service binding: no
 * request leaves Cloudflare.
 */
import { env } from 'cloudflare:workers';
import { requireAccessToken, type VerifiedEnv } from 'edge-sessions/hono';
import { createAccessTokenVerifier } from 'edge-sessions/verify';
import { Hono } from 'hono';

interface Bindings {
  SESSIONS: Fetcher;
  ISSUER: string;
  AUDIENCE: string;
}

const { SESSIONS, ISSUER, AUDIENCE } = env as unknown as Bindings;

/** One for an isolate, because it keeps the keys and the revocation list. */
const verifier = createAccessTokenVerifier({
  issuer: ISSUER,
  audience: AUDIENCE,
  revocations: { pollSeconds: 1 },
  fetch: (...request) => SESSIONS.fetch(...request),
});

const app = new Hono<VerifiedEnv>();

app.get('/me', requireAccessToken(verifier), (c) =>
  c.json({ user: c.get('accessToken').sub, session: c.get('accessToken').sid }),
);

// Money moves only soon after the person proved who they are.
app.post('/transfers', requireAccessToken(verifier, { maxAge: 300 }), (c) =>
  c.json({ accepted: true }, 202),
);

export default app;
