/**
 * An API that takes access tokens of edge-sessions, which it reaches by a service binding: no
 * request leaves Cloudflare.
 */

import { requireAccessToken, type VerifiedEnv } from 'edge-sessions/hono';
import { createAccessTokenVerifier, type Requirements } from 'edge-sessions/verify';
import { Hono } from 'hono';

interface Bindings {
  SESSIONS: Fetcher;
  ISSUER: string;
  AUDIENCE: string;
}

type ApiEnv = VerifiedEnv & { Bindings: Bindings };

const app = new Hono<ApiEnv>();

/** One verifier an isolate, because it keeps the keys and the revocation list. */
let verifier: ReturnType<typeof createAccessTokenVerifier> | undefined;

const signedIn = (requirements: Requirements = {}): ReturnType<typeof requireAccessToken> =>
  async function signedIn(c, next) {
    const { SESSIONS, ISSUER, AUDIENCE } = c.env as Bindings;
    verifier ??= createAccessTokenVerifier({
      issuer: ISSUER,
      audience: AUDIENCE,
      revocations: { pollSeconds: 1 },
      fetch: (input, init) => SESSIONS.fetch(input as RequestInfo, init),
    });
    return requireAccessToken(verifier, requirements)(c, next);
  };

app.get('/me', signedIn(), (c) =>
  c.json({ user: c.get('accessToken').sub, session: c.get('accessToken').sid }),
);

// Money moves only soon after the person proved who they are.
app.post('/transfers', signedIn({ maxAge: 300 }), (c) => c.json({ accepted: true }, 202));

export default app;
