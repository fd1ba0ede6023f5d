/**
 * Several accounts in one browser: a sign-in is added where the client says so, one is current, and
 * each session is refreshed, ended and watched by itself.
 */
import { env } from 'cloudflare:test';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { ISSUER, readRow, stepUp, type TestService } from '../../fixtures';
import { AT, UA } from '../../risk/callers';
import {
  APP_ORIGIN,
  asBackend,
  handOff,
  type Jar,
  NAVIGATION,
  OTHER_WEB,
  OWN_FORM,
  RETURN_URL,
  SAME_ORIGIN,
  send,
  start,
  startWithAccounts,
  startWithBrowsers,
} from './browser';

const ADA = '7b0e4f50-0f4c-4d0b-8f43-0f7d1d2f7c01';
const BOB = '7b0e4f50-0f4c-4d0b-8f43-0f7d1d2f7c02';
const person = (number: number) => `7b0e4f50-0f4c-4d0b-8f43-0f7d1d2f7c0${number}`;
const GRACE = 30;

interface Listed {
  index: number;
  current: boolean;
  id: string;
  user_id: string | null;
  display_name: string | null;
  client_id: string;
}

let service: TestService;
let jar: Jar;

beforeEach(async () => {
  await env.DB.exec('DELETE FROM user_sessions; DELETE FROM users; DELETE FROM session_events');
  for (const level of ['log', 'warn', 'error'] as const)
    vi.spyOn(console, level).mockImplementation(() => {});
  service = await startWithAccounts();
  jar = new Map();
  return () => vi.restoreAllMocks();
});

/** Somebody signs in in the browser; gives the id of the session. */
async function add(user_id: string | null, body: Record<string, unknown> = {}): Promise<string> {
  const { session, browser } = await handOff(service, { ...(user_id && { user_id }), ...body });
  const response = await start(service, jar, browser.start_url);
  expect(response.status).toBe(303);
  return session.id;
}

const list = async (headers?: Record<string, string>): Promise<Listed[]> => {
  const response = await send(service, jar, 'GET', '/browser/sessions', headers);
  expect(response.status).toBe(200);
  return ((await response.json()) as { sessions: Listed[] }).sessions;
};

const switchTo = (index: unknown, headers?: Record<string, string>) =>
  send(service, jar, 'POST', '/browser/switch', headers, JSON.stringify({ index }));

const current = async () => {
  const response = await send(service, jar, 'GET', '/browser/session');
  const { session, code } = (await response.json()) as { session?: Listed; code?: string };
  return session?.user_id ?? code;
};

const isLive = async (id: string) => (await readRow(id))?.revoked_at === null;

