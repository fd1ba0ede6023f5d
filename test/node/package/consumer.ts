/**
 * An app, its backend and an API in one file, by the package's own names: a session from its start
 * to its end, against the service at `ORIGIN`. Prints what each step gave.
 */
import { createSessionClient, type Tokens } from 'edge-sessions/browser';
import { requireAccessToken, type VerifiedEnv } from 'edge-sessions/hono';
import { type AccessTokenVerifier, createAccessTokenVerifier } from 'edge-sessions/verify';
import { Hono } from 'hono';

export interface Setting {
  origin: string;
  audience: string;
  clientId: string;
  clientSecret: string;
  userId: string;
}

export async function live(setting: Setting): Promise<Record<string, unknown>> {
  const { origin, audience, clientId, clientSecret, userId } = setting;
  const created = await fetch(`${origin}/v1/sessions`, {
    method: 'POST',
    headers: {
      Authorization: `Basic ${btoa(`${clientId}:${clientSecret}`)}`,
      'Content-Type': 'application/json',
    },
    body: JSON.stringify({ user_id: userId, client_id: 'app' }),
  });
  const tokens = (await created.json()) as Tokens;

  const session = createSessionClient({ baseUrl: origin, mode: 'token', clientId: 'app' });
  const ended: (string | null)[] = [];
  session.onSignedOut((reason) => ended.push(reason));
  await session.start(tokens);
  const refreshed = await session.refresh();
  const token = await session.getAccessToken();

  const verifier: AccessTokenVerifier = createAccessTokenVerifier({ issuer: origin, audience });
  const verdict = await verifier.verify(token ?? '');
  const forged = await verifier.verify(`${token}x`);

  const api = new Hono<VerifiedEnv>();
  api.use(requireAccessToken(verifier));
  api.get('/me', (c) => c.text(c.get('accessToken').sub));
  const answer = await api.request('/me', { headers: { Authorization: `Bearer ${token}` } });
  const challenged = await api.request('/me');

  const devices = await session.fetch(`${origin}/v1/sessions`);
  await session.signOut();
  session.close();
  return {
    created: created.status,
    refreshed,
    subject: verdict.ok && verdict.claims.sub,
    forged: !forged.ok && forged.error,
    me: await answer.text(),
    challenged: challenged.headers.get('WWW-Authenticate'),
    devices: devices.status,
    after: session.session,
    ended,
  };
}
