/**
 * An app on another site than its session service, `app.example.org` beside `auth.example.com`,
 * where no cookie of the service reaches it: its page holds the tokens, as an app on a phone does.
 * This server signs people in, and gives the page the tokens of the session.
 */
import { env } from 'cloudflare:workers';
import { Hono } from 'hono';
import { csrf } from 'hono/csrf';
import { html } from 'hono/html';
import { secureHeaders } from 'hono/secure-headers';

interface Bindings {
  SESSIONS: Fetcher;
  ORIGIN: string;
  ISSUER: string;
  API: string;
  BACKEND_ID: string;
  BACKEND_SECRET: string;
}

const { SESSIONS, ORIGIN, ISSUER, API, BACKEND_ID, BACKEND_SECRET } = env as unknown as Bindings;

const app = new Hono();

app.use(
  secureHeaders({
    contentSecurityPolicy: {
      defaultSrc: ["'self'"],
      // A script that got in reads both tokens, and these are all that it can send them to by a
      // request. A navigation could still carry them away.
      connectSrc: ["'self'", ISSUER, API],
      baseUri: ["'none'"],
      frameAncestors: ["'none'"],
      formAction: ["'none'"],
    },
  }),
);

app.get('/', (c) =>
  c.html(
    html`<!doctype html>
      <html lang="en" data-issuer="${ISSUER}" data-api="${API}">
        <title>My app</title>
        <script type="module" src="/page.js"></script>
        <p>The page says: <output id="state"></output></p>
        <button id="sign-in">Sign in</button>
        <button id="load">Who am I?</button>
        <button id="sign-out">Sign out</button>
        <output id="answer"></output>
      </html>`,
  ),
);

/**
 * A guest. After your own sign-in, the session's `user_id` goes beside `client_id`. What is said of
 * the browser is compared with each refresh: the service sees it there by itself.
 */
app.post('/sign-in', csrf({ origin: ORIGIN }), async (c) => {
  const created = await SESSIONS.fetch(`${ISSUER}/v1/sessions`, {
    method: 'POST',
    headers: {
      Authorization: `Basic ${btoa(`${BACKEND_ID}:${BACKEND_SECRET}`)}`,
      'Content-Type': 'application/json',
    },
    body: JSON.stringify({
      client_id: 'app',
      user_agent: c.req.header('User-Agent'),
      ip_address: c.req.header('CF-Connecting-IP'),
    }),
  });
  if (created.status !== 201) return c.text('Try again in a moment', 503);
  return c.json(await created.json<object>(), 200, { 'Cache-Control': 'no-store' });
});

export default app;