describe('a sign-in of another person', () => {
  it('is added beside the one that is there, and becomes current', async () => {
    const first = await add(ADA);
    const second = await add(BOB);
    expect(await current()).toBe(BOB);
    expect(await list()).toEqual([
      { index: 0, current: false, id: first, user_id: ADA, display_name: null, client_id: 'web' },
      { index: 1, current: true, id: second, user_id: BOB, display_name: null, client_id: 'web' },
    ]);
    expect(await isLive(first)).toBe(true);
  });

  it('takes the place of the other’s session where the client keeps one account alone', async () => {
    service = await startWithBrowsers();
    const first = await add(ADA);
    await add(BOB);
    expect(await list()).toMatchObject([{ index: 0, user_id: BOB, current: true }]);
    expect(await isLive(first)).toBe(false);
  });

  it('never ends an account of another app that keeps several', async () => {
    const first = await add(ADA);
    const url = 'https://other.sessions.example/';
    await add(BOB, { client_id: OTHER_WEB, browser: { return_url: url } });
    expect(await isLive(first)).toBe(true);
    expect(await list()).toMatchObject([
      { index: 0, user_id: ADA, client_id: 'web' },
      { index: 1, user_id: BOB, client_id: OTHER_WEB },
    ]);
    // The other app keeps one account: its own next sign-in takes that one's place.
    await add(person(3), { client_id: OTHER_WEB, browser: { return_url: url } });
    expect((await list()).map(({ user_id }) => user_id)).toEqual([ADA, person(3)]);
  });

  it('is shown by the name that the backend gave', async () => {
    await add(ADA, { metadata: { display_name: 'Ada Lovelace' } });
    await add(BOB, { claims: { email: 'bob@example.com' } });
    expect((await list()).map(({ display_name }) => display_name)).toEqual([
      'Ada Lovelace',
      'bob@example.com',
    ]);
  });

  it('ends the person’s own former session, in whichever place it was', async () => {
    const first = await add(ADA);
    await add(BOB);
    const again = await add(ADA);
    expect(await list()).toMatchObject([
      { index: 0, user_id: ADA, id: again, current: true },
      { index: 1, user_id: BOB, current: false },
    ]);
    expect(await isLive(first)).toBe(false);
    expect(await readRow(first)).toMatchObject({ revoked_reason: 'signed_out' });
  });

  it('takes the place of a guest, who is nobody else', async () => {
    const guest = await add(null);
    await add(BOB);
    expect(await list()).toMatchObject([{ index: 0, user_id: BOB }]);
    expect(await isLive(guest)).toBe(false);
  });

  it('is beside that of support staff who act as the same person', async () => {
    const act = { act: { sub: 'support@example.com' }, reason: 'ticket 7' };
    const own = await add(ADA);
    const support = await add(ADA, act);
    expect((await list()).map(({ id }) => id)).toEqual([own, support]);
  });

  it('is refused as the sixth, which ends nobody and leaves the link good', async () => {
    for (const number of [1, 2, 3, 4, 5]) await add(person(number));
    const { session, browser } = await handOff(service, { user_id: person(6) });
    const headers = { ...NAVIGATION, accept: 'application/json' };
    const refused = await start(service, jar, browser.start_url, headers);
    expect(refused.status).toBe(409);
    expect(await refused.json()).toMatchObject({ code: 'too_many_accounts' });
    const page = await start(service, jar, browser.start_url);
    expect(page.status).toBe(409);
    expect(await page.text()).toMatch(/five accounts[\s\S]*href="\/account\/accounts"/);
    expect(await list()).toHaveLength(5);

    await send(service, jar, 'POST', '/browser/sign-out', SAME_ORIGIN, '{"index":2}');
    expect((await start(service, jar, browser.start_url)).status).toBe(303);
    expect((await list())[2]).toMatchObject({ index: 2, id: session.id, current: true });
  });

  it('is no sixth where it is one of the five who signs in again, or one is over', async () => {
    const ids = [];
    for (const number of [1, 2, 3, 4, 5]) ids.push(await add(person(number)));
    await add(person(4));
    expect((await list()).map(({ user_id }) => user_id)).toEqual([1, 2, 3, 4, 5].map(person));
    await service.backend('DELETE', `/v1/sessions/${ids[1]}`);
    await add(person(6));
    expect((await list())[1]).toMatchObject({ index: 1, user_id: person(6), current: true });
  });

  it('asks before it adds one to a browser that comes from a link', async () => {
    await add(ADA);
    const { browser } = await handOff(service, { user_id: BOB });
    const asked = await start(service, jar, browser.start_url, {
      ...NAVIGATION,
      'sec-fetch-site': 'cross-site',
    });
    expect(asked.status).toBe(200);
    const page = await asked.text();
    expect(page).toContain('Continue signing in?');
    // Nothing ends, so nothing is said of that.
    expect(page).not.toContain('that session ends');
    expect(await list()).toHaveLength(1);
  });
});

