/**
 * An app beside a session service and an API with hosts of their own, all of one site:
 * `app.example.com`, `auth.example.com`, and `api.example.com`, which is examples/resource-server.
 * The service's cookies go to the service alone, so this server never knows who looks at a page;
 * the page does.
 */
import { env } from 'cloudflare:workers';
import { Hono } from 'hono';
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
    // The service goes by it to know that this app sent the browser to sign in.
    referrerPolicy: 'strict-origin',
    contentSecurityPolicy: {
      defaultSrc: ["'self'"],
      // A script that got in reads the access token, and these are all that it can send it to by a
      // request. A navigation could still carry it away.
      connectSrc: ["'self'", ISSUER, API],
      baseUri: ["'none'"],
      frameAncestors: ["'none'"],
      // The form of the sign-in is redirected to the service.
      formAction: ["'self'", ISSUER],
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
        <form method="post" action="/sign-in"><button>Sign in</button></form>
        <button id="load">Who am I?</button>
        <button id="sign-out">Sign out</button>
        <output id="answer"></output>
      </html>`,
  ),
);

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

export default app;
