/**
 * Step-up of a session in cookies by a backend on another host, which never sees them: it is given
 * a URL, and the browser that has the session and goes there is raised (RFC 9470).
 */
import { env } from 'cloudflare:test';
import { decodeJwt } from 'jose';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BACKEND, basic, ISSUER, readRow, START, type TestService } from '../../fixtures';
import { USER } from '../../people';
import {
  APP_ORIGIN,
  handOff,
  type Jar,
  MEMORY_ORIGIN,
  MEMORY_WEB,
  NAVIGATION,
  RETURN_URL,
  SAME_ORIGIN,
  SSR,
  send,
  signIn,
  start,
  startWithBrowsers,
} from './browser';

const NOW = START / 1000;
const ACCESS = '__Host-access';
const SESSION = '__Host-session';
const PROOF = { auth_time: NOW + 40, amr: ['pwd', 'hwk'], acr: 'urn:acr:2' };

let service: TestService;
let jar: Jar;
let sessionId: string;

beforeEach(async () => {
  await env.DB.exec('DELETE FROM user_sessions; DELETE FROM session_events');
  service = await startWithBrowsers();
  const signedIn = await signIn(service, { user_id: USER, amr: ['pwd'], auth_time: NOW - 3_600 });
  ({ jar } = signedIn);
  sessionId = signedIn.session.id;
  service.advance(41);
});
afterEach(() => vi.restoreAllMocks());

async function ask(
  body: Record<string, unknown> = {},
  { id = sessionId, authorization = basic(BACKEND) } = {},
): Promise<{ status: number; body: Record<string, unknown>; url: string }> {
  const response = await service.request(`/v1/sessions/${id}/authentication`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json' },
    body: JSON.stringify({ browser: { return_url: RETURN_URL }, ...PROOF, ...body }),
  });
  const answer = (await response.json()) as { browser?: { start_url: string } };
  return { status: response.status, body: answer, url: answer.browser?.start_url ?? '' };
}

const claimsOf = (browser: Jar) => decodeJwt(browser.get(ACCESS) as string);
const events = async () => {
  const { results } = await env.DB.prepare(
    "SELECT type, details FROM session_events WHERE type IN ('authenticated', 'reuse_detected')",
  ).all<{ type: string; details: string }>();
  return results.map(({ type, details }) => [type, JSON.parse(details)]);
};

async function expectUnraised(browser: Jar, answer: Response) {
  expect(answer.status).toBeGreaterThanOrEqual(400);
  expect(answer.headers.getSetCookie()).toEqual([]);
  expect(await readRow(sessionId)).toMatchObject({ amr: '["pwd"]', auth_time: NOW - 3_600 });
  expect((await send(service, browser, 'POST', '/browser/refresh')).status).toBe(200);
}

describe('the backend', () => {
  it('is given a URL and no token, and nothing changes yet', async () => {
    const before = await readRow(sessionId);
    const { status, body } = await ask();
    expect(status).toBe(200);
    expect(body).toEqual({
      session: expect.objectContaining({ id: sessionId, user_id: USER }),
      browser: {
        start_url: expect.stringMatching(/^https:\/\/sessions\.example\/browser\/start\?code=/),
        expires_in: 60,
      },
    });
    expect(await readRow(sessionId)).toEqual(before);
  });

  it('is refused what it may not ask for, or what no browser could take', async () => {
    const elsewhere = { browser: { return_url: 'https://evil.example/' } };
    const app = await service.create({ client_id: 'app' });
    const unknown = crypto.randomUUID();
    const asked = await Promise.all([
      ask(elsewhere),
      ask({}, { id: app.session.id }),
      ask({}, { id: unknown }),
      ask({}, { authorization: basic(SSR) }),
      ask({}, { authorization: basic({ ...BACKEND, secret: 'wrong' }) }),
      ask({ auth_time: NOW + 4_000 }),
      ask({ refresh_token: 'x' }),
      ask({ browser: {} }),
    ]);
    expect(asked.map(({ status, body }) => [status, body.code])).toEqual([
      [400, 'invalid_request'],
      [400, 'invalid_request'],
      [404, 'not_found'],
      [404, 'not_found'],
      [401, 'invalid_client'],
      [400, 'invalid_request'],
      [400, 'invalid_request'],
      [400, 'invalid_request'],
    ]);
  });

  it('hears of a session that is over', async () => {
    await send(service, new Map(jar), 'POST', '/browser/sign-out');
    const { status, body } = await ask();
    expect([status, body.code, body.reason]).toEqual([409, 'session_over', 'signed_out']);
  });
});