describe('switching', () => {
  it('gives the other account’s cookies, and every route is of it', async () => {
    await add(ADA);
    await add(BOB);
    const answer = await switchTo(0);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ session: { user_id: ADA }, claims: { sub: ADA } });
    expect(await current()).toBe(ADA);
    expect(jar.get('__Host-account')).toBe('0');
    // The access token of the account that was left is of no use there.
    expect([...jar.keys()].sort()).toEqual([
      '__Host-access',
      '__Host-account',
      '__Host-session',
      '__Host-session-1',
    ]);
    const token = await service.request('/browser/token', {
      method: 'POST',
      headers: asBackend(jar),
    });
    expect(await token.json()).toMatchObject({ session: { user_id: ADA } });
    await switchTo(1);
    const other = await service.request('/browser/token', {
      method: 'POST',
      headers: asBackend(jar),
    });
    expect(await other.json()).toMatchObject({ session: { user_id: BOB } });
  });

  it('to an account that is not there, or is over, changes nothing', async () => {
    const first = await add(ADA);
    await add(BOB);
    await service.backend('DELETE', `/v1/sessions/${first}?reason=administrator`);
    for (const [index, reason] of [
      [0, 'administrator'],
      [3, undefined],
    ] as const) {
      const refused = await switchTo(index);
      expect(refused.status).toBe(401);
      expect(await refused.json()).toMatchObject({
        code: 'session_ended',
        ...(reason && { reason }),
      });
      expect(refused.headers.getSetCookie()).toEqual([]);
    }
    expect(await current()).toBe(BOB);
  });

  it.each([5, -1, '1', 0.5, null, undefined])('refuses the index %j', async (index) => {
    await add(ADA);
    const refused = await switchTo(index);
    expect(refused.status).toBe(400);
    expect(await refused.json()).toMatchObject({
      detail: `index ${index === undefined ? 'is missing' : 'must be an index from 0 to 4'}`,
    });
    expect(service.database.roundTrips).toBeLessThan(5);
  });

  it('is for pages of the account’s own app alone', async () => {
    await add(ADA);
    await add(BOB);
    const other = { ...SAME_ORIGIN, 'sec-fetch-site': 'same-site' };
    const foreign = await switchTo(0, { ...other, origin: 'https://other.sessions.example' });
    expect([foreign.status, await foreign.json()]).toMatchObject([401, { code: 'session_ended' }]);
    const evil = await switchTo(0, { ...other, origin: 'https://evil.example' });
    expect([evil.status, await evil.json()]).toMatchObject([403, { code: 'cross_site_request' }]);
    const form = await switchTo(0, { ...OWN_FORM, 'content-type': 'text/plain' });
    expect(form.status).toBe(415);
    const own = await switchTo(0, { ...other, origin: APP_ORIGIN });
    expect(own.status).toBe(200);
    expect(own.headers.get('access-control-allow-origin')).toBe(APP_ORIGIN);
  });

  it('answers the preflights of the app’s pages', async () => {
    for (const [path, method] of [
      ['/browser/switch', 'POST'],
      ['/browser/sessions', 'GET'],
    ] as const) {
      const answer = await service.request(path, {
        method: 'OPTIONS',
        headers: { origin: APP_ORIGIN, 'access-control-request-method': method },
      });
      expect(answer.status).toBe(204);
      expect(answer.headers.get('access-control-allow-methods')).toBe(method);
    }
  });

  it('is not undone by the late answer of a refresh that began before', async () => {
    await add(ADA);
    service.advance(GRACE);
    const before = new Map(jar);
    await add(BOB);
    const late = await send(service, before, 'POST', '/browser/refresh');
    expect(late.status).toBe(200);
    for (const name of ['__Host-session', '__Host-access'])
      jar.set(name, before.get(name) as string);
    expect(await current()).toBe(BOB);
    expect(await list()).toMatchObject([{ user_id: ADA }, { user_id: BOB, current: true }]);
  });
});

