/**
 * A sign-in by ID token whose answer was lost (RFC 7523 §3 uses the token up): with an
 * Idempotency-Key the same request gives the same session and tokens, to whoever brings that very
 * ID token, and nobody else.
 */
import { env } from 'cloudflare:test';
import { decodeJwt } from 'jose';
import { beforeEach, expect, it, vi } from 'vitest';
import { APP, readRow, START, startService, type TestService, type Tokens } from '../fixtures';
import { CLIENT_AT_PROVIDER, openProvider, PROVIDER, type Provider } from './provider';

const GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const NONCE = 'a-nonce-of-sixteen-or-more';
const ORIGIN = 'https://app.sessions.example';
const KEY = 'key-of-this-sign-in';

let service: TestService;
let provider: Provider;
beforeEach(async () => {
  await env.DB.exec(
    'DELETE FROM user_sessions; DELETE FROM users; DELETE FROM used_assertions; DELETE FROM idempotency_keys',
  );
  for (const level of ['log', 'warn'] as const)
    vi.spyOn(console, level).mockImplementation(() => {});
  const clock = { now: START };
  provider = await openProvider(PROVIDER, clock);
  const allow = ['refresh', 'sign_in'];
  const clients = [
    { client_id: APP, allow },
    { client_id: 'other-app', allow },
    { client_id: 'web', allow, origins: [ORIGIN], return_urls: [`${ORIGIN}/`] },
  ];
  const trusted = [{ issuer: PROVIDER, audience: CLIENT_AT_PROVIDER }];
  const variables = {
    CLIENTS: JSON.stringify(clients),
    TRUSTED_ISSUERS: JSON.stringify(trusted),
  };
  service = await startService(variables, clock, provider.send);
  return () => vi.restoreAllMocks();
});

async function exchange(assertion: string, key?: string, client_id = APP) {
  const form = { grant_type: GRANT, assertion, client_id };
  const response = await service.form('/oauth/token', form, key ? { 'idempotency-key': key } : {});
  const body = (await response.json()) as Tokens & { reason?: string };
  return { status: response.status, body };
}
const sidOf = ({ body }: { body: Tokens }) => decodeJwt(body.access_token).sid;

it('a repeat with the key gives the same session and refresh token', async () => {
  const token = await provider.idToken();
  const first = await exchange(token, KEY);
  const again = await exchange(token, KEY);
  expect(again.status).toBe(200);
  expect(sidOf(again)).toBe(sidOf(first));
  expect(again.body.refresh_token).toBe(first.body.refresh_token);
  const count = await env.DB.prepare('SELECT count(*) AS n FROM user_sessions').first();
  expect(count).toEqual({ n: 1 });
});

it('many at once are one sign-in', async () => {
  const token = await provider.idToken();
  const answers = await Promise.all(Array.from({ length: 5 }, () => exchange(token, KEY)));
  expect(new Set(answers.map(sidOf)).size).toBe(1);
});

it('without the key, with another, or by another client, the ID token is used up', async () => {
  const token = await provider.idToken();
  expect((await exchange(token, KEY)).status).toBe(200);
  for (const repeat of [
    await exchange(token),
    await exchange(token, 'another-key'),
    await exchange(token, KEY, 'other-app'),
  ])
    expect([repeat.status, repeat.body.reason]).toEqual([400, 'assertion_used']);
});

it('one that was used without a key cannot be repeated with one', async () => {
  const token = await provider.idToken();
  await exchange(token);
  expect((await exchange(token, KEY)).body.reason).toBe('assertion_used');
});

it('the key does not open the session to another ID token, nor to another person', async () => {
  const first = await exchange(await provider.idToken(), KEY);
  expect((await exchange(await provider.idToken(), KEY)).status).toBe(422);
  const other = await exchange(await provider.idToken({ sub: 'other' }), KEY);
  expect(other.status).toBe(200);
  expect(sidOf(other)).not.toBe(sidOf(first));
});

it('once the session has moved on, the repeat is told so', async () => {
  const token = await provider.idToken();
  const { body } = await exchange(token, KEY);
  service.advance(31);
  await service.refresh(body.refresh_token);
  expect((await exchange(token, KEY)).status).toBe(409);
});

it('a browser’s repeat keeps its session, also where it had the answer', async () => {
  const id_token = await provider.idToken({ nonce: NONCE });
  const signIn = (cookie = '') =>
    service.request('/browser/sign-in', {
      method: 'POST',
      headers: {
        'sec-fetch-site': 'same-site',
        origin: ORIGIN,
        'content-type': 'application/json',
        'idempotency-key': KEY,
        cookie,
      },
      body: JSON.stringify({ client_id: 'web', id_token, nonce: NONCE }),
    });
  const first = await signIn();
  const { session } = (await first.json()) as Tokens;
  const [line = ''] = first.headers.getSetCookie();
  for (const cookie of ['', line.split(';')[0]]) {
    const again = await signIn(cookie);
    expect(again.status).toBe(201);
    expect(await again.json()).toMatchObject({ session: { id: session.id } });
    expect(again.headers.getSetCookie()[0]?.split(';')[0]).toBe(line.split(';')[0]);
  }
  expect(await readRow(session.id)).toMatchObject({ revoked_at: null });
});