describe('the browser that has the session', () => {
  it('is raised when it goes there, and sent on; its refresh token moves on', async () => {
    const { url } = await ask();
    const before = jar.get(SESSION);
    const response = await start(service, jar, url);
    expect(response.status).toBe(303);
    expect(response.headers.get('location')).toBe(RETURN_URL);
    expect(claimsOf(jar)).toMatchObject({ ...PROOF, sid: sessionId });
    expect(jar.get(SESSION)).not.toBe(before);
    expect(await events()).toEqual([
      ['authenticated', expect.objectContaining({ by: 'client', client_id: BACKEND.id })],
    ]);
    service.advance(31);
    expect((await send(service, jar, 'POST', '/browser/refresh')).status).toBe(200);
    expect(claimsOf(jar)).toMatchObject(PROOF);
  });

  it.each<[string, Record<string, string>]>([
    ['a redirect from another site', { ...NAVIGATION, 'sec-fetch-site': 'cross-site' }],
    ['another host of the site', { ...NAVIGATION, 'sec-fetch-site': 'same-site' }],
    ['the address bar', { ...NAVIGATION, 'sec-fetch-site': 'none' }],
  ])('is not asked, by way of %s: nobody else is signed in by it', async (_, headers) => {
    const { url } = await ask();
    expect((await start(service, jar, url, headers)).status).toBe(303);
    expect(claimsOf(jar)).toMatchObject(PROOF);
  });

  it('may also be sent there by a form of another site, which comes without its cookies', async () => {
    const { url } = await ask();
    const code = new URL(url).searchParams.get('code') as string;
    const headers = {
      ...NAVIGATION,
      'sec-fetch-site': 'cross-site',
      origin: APP_ORIGIN,
      'content-type': 'application/x-www-form-urlencoded',
    };
    const bare: Jar = new Map();
    const form = await send(
      service,
      bare,
      'POST',
      '/browser/start',
      headers,
      `code=${encodeURIComponent(code)}`,
    );
    expect(form.status).toBe(303);
    for (const [name, value] of bare) jar.set(name, value);
    const next = form.headers.get('location')?.slice(ISSUER.length) as string;
    const response = await send(service, jar, 'GET', next, {
      ...NAVIGATION,
      'sec-fetch-site': 'cross-site',
    });
    expect(response.headers.get('location')).toBe(RETURN_URL);
    expect(claimsOf(jar)).toMatchObject(PROOF);
  });

  it('has its access token in memory: the next refresh tells the authentication', async () => {
    const memory = { client_id: MEMORY_WEB, browser: { return_url: MEMORY_ORIGIN } };
    const { jar: own, session } = await signIn(service, { ...memory, user_id: USER });
    service.advance(41);
    const { url } = await ask({ browser: memory.browser, auth_time: NOW + 80 }, { id: session.id });
    expect((await start(service, own, url)).status).toBe(303);
    expect(own.has(ACCESS)).toBe(false);
    const headers = { ...SAME_ORIGIN, origin: MEMORY_ORIGIN, 'sec-fetch-site': 'same-site' };
    const refreshed = await send(service, own, 'POST', '/browser/refresh', headers);
    expect(await refreshed.json()).toMatchObject({ claims: { amr: PROOF.amr, acr: PROOF.acr } });
  });

  it('loses nothing where another tab refreshes with the former cookie meanwhile', async () => {
    const { url } = await ask();
    const former: Jar = new Map(jar);
    await start(service, jar, url);
    expect((await send(service, former, 'POST', '/browser/refresh')).status).toBe(200);
    // Whoever had the token from before has proved nothing.
    expect(claimsOf(former).amr).toEqual(['pwd']);
    expect((await send(service, jar, 'POST', '/browser/refresh')).status).toBe(200);
    expect(claimsOf(jar)).toMatchObject(PROOF);
  });

  it('opens the link again: it is sent on, as it is', async () => {
    const { url } = await ask();
    await start(service, jar, url);
    expect((await start(service, jar, url)).status).toBe(303);
    expect(claimsOf(jar)).toMatchObject(PROOF);
    service.advance(61);
    const late = await start(service, jar, url);
    expect(late.headers.get('location')).toBe(RETURN_URL);
    expect((await send(service, jar, 'POST', '/browser/refresh')).status).toBe(200);
  });

  it('opens it too late: it is sent on, and not raised', async () => {
    const { url } = await ask();
    service.advance(61);
    const response = await start(service, jar, url);
    expect(response.headers.get('location')).toBe(RETURN_URL);
    expect(await readRow(sessionId)).toMatchObject({ amr: '["pwd"]' });
  });

  it('is not raised to an authentication before the last that is known', async () => {
    const { url } = await ask({ auth_time: NOW - 7_200 });
    await expectUnraised(jar, await start(service, jar, url));
  });

  it('is not raised by a code of a backend that acts for its client no more', async () => {
    const { url } = await ask();
    const former = service;
    service = await startWithBrowsers(
      {
        CLIENTS: JSON.stringify(
          JSON.parse(former.env.CLIENTS as string).map((client: { client_id: string }) =>
            client.client_id === BACKEND.id ? { ...client, for_clients: [BACKEND.id] } : client,
          ),
        ),
      },
      former.clock,
    );
    await expectUnraised(jar, await start(service, jar, url));
  });
});

