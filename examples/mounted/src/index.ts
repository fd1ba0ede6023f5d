/** A small app that has its sessions inside itself: the forms are its own, the cookies are not. */
import { createSessions } from 'edge-sessions/worker';
import { type Context, Hono } from 'hono';
import { csrf } from 'hono/csrf';
import { html } from 'hono/html';
import { findUser } from './accounts';

type Env = { Bindings: { APP_DB: D1Database; ISSUER: string } };

const sessions = createSessions({ clientId: 'my-app', bindings: { DB: 'APP_DB' } });
const app = new Hono<Env>();
app.use((c, next) => (sessions.matches(c.req.raw) ? sessions.fetch(c.req.raw) : next()));
app.use(csrf());

/** The person's device and where it is, which only the app has seen. */
const deviceOf = (c: Context<Env>) => ({
  user_agent: c.req.header('user-agent') ?? null,
  ip_address: c.req.header('cf-connecting-ip') ?? null,
  place: c.req.raw.cf ?? null,
});

const page = (title: string, body: unknown) =>
  html`<!doctype html><html lang="en"><title>${title}</title><h1>${title}</h1>${body}</html>`;

const form = html`<form method="post">
  <label>E-mail <input name="email" type="email" required></label>
  <label>Password <input name="password" type="password" minlength="12" required></label>
  <button>Go on</button>
</form>`;

app.get('/sign-in', (c) => c.html(page('Sign in or register', form)));

app.post('/sign-in', async (c) => {
  const { email, password } = await c.req.parseBody();
  const userId = await findUser(c.env.APP_DB, `${email}`, `${password}`);
  if (userId === null) return c.html(page('That was not right', form), 401);
  const started = await sessions.operations.handOff({
    user_id: userId,
    client_id: 'web',
    amr: ['pwd'],
    browser: { return_url: new URL('/', c.env.ISSUER).href },
    ...deviceOf(c),
  });
  if (!started.ok) return c.text(started.code, 503);
  return c.redirect(started.value.browser.start_url, 303);
});

/** The access token of the browser's session; or the answer to whoever has none. */
async function signedIn(c: Context<Env>): Promise<string | Response> {
  const cookie = c.req.header('cookie') ?? '';
  const exchanged = await sessions.operations.exchangeCookie({ cookie, ...deviceOf(c) });
  if (exchanged.ok) return exchanged.value.access_token;
  const { code, retry_after: retryAfter = 5 } = exchanged;
  if (code === 'session_ended') return c.redirect('/sign-in', 303);
  // It cannot be decided now, so nobody is sent away to sign in.
  return c.text(code, 503, { 'Retry-After': `${retryAfter}` });
}

app.get('/', async (c) => {
  const token = await signedIn(c);
  if (typeof token !== 'string') return token;
  const listed = await sessions.operations.listOwn({ access_token: token });
  if (!listed.ok) return c.text(listed.code, 503);
  const devices = listed.value.sessions.map(
    ({ id, device, current }) => html`<li>${device ?? 'Unknown device'}
      <form method="post" action="/devices/${id}/sign-out">
        <button>${current ? 'Sign out' : 'Sign out there'}</button>
      </form></li>`,
  );
  // A session is in use while one of its pages is open.
  const refresh = html`<script>
    fetch('/auth/browser/refresh', { method: 'POST', headers: { 'X-Requested-With': 'my-app' } });
  </script>`;
  return c.html(page('Your devices', html`<ul>${devices}</ul>${refresh}`));
});

app.post('/devices/:id/sign-out', async (c) => {
  const token = await signedIn(c);
  if (typeof token !== 'string') return token;
  await sessions.operations.revokeOwn({ access_token: token, session_id: c.req.param('id') });
  return c.redirect('/', 303);
});

export default {
  fetch: app.fetch,
  // With what the app itself does every quarter of an hour.
  scheduled: (controller) => sessions.scheduled(controller),
} satisfies ExportedHandler<Env['Bindings']>;
