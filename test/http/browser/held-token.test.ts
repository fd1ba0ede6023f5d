/**
 * Browser clients whose access token is in the memory of their pages (`"access_token": "memory"`):
 * who is given it, and what is in a cookie all the same.
 */
import { env } from 'cloudflare:test';
import { decodeJwt } from 'jose';
import { beforeEach, describe, expect, it } from 'vitest';
import { ISSUER, readRow, type TestService } from '../../fixtures';
import { USER } from '../../people';
import {
  APP_ORIGIN,
  handOff,
  type Jar,
  MEMORY_ORIGIN,
  MEMORY_WEB,
  readSetCookies,
  send,
  signIn,
  start,
  startWithBrowsers,
} from './browser';

const OF_PAGE = {
  'content-type': 'application/json',
  'sec-fetch-site': 'same-site',
  origin: MEMORY_ORIGIN,
};
const MEMORY = { client_id: MEMORY_WEB, browser: { return_url: MEMORY_ORIGIN } };

let service: TestService;
let jar: Jar;
let sessionId: string;

beforeEach(async () => {
  await env.DB.exec('DELETE FROM user_sessions; DELETE FROM outdated_tokens');
  service = await startWithBrowsers();
  const signedIn = await signIn(service, { user_id: USER, ...MEMORY });
  jar = signedIn.jar;
  sessionId = signedIn.session.id;
  service.advance(31);
});

const refresh = (headers: Record<string, string> = OF_PAGE, from: Jar = jar) =>
  send(service, from, 'POST', '/browser/refresh', headers);

describe('a client with its access token in memory', () => {
  it('has the refresh token in its cookie, and no other cookie, from the start on', () => {
    expect([...jar.keys()]).toEqual(['__Host-session']);
  });

  it('is answered the access token by a refresh, which the API takes as Bearer', async () => {
    const before = jar.get('__Host-session');
    const response = await refresh();
    expect(response.status).toBe(200);
    const cookies = readSetCookies(response);
    expect(cookies.map(({ name }) => name)).toEqual(['__Host-session']);
    expect(cookies[0]?.attributes).toMatchObject({ httponly: true, secure: true, samesite: 'Lax' });
    expect(jar.get('__Host-session')).not.toBe(before);
    const text = await response.text();
    expect(text).not.toContain('v2.');
    const body = JSON.parse(text);
    expect(body).toEqual({
      session: expect.objectContaining({ id: sessionId }),
      access_token: expect.any(String),
      token_type: 'Bearer',
      claims: expect.objectContaining({ sub: USER, sid: sessionId, client_id: MEMORY_WEB }),
      expires_in: 300,
      refresh_at: expect.any(String),
      refresh_token_expires_in: expect.any(Number),
      session_expires_at: expect.any(String),
      idle_expires_at: expect.any(String),
    });
    expect(decodeJwt(body.access_token)).toMatchObject({ sub: USER, sid: sessionId });
    const listed = await service.bearer('GET', '/v1/sessions', body.access_token);
    expect(listed.status).toBe(200);
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(response.headers.get('access-control-allow-origin')).toBe(MEMORY_ORIGIN);
    expect(response.headers.get('access-control-allow-credentials')).toBe('true');
  });

  it.each<[string, Record<string, string>, number]>([
    ['another app', { ...OF_PAGE, origin: APP_ORIGIN }, 401],
    ['a neighbour', { ...OF_PAGE, origin: 'https://evil.sessions.example' }, 403],
    ['another site', { ...OF_PAGE, 'sec-fetch-site': 'cross-site', origin: 'https://a.b' }, 403],
    [
      "the service's own page",
      { ...OF_PAGE, 'sec-fetch-site': 'same-origin', origin: ISSUER },
      403,
    ],
    ['nobody in particular', { 'content-type': 'application/json' }, 403],
    ['an old browser of its own', { ...OF_PAGE, 'sec-fetch-site': 'same-origin', origin: '' }, 403],
  ])('gives no token to %s, and moves nothing on', async (_, headers, status) => {
    const before = await readRow(sessionId);
    const { origin, ...rest } = headers;
    const response = await refresh(origin === '' ? rest : headers);
    expect(response.status).toBe(status);
    expect(await response.text()).not.toContain('access_token');
    expect(readSetCookies(response)).toEqual([]);
    expect(await readRow(sessionId)).toEqual(before);
  });

  it('is asked for by a form in vain: no form sends what makes a browser ask first', async () => {
    for (const type of ['application/x-www-form-urlencoded', 'text/plain', 'multipart/form-data']) {
      const response = await refresh({ ...OF_PAGE, 'content-type': type });
      expect(response.status).toBe(415);
    }
  });

  it('takes the place of an access cookie that another app left', async () => {
    const { jar: shared } = await signIn(service, { user_id: USER });
    expect([...shared.keys()]).toEqual(['__Host-session', '__Host-access']);
    const { browser } = await handOff(service, { user_id: USER, ...MEMORY });
    await start(service, shared, browser.start_url);
    expect([...shared.keys()]).toEqual(['__Host-session']);
  });

  it('may have claims that are too long for a cookie', async () => {
    const claims = { note: 'x'.repeat(2000) };
    const long = await startWithBrowsers({ AUDIENCE: `urn:${'a'.repeat(1200)}` });
    const { jar: own } = await signIn(long, { user_id: USER, ...MEMORY, claims });
    const response = await send(long, own, 'POST', '/browser/refresh', OF_PAGE);
    expect(
      ((await response.json()) as { access_token: string }).access_token.length,
    ).toBeGreaterThan(4096);
  });

  it('is signed out by its cookie alone, in vain for whoever kept the token', async () => {
    const { access_token } = (await (await refresh()).json()) as { access_token: string };
    const out = await send(service, jar, 'POST', '/browser/sign-out', OF_PAGE);
    expect(out.status).toBe(204);
    expect([...jar.keys()]).toEqual([]);
    expect((await service.bearer('GET', '/v1/sessions', access_token)).status).toBe(401);
  });
});

it('a client whose access token is in its cookie shows it to nobody', async () => {
  const { jar: own } = await signIn(service, { user_id: USER });
  const headers = { ...OF_PAGE, origin: APP_ORIGIN };
  const response = await refresh(headers, own);
  expect(response.status).toBe(200);
  expect(await response.text()).not.toMatch(/access_token|eyJ|v2\./);
});

describe('a page of a client on another site', () => {
  const ELSEWHERE = { ...OF_PAGE, 'sec-fetch-site': 'cross-site' };
  const paths = [
    ['POST', '/browser/refresh'],
    ['POST', '/browser/sign-in'],
    ['POST', '/browser/sign-out'],
    ['POST', '/browser/sign-out-everywhere'],
    ['GET', '/browser/session'],
  ] as const;

  it.each(paths)('%s %s says that cookies are kept from it', async (method, path) => {
    const body = method === 'POST' ? '{}' : undefined;
    const response = await send(service, new Map(), method, path, ELSEWHERE, body);
    expect(response.status).toBe(403);
    expect(await response.json()).toMatchObject({ code: 'third_party_cookies_blocked' });
    expect(response.headers.get('access-control-allow-origin')).toBe(MEMORY_ORIGIN);
    expect(response.headers.getSetCookie()).toEqual([]);
  });

  it('on the same site without a cookie is signed out', async () => {
    const response = await refresh(OF_PAGE, new Map());
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({ code: 'session_ended' });
  });
});