describe('nobody else is', () => {
  it.each<[string, () => Promise<Jar>]>([
    ['a browser without a session', async () => new Map()],
    ['a browser with a session of somebody else', async () => (await signIn(service)).jar],
    [
      'a browser with another session of the same person',
      async () => (await signIn(service, { user_id: USER })).jar,
    ],
  ])('%s', async (_, open) => {
    const other = await open();
    const { url } = await ask();
    const before = new Map(other);
    for (const site of ['same-origin', 'same-site', 'cross-site', 'none']) {
      const answer = await start(service, other, url, { ...NAVIGATION, 'sec-fetch-site': site });
      expect(answer.status).toBe(400);
      expect(await answer.text()).toContain('<h1>This sign-in link does not work</h1>');
    }
    expect(other).toEqual(before);
    await expectUnraised(jar, await start(service, new Map(), url));
  });

  it('whoever posts the code, where no session is in the browser', async () => {
    const { url } = await ask();
    const code = new URL(url).searchParams.get('code') as string;
    const headers = {
      ...NAVIGATION,
      origin: ISSUER,
      'content-type': 'application/x-www-form-urlencoded',
    };
    const body = `code=${encodeURIComponent(code)}`;
    const answer = await send(service, new Map(), 'POST', '/browser/start', headers, body);
    await expectUnraised(jar, answer);
  });

  it('what looks ahead for the browser', async () => {
    const { url } = await ask();
    const answer = await start(service, jar, url, { ...NAVIGATION, 'sec-purpose': 'prefetch' });
    await expectUnraised(jar, answer);
  });

  it('a browser whose cookie came from another device, where that is refused', async () => {
    service = await startWithBrowsers({ RISK_POLICY: 'revoke' }, service.clock);
    const phone = 'Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X) Safari/605.1.15';
    const { jar: own, session } = await signIn(service, { user_id: USER, user_agent: phone });
    service.advance(41);
    const { url } = await ask({ auth_time: NOW + 80 }, { id: session.id });
    const answer = await start(service, own, url, {
      ...NAVIGATION,
      'user-agent': 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/142.0.0.0 Safari/537.36',
    });
    expect(answer.status).toBe(401);
    expect(answer.headers.getSetCookie()).toEqual([]);
    expect(await readRow(session.id)).toMatchObject({ amr: null, revoked_reason: 'suspicious' });
  });

  it('a thief with the cookie of before, after the grace period: the session ends', async () => {
    const thief: Jar = new Map(jar);
    const { url } = await ask();
    await start(service, jar, url);
    service.advance(31);
    await send(service, jar, 'POST', '/browser/refresh');
    expect((await send(service, thief, 'POST', '/browser/refresh')).status).toBe(401);
    expect(await readRow(sessionId)).toMatchObject({ revoked_reason: 'reuse_detected' });
  });
});

it('a session that waits for its browser is not raised by the code of another', async () => {
  const { session } = await handOff(service, { user_id: USER });
  const { url } = await ask({}, { id: session.id });
  await expectUnraised(jar, await start(service, new Map(), url));
});