describe('the list', () => {
  it('rotates nothing, and costs one round trip a home', async () => {
    for (const number of [1, 2, 3, 4, 5]) await add(person(number));
    service.advance(GRACE);
    await list();
    Object.assign(service.database, { roundTrips: 0, rowsRead: 0, rowsWritten: 0 });
    const before = new Map(jar);
    expect(await list()).toHaveLength(5);
    expect(service.database).toMatchObject({ roundTrips: 1, rowsWritten: 0 });
    expect(jar).toEqual(before);
  });

  it('tells a page of its own app’s accounts alone', async () => {
    await add(ADA);
    const url = 'https://other.sessions.example/';
    await add(BOB, { client_id: OTHER_WEB, browser: { return_url: url } });
    const from = (origin: string) => list({ 'sec-fetch-site': 'same-site', origin });
    expect(await from(APP_ORIGIN)).toMatchObject([{ user_id: ADA, current: false }]);
    expect(await from('https://other.sessions.example')).toMatchObject([{ user_id: BOB }]);
    const evil = await send(service, jar, 'GET', '/browser/sessions', {
      'sec-fetch-site': 'cross-site',
      origin: 'https://evil.example',
    });
    expect(evil.status).toBe(403);
  });

  it('is empty in a browser without sessions, and for what nobody signed', async () => {
    expect(await list()).toEqual([]);
    jar.set('__Host-session', 'd2Vi~v2.forged');
    jar.set('__Host-session-3', 'x');
    Object.assign(service.database, { roundTrips: 0 });
    expect(await list()).toEqual([]);
    expect(service.database.roundTrips).toBe(0);
  });

  it('shows nobody by a token that has been superseded, and reports that it was shown', async () => {
    const id = await add(ADA);
    const stolen = new Map(jar);
    for (let steps = 0; steps < 2; steps += 1) {
      service.advance(GRACE);
      await send(service, jar, 'POST', '/browser/refresh');
    }
    service.advance(GRACE);
    const answer = await send(service, stolen, 'GET', '/browser/sessions');
    expect(await answer.json()).toEqual({ sessions: [] });
    const events = await env.DB.prepare(
      "SELECT session_id FROM session_events WHERE type = 'reuse_detected'",
    ).all();
    expect(events.results).toEqual([{ session_id: id }]);
  });
});

describe('signing out', () => {
  const signOut = (body: string) =>
    send(service, jar, 'POST', '/browser/sign-out', SAME_ORIGIN, body);

  it('of one account leaves the others, and chooses none of them', async () => {
    const first = await add(ADA);
    const second = await add(BOB);
    expect((await signOut('{}')).status).toBe(204);
    expect([await isLive(first), await isLive(second)]).toEqual([true, false]);
    expect(await current()).toBe('session_ended');
    expect(await list()).toMatchObject([{ user_id: ADA, current: false }]);
    expect((await switchTo(0)).status).toBe(200);
    expect(await current()).toBe(ADA);
  });

  it('of another account than the current one leaves that', async () => {
    const first = await add(ADA);
    const second = await add(BOB);
    await signOut('{"index":0}');
    expect([await isLive(first), await isLive(second)]).toEqual([false, true]);
    expect(await current()).toBe(BOB);
    expect(jar.has('__Host-session')).toBe(false);
  });

  it.each([5, '1', 'each'])(
    'of the index %j is refused, and says which there are',
    async (index) => {
      await add(ADA);
      const refused = await signOut(JSON.stringify({ index }));
      expect([refused.status, await refused.json()]).toMatchObject([
        400,
        { detail: 'index must be an index from 0 to 4, or all' },
      ]);
    },
  );

  it('of all accounts leaves no session and no cookie of one', async () => {
    const ids = [await add(ADA), await add(BOB), await add(person(3))];
    await signOut('{"index":"all"}');
    expect(await Promise.all(ids.map(isLive))).toEqual([false, false, false]);
    expect([...jar.keys()].filter((name) => /session|access/.test(name))).toEqual([]);
  });

  it('everywhere is of the current person, and the other account lives', async () => {
    const first = await add(ADA);
    const second = await add(BOB);
    await send(service, jar, 'POST', '/browser/sign-out-everywhere');
    expect([await isLive(first), await isLive(second)]).toEqual([true, false]);
    expect(await list()).toMatchObject([{ user_id: ADA }]);
  });

  it('is refused to the page of another app, which all accounts survive', async () => {
    const ids = [await add(ADA), await add(BOB)];
    const headers = {
      ...SAME_ORIGIN,
      'sec-fetch-site': 'same-site',
      origin: 'https://other.sessions.example',
    };
    for (const body of ['{}', '{"index":0}', '{"index":"all"}'])
      await send(service, jar, 'POST', '/browser/sign-out', headers, body);
    expect(await Promise.all(ids.map(isLive))).toEqual([true, true]);
    expect(await list()).toHaveLength(2);
  });
});

