/**
 * What the service is compared with: a bare Hono route, the verification of a token, one UPDATE by
 * primary key, and what a refresh cannot do without.
 */
import type { D1Database } from '@cloudflare/workers-types';
import { Hono } from 'hono';
import {
  type CryptoKey,
  compactVerify,
  createLocalJWKSet,
  type JSONWebKeySet,
  jwtVerify,
} from 'jose';

interface Env {
  DB: D1Database;
}

let jwks: ReturnType<typeof createLocalJWKSet> | null = null;

const app = new Hono<{ Bindings: Env }>();
app.get('/hello', (c) => c.text('hello'));
app.post('/jwks', async (c) => {
  jwks = createLocalJWKSet(await c.req.json<JSONWebKeySet>());
  return c.text('ok');
});
app.get('/verify', async (c) => {
  if (jwks === null) return c.text('no keys', 500);
  const token = (c.req.header('authorization') ?? '').slice('Bearer '.length);
  await jwtVerify(token, jwks, { typ: 'at+jwt', algorithms: ['EdDSA'] });
  return c.text('ok');
});
app.post('/update/:id', async (c) => {
  const statement = c.env.DB.prepare(
    'UPDATE user_sessions SET rotated_at = ?, refresh_token = ? WHERE id = ?',
  );
  const { meta } = await statement.bind(Date.now(), crypto.randomUUID(), c.req.param('id')).run();
  return meta.changes === 1 ? c.text('ok') : c.text('no row', 404);
});
/** What D1 alone costs a refresh: the row moved on, and the row as it is then. */
app.post('/step/:id', async (c) => {
  const update = c.env.DB.prepare(
    'UPDATE user_sessions SET rotated_at = ?, refresh_token = ? WHERE id = ? RETURNING id',
  );
  const select = c.env.DB.prepare('SELECT * FROM user_sessions WHERE id = ?');
  const id = c.req.param('id');
  const [moved] = await c.env.DB.batch([
    update.bind(Date.now(), crypto.randomUUID(), id),
    select.bind(id),
  ]);
  return moved?.results.length === 1 ? c.text('ok') : c.text('no row', 404);
});

/**
 * What any refusal of a forged token costs: the form, the signature, a line in the log, and an
 * answer.
 */
let mac: CryptoKey | null = null;
app.post('/refuse', async (c) => {
  const token = new URLSearchParams(await c.req.text()).get('refresh_token') ?? '';
  mac ??= await crypto.subtle.generateKey({ name: 'HMAC', hash: 'SHA-256' }, false, [
    'sign',
    'verify',
  ]);
  try {
    await compactVerify(token.slice('v2.'.length), mac, { algorithms: ['HS256'] });
  } catch {
    console.log(
      JSON.stringify({
        level: 'info',
        event: 'refused',
        request_id: crypto.randomUUID(),
        status: 400,
      }),
    );
    return c.json(
      { error: 'invalid_grant', error_description: 'The refresh token is not good' },
      400,
    );
  }
  return c.text('verified');
});

export default app;
