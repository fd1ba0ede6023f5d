/**
 * The code on the page at `/` under `npm start`, for hosts of their own (docs/arrangements.md): the
 * service is where it runs, and the app and its API are elsewhere on the site.
 */

const API = 'https://api.example.com';
const APP = 'https://app.example.com';

/** The app in `CLIENTS`. */
export const CLIENT = `{ "client_id": "web", "access_token": "memory", "origins": ["${APP}"], "return_urls": ["${APP}/"] }`;

export const toBackendCode = (
  issuer: string,
) => `export async function startSession(userId: string, id: string, secret: string) {
  const response = await fetch('${issuer}/v1/sessions', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: \`Basic \${btoa(\`\${id}:\${secret}\`)}\` },
    body: JSON.stringify({ user_id: userId, client_id: 'web', browser: { return_url: '${APP}/' } }),
  });
  const { browser } = (await response.json()) as { browser: { start_url: string } };
  return Response.redirect(browser.start_url, 303);
}`;

export const toPageCode = (
  issuer: string,
) => `import { createSessionClient } from 'edge-sessions/browser';

const session = createSessionClient({ mode: 'memory', baseUrl: '${issuer}', resources: ['${API}'] });
const response = await session.fetch('${API}/cart');`;

export const toApiCode = (
  issuer: string,
) => `import { requireAccessToken, type VerifiedEnv } from 'edge-sessions/hono';
import { createAccessTokenVerifier } from 'edge-sessions/verify';
import { Hono } from 'hono';
import { cors } from 'hono/cors';

const verifier = createAccessTokenVerifier({ issuer: '${issuer}', audience: '${API}' });
const api = new Hono<VerifiedEnv>();
api.use(cors({ origin: ['${APP}'], exposeHeaders: ['WWW-Authenticate'] }));
api.get('/cart', requireAccessToken(verifier), (c) => c.json({ user: c.get('accessToken').sub }));
export default api;`;