describe('each session is by itself', () => {
  it('refreshed: the other’s token and row stay as they are', async () => {
    const first = await add(ADA);
    await add(BOB);
    service.advance(GRACE);
    const [before, row] = [jar.get('__Host-session'), await readRow(first)];
    const refreshed = await send(service, jar, 'POST', '/browser/refresh');
    expect(await refreshed.json()).toMatchObject({ session: { user_id: BOB } });
    expect(jar.get('__Host-session')).toBe(before);
    expect(await readRow(first)).toEqual(row);
  });

  it('stepped up: a code raises the account that it is for, which becomes current', async () => {
    const first = await add(ADA);
    await add(BOB);
    const { status, body } = await stepUp(service, first, {
      browser: { return_url: RETURN_URL },
      acr: 'gold',
    });
    expect(status).toBe(200);
    const { browser } = body as unknown as { browser: { start_url: string } };
    expect((await start(service, jar, browser.start_url)).status).toBe(303);
    expect(await current()).toBe(ADA);
    expect((await list()).map(({ current }) => current)).toEqual([true, false]);
    expect(await readRow(first)).toMatchObject({ acr: 'gold' });
  });

  it('watched: a caller that differs is reported for each session that is listed', async () => {
    await add(ADA, { user_agent: UA.chromeOnMac, ip_address: AT.home.address });
    const own = { ...SAME_ORIGIN, 'user-agent': UA.chromeOnMac };
    await send(service, jar, 'POST', '/browser/refresh', own);
    const count = async () =>
      (await env.DB.prepare("SELECT id FROM session_events WHERE type = 'mismatch'").all()).results
        .length;
    const before = await count();
    await list({ ...SAME_ORIGIN, 'user-agent': UA.okhttp });
    expect(await count()).toBe(before + 1);
  });
});

describe('on the page for people', () => {
  const get = async (path: string) => (await send(service, jar, 'GET', path, NAVIGATION)).text();

  it('one account sees no link to others; with two there is one, also when none is current', async () => {
    await add(ADA, { claims: { name: 'Ada Lovelace' } });
    expect(await get('/account')).not.toContain('/account/accounts');
    await add(BOB, { claims: { name: 'Bob' } });
    const page = await get('/account');
    expect(page).toContain('Signed in as <bdi>Bob</bdi>');
    expect(page).toContain('href="/account/accounts"');
    await send(service, jar, 'POST', '/browser/sign-out', SAME_ORIGIN, '{}');
    const over = await get('/account');
    expect(over).toContain('You are not signed in');
    expect(over).toContain('href="/account/accounts"');
  });

  it('lists them, switches and signs out one', async () => {
    const first = await add(ADA, { claims: { name: '<b>Ada</b>' } });
    const second = await add(BOB);
    const page = await get('/account/accounts');
    expect(page).toContain('<bdi>&lt;b&gt;Ada&lt;/b&gt;</bdi>');
    expect(page).toContain(BOB);
    expect(page).toContain('Current account');
    expect(page).toContain('action="/account/accounts/0/switch"');
    expect(page).not.toContain('action="/account/accounts/1/switch"');

    const switched = await send(service, jar, 'POST', '/account/accounts/0/switch', OWN_FORM);
    expect([switched.status, switched.headers.get('location')]).toEqual([303, '/account']);
    expect(await current()).toBe(ADA);
    const out = await send(service, jar, 'POST', '/account/accounts/1/sign-out', OWN_FORM);
    expect([out.status, out.headers.get('location')]).toEqual([303, '/account/accounts']);
    expect([await isLive(first), await isLive(second)]).toEqual([true, false]);
    expect(await current()).toBe(ADA);
  });

  it('takes forms of its own alone, and indexes that there are', async () => {
    await add(ADA);
    await add(BOB);
    for (const action of ['switch', 'sign-out']) {
      const path = `/account/accounts/0/${action}`;
      const foreign = { ...OWN_FORM, 'sec-fetch-site': 'same-site', origin: APP_ORIGIN };
      expect((await send(service, jar, 'POST', path, foreign)).status).toBe(403);
      for (const index of ['5', '00', 'x', '-1'])
        expect(
          (await send(service, jar, 'POST', `/account/accounts/${index}/${action}`, OWN_FORM))
            .status,
        ).toBe(404);
    }
    expect(await current()).toBe(BOB);
    expect(await list()).toHaveLength(2);
  });

  it('does not switch to a session that is over', async () => {
    const first = await add(ADA);
    await add(BOB);
    await service.backend('DELETE', `/v1/sessions/${first}`);
    const refused = await send(service, jar, 'POST', '/account/accounts/0/switch', OWN_FORM);
    expect(refused.status).toBe(401);
    expect(await current()).toBe(BOB);
  });
});

