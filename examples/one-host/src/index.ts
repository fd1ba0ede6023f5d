/**
 * An app, its API and the session service under one host. `/auth/*` is the service, reached by a
 * service binding; its `ISSUER` is this host with that path. Its cookies come along to everything
 * here, and no script reads them.
 */
import { env } from 'cloudflare:workers';
import { requireAccessToken, type VerifiedEnv } from 'edge-sessions/hono';
import { createAccessTokenVerifier } from 'edge-sessions/verify';
import { Hono } from 'hono';
import { html } from 'hono/html';
import { secureHeaders } from 'hono/secure-headers';

interface Bindings {
  SESSIONS: Fetcher;
  ORIGIN: string;
  BACKEND_ID: string;
  BACKEND_SECRET: string;
}

const { SESSIONS, ORIGIN, BACKEND_ID, BACKEND_SECRET } = env as unknown as Bindings;
const ISSUER = `${ORIGIN}/auth`;

/** One for an isolate, because it keeps the keys and the revocation list. */
const verifier = createAccessTokenVerifier({
  issuer: ISSUER,
  audience: ORIGIN,
  cookie: true,
  revocations: { pollSeconds: 15 },
  fetch: (...request) => SESSIONS.fetch(...request),
});

const app = new Hono<VerifiedEnv>();

// The request as it came, so that the service sees the visitor's own address and browser.
app.all('/auth/*', (c) => SESSIONS.fetch(c.req.raw));

app.use(
  secureHeaders({
    // Where a service worker passes sign-ins on, nothing else tells whose page they are from.
    referrerPolicy: 'strict-origin-when-cross-origin',
    contentSecurityPolicy: {
      defaultSrc: ["'self'"],
      baseUri: ["'none'"],
      frameAncestors: ["'none'"],
      formAction: ["'self'"],
    },
  }),
);

/** The server knows who looks without asking anybody, and rotates nothing. */
app.get('/', async (c) => {
  const { state, claims } = await verifier.getSession(c.req.raw);
  c.header('Cache-Control', 'private, no-store');
  return c.html(
    html`<!doctype html>
      <html lang="en">
        <title>My app</title>
        <script type="module" src="/page.js"></script>
        <p>The server says: <output id="server">${state} ${claims?.sid ?? ''}</output></p>
        <p>The page says: <output id="state"></output></p>
        <form method="post" action="/sign-in"><button>Sign in</button></form>
        <button id="load">Load my cart</button>
        <button id="add">Add to my cart</button>
        <button id="sign-out">Sign out</button>
        <output id="answer"></output>
      </html>`,
  );
});

/** A guest. After your own sign-in, the session's `user_id` goes beside `client_id`. */
app.post('/sign-in', async (c) => {
  const created = await SESSIONS.fetch(`${ISSUER}/v1/sessions`, {
    method: 'POST',
    headers: {
      Authorization: `Basic ${btoa(`${BACKEND_ID}:${BACKEND_SECRET}`)}`,
      'Content-Type': 'application/json',
    },
    body: JSON.stringify({ client_id: 'web', browser: { return_url: `${ORIGIN}/` } }),
  });
  if (created.status !== 201) return c.text('Try again in a moment', 503);
  const { browser } = await created.json<{ browser: { start_url: string } }>();
  return c.redirect(browser.start_url, 303);
});

app.use('/api/*', requireAccessToken(verifier));

const carts = new Map<string, number>();
app.get('/api/cart', (c) => c.json({ things: carts.get(c.get('accessToken').sub) ?? 0 }));
app.post('/api/cart', (c) => {
  const owner = c.get('accessToken').sub;
  carts.set(owner, (carts.get(owner) ?? 0) + 1);
  return c.json({ things: carts.get(owner) }, 201);
});

export default app;