describe('a browser that has lost the cookie that says which account is current', () => {
  it.each([0, 1])('is of none of several, until one is chosen: %i was', async (index) => {
    await add(ADA);
    await add(BOB);
    await switchTo(index);
    jar.delete('__Host-account');
    expect(await current()).toBe('ambiguous_cookie');
    expect((await send(service, jar, 'POST', '/browser/refresh')).status).toBe(401);
    expect((await list()).map(({ current }) => current)).toEqual([false, false]);
    expect((await switchTo(1)).status).toBe(200);
    expect(await current()).toBe(BOB);
    jar.delete('__Host-account');
    await add(ADA);
    expect(await current()).toBe(ADA);
    expect(await list()).toHaveLength(2);
  });

  it('is of the one where there is one', async () => {
    await add(ADA);
    expect(jar.has('__Host-account')).toBe(false);
    expect(await current()).toBe(ADA);
  });
});

describe('two cookies that say which account is current', () => {
  it('are none: nobody is taken for the other, and a sign-in says it anew', async () => {
    await add(ADA);
    await add(BOB);
    const cookie = `${[...jar].map((pair) => pair.join('=')).join('; ')}; __Host-account=0`;
    for (const [method, path] of [
      ['GET', '/browser/session'],
      ['POST', '/browser/refresh'],
    ] as const) {
      const answer = await service.request(path, { method, headers: { ...SAME_ORIGIN, cookie } });
      expect(await answer.json()).toMatchObject({ code: 'ambiguous_cookie' });
      // What is not the service's own is expired.
      expect(answer.headers.getSetCookie().join()).toContain('__Host-account=; Max-Age=0; Path=/;');
    }
    const token = await service.request('/browser/token', {
      method: 'POST',
      headers: { ...asBackend(jar), cookie },
    });
    expect(await token.json()).toMatchObject({ code: 'ambiguous_cookie' });
    const { browser } = await handOff(service, { user_id: person(3) });
    const started = await service.request(browser.start_url.slice(ISSUER.length), {
      headers: { ...NAVIGATION, cookie },
    });
    expect(started.headers.getSetCookie().join()).toContain('__Host-account=2');
  });

  it('do not leave whoever signs out signed in as another', async () => {
    const ids = [await add(ADA), await add(BOB)];
    const cookie = `${[...jar].map((pair) => pair.join('=')).join('; ')}; __Host-account=0`;
    const headers = { ...SAME_ORIGIN, cookie };
    const answer = await service.request('/browser/sign-out', { method: 'POST', headers });
    expect(answer.status).toBe(204);
    expect(await Promise.all(ids.map(isLive))).toEqual([false, false]);
  });
});

it('a cookie of any account fits: name and value within 4,096 bytes', async () => {
  const long = { claims: { note: 'x'.repeat(2_000) } };
  for (const number of [1, 2, 3, 4, 5]) await add(person(number), long);
  for (const [name, value] of jar) expect(name.length + value.length).toBeLessThanOrEqual(4096);
  expect(jar.has('__Host-access-4')).toBe(true);
});
