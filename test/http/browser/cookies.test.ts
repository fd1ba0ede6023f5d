/**
 * Refreshing and signing out with cookies: no token in any body, and no refusal that touches
 * a cookie.
 */
import { env } from 'cloudflare:test';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readRow, START, type TestService } from '../../fixtures';
import { USER } from '../../people';
import {
  handOff,
  type Jar,
  OTHER_WEB,
  readSetCookies,
  SAME_ORIGIN,
  send,
  signIn,
  start,
  startWithBrowsers,
  WEB,
} from './browser';

const GRACE = 30;
let service: TestService;
let jar: Jar;
let sessionId: string;

beforeEach(async () => {
  await env.DB.exec('DELETE FROM user_sessions; DELETE FROM outdated_tokens');
  service = await startWithBrowsers();
  const signedIn = await signIn(service, { user_id: USER });
  jar = signedIn.jar;
  sessionId = signedIn.session.id;
  service.advance(GRACE);
});
afterEach(() => vi.restoreAllMocks());

const refresh = (from = jar) => send(service, from, 'POST', '/browser/refresh');
const current = (from = jar) => send(service, from, 'GET', '/browser/session');

async function expectEnded(response: Response, reason?: string) {
  expect(response.status).toBe(401);
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  expect(response.headers.get('www-authenticate')).toMatch(/^Cookie /);
  expect(response.headers.getSetCookie()).toEqual([]);
  const body = (await response.json()) as { code: string; reason?: string };
  expect(body.code).toBe('session_ended');
  expect(body.reason).toBe(reason);
}

const bareCookie = (header: string, method = 'POST', path = '/browser/refresh') =>
  service.request(path, { method, headers: { ...SAME_ORIGIN, cookie: header } });

describe('POST /browser/refresh', () => {
  it('rotates the session and says when it ends, with no token in the body', async () => {
    const before = new Map(jar);
    const response = await refresh();
    expect(response.status).toBe(200);
    const body = await response.json();
    expect(body).toEqual({
      session: expect.objectContaining({
        id: sessionId,
        user_id: USER,
        client_id: WEB,
        current: true,
      }),
      claims: {
        sub: USER,
        sid: sessionId,
        home: 'DB',
        client_id: WEB,
        auth_time: START / 1000,
      },
      expires_in: 300,
      refresh_at: expect.stringMatching(/Z$/),
      session_expires_at: '2026-01-31T00:00:00Z',
      idle_expires_at: '2026-01-15T00:00:30Z',
      refresh_token_expires_in: 1_209_600,
    });
    expect(JSON.stringify(body)).not.toMatch(/eyJ|v2\./);
    for (const [name, value] of jar) expect(value).not.toBe(before.get(name));
    expect(readSetCookies(response).map(({ name, attributes }) => [name, attributes])).toEqual([
      [
        '__Host-session',
        { 'max-age': '1209600', path: '/', httponly: true, secure: true, samesite: 'Lax' },
      ],
      [
        '__Host-access',
        { 'max-age': '300', path: '/', httponly: true, secure: true, samesite: 'Lax' },
      ],
    ]);
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(response.headers.get('vary')).toBe('Origin, Sec-Fetch-Site, Cookie');
  });

  it('of 20 tabs at once signs nobody out: all get the same session cookie', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => refresh(new Map(jar))));
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
    const values = answers.map((answer) => readSetCookies(answer)[0]?.value);
    expect(new Set(values).size).toBe(1);
    jar.set('__Host-session', values[0] as string);
    service.advance(GRACE);
    expect((await refresh()).status).toBe(200);
  });

  it('with a cookie of before, after the grace period, is theft: the session ends everywhere', async () => {
    vi.spyOn(console, 'warn').mockImplementation(() => {});
    const stolen = new Map(jar);
    await refresh();
    service.advance(GRACE);
    await expectEnded(await refresh(stolen), 'reuse_detected');
    await expectEnded(await refresh(), 'reuse_detected');
  });

  it.each<[string, () => Promise<unknown>, string]>([
    ['signed out', () => send(service, new Map(jar), 'POST', '/browser/sign-out'), 'signed_out'],
    [
      'ended by a backend',
      () => service.backend('DELETE', `/v1/users/${USER}/sessions`),
      'revoked',
    ],
    ['idle for too long', async () => service.advance(1_209_600), 'expired_idle'],
    ['past its limit', async () => service.advance(2_592_000), 'expired_absolute'],
  ])('says that the session was %s', async (_, end, reason) => {
    await end();
    await expectEnded(await refresh(), reason);
    await expectEnded(await current(), reason);
  });

  it('says no more of what is not authentic', async () => {
    service.database.roundTrips = 0;
    const session = jar.get('__Host-session') as string;
    for (const header of [
      '',
      '__Host-session=',
      '__Host-session=x',
      `__Host-session=${session.slice(0, -2)}`,
      `__Host-session=${session}x`,
      `__Host-session=A~${session.split('~')[1]}`,
      `__Host-session=${session.split('~')[1]}`,
      `__Host-session=${session.replace('~', '%7E')}`,
      `__host-session=${session}`,
      `session=${session}`,
      `x__Host-session=${session}`,
      `__Host-session =${session}`,
      `__Host-access=${jar.get('__Host-access')}`,
      `__Host-session=${session.split('~')[0]}~${jar.get('__Host-access')}`,
      `__Host-session=${'a'.repeat(8000)}`,
    ])
      await expectEnded(await bareCookie(header));
    expect(service.database.roundTrips).toBe(0);
  });

  it("with a session's token under another client's name is refused, and ends nothing", async () => {
    const token = jar.get('__Host-session')?.split('~')[1];
    for (const client of [OTHER_WEB, 'app', 'nobody', '__proto__'])
      await expectEnded(
        await bareCookie(`__Host-session=${btoa(client).replace(/=+$/, '')}~${token}`),
      );
    expect((await refresh()).status).toBe(200);
  });

  it('is 503 while the database is away; the cookies stay, and are good afterwards', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => {});
    for (const [method, path] of [
      ['POST', '/browser/refresh'],
      ['GET', '/browser/session'],
      ['POST', '/browser/sign-out'],
      ['POST', '/browser/sign-out-everywhere'],
    ] as const) {
      service.database.faults = [{ before: 'D1_ERROR: internal error' }];
      const response = await send(service, jar, method, path);
      expect(response.status).toBe(503);
      expect(response.headers.get('retry-after')).toBe('1');
      expect(response.headers.getSetCookie()).toEqual([]);
      expect(response.headers.get('clear-site-data')).toBe(null);
    }
    expect((await refresh()).status).toBe(200);
  });

  it('a lost answer of the database changes nothing for the browser', async () => {
    service.database.faults = [{ after: 'D1_ERROR: Network connection lost' }];
    expect((await refresh()).status).toBe(200);
    service.advance(GRACE);
    expect((await refresh()).status).toBe(200);
  });
});

describe('a race', () => {
  it('sign out and in again in another tab, then the refusal of the old request arrives: the new session stays', async () => {
    const slow = new Map(jar);
    await send(service, jar, 'POST', '/browser/sign-out');
    const { browser, session } = await handOff(service, { user_id: USER });
    await start(service, jar, browser.start_url);
    const refusal = await refresh(slow);
    await expectEnded(refusal, 'signed_out');
    // The jar is the browser's: it takes from the late answer what any answer can say.
    for (const { name, value } of readSetCookies(refusal)) jar.set(name, value);
    expect(await (await current()).json()).toMatchObject({ session: { id: session.id } });
    service.advance(GRACE);
    expect((await refresh()).status).toBe(200);
  });

  it('whatever is refused sets no cookie: every route, every refusal', async () => {
    vi.spyOn(console, 'warn').mockImplementation(() => {});
    const old = new Map(jar);
    await refresh();
    service.advance(GRACE);
    await refresh(old);
    const jars = [old, jar, new Map([['__Host-session', 'x']]), new Map()] as Jar[];
    for (const one of jars) {
      for (const [method, path] of [
        ['POST', '/browser/refresh'],
        ['GET', '/browser/session'],
        ['POST', '/browser/sign-out-everywhere'],
      ] as const) {
        const response = await send(service, new Map(one), method, path);
        expect(response.status).toBe(401);
        expect(response.headers.getSetCookie()).toEqual([]);
        expect(response.headers.get('clear-site-data')).toBe(null);
      }
    }
  });
});

describe('GET /browser/session', () => {
  it('shows the session, with no write and in one round trip', async () => {
    const before = await readRow(sessionId);
    service.database.roundTrips = 0;
    service.database.rowsWritten = 0;
    const response = await current();
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      session: expect.objectContaining({ id: sessionId, user_id: USER, current: true }),
    });
    expect(response.headers.getSetCookie()).toEqual([]);
    expect(service.database).toMatchObject({ roundTrips: 1, rowsWritten: 0 });
    expect(await readRow(sessionId)).toEqual(before);
  });

  it('takes a superseded cookie within the grace period, and after it refuses without ending the session', async () => {
    const old = new Map(jar);
    await refresh();
    expect((await current(old)).status).toBe(200);
    service.advance(GRACE);
    await expectEnded(await current(old));
    expect(await readRow(sessionId)).toMatchObject({ revoked_at: null });
    expect((await current()).status).toBe(200);
  });

  it('needs no access token: the database decides', async () => {
    jar.delete('__Host-access');
    expect((await current()).status).toBe(200);
    jar.set('__Host-access', 'x');
    expect((await current()).status).toBe(200);
    await service.backend('DELETE', `/v1/users/${USER}/sessions`);
    await expectEnded(await current(), 'revoked');
  });

  it('of two users, each sees the own', async () => {
    const other = await signIn(service);
    expect(await (await current()).json()).toMatchObject({ session: { id: sessionId } });
    expect(await (await current(other.jar)).json()).toMatchObject({
      session: { id: other.session.id },
    });
  });
});

describe('a cookie of another name', () => {
  // Browsers hold only a name that begins with `__Host-` to its rules, so any neighbouring host can
  // set one that begins with white space; a server that trims it would take it for ours.
  it.each(['\u000b', '\u000c'])('%j before the name makes it another cookie', async (space) => {
    const session = jar.get('__Host-session');
    const disguised = `${space}__Host-session`;
    const planted = await bareCookie(`${disguised}=${session}`, 'POST', '/browser/refresh');
    expect(planted.status).toBe(401);
    const beside = `__Host-session=${session}; ${disguised}=x`;
    expect((await bareCookie(beside, 'POST', '/browser/refresh')).status).toBe(200);
  });

  it('is not ours, whatever is in it', async () => {
    const session = `__Host-session=${jar.get('__Host-session')}`;
    for (const header of [
      `theme=a; ${session}; theme=b`,
      `a=__Host-session=x; ${session}`,
      `__Host-session2=x; ${session}`,
      `__Host-session; ${session}`,
      `${session};`,
    ])
      expect((await bareCookie(header, 'GET', '/browser/session')).status).toBe(200);
  });
});

describe('POST /browser/sign-out', () => {
  const cleared = { path: '/', httponly: true, secure: true, samesite: 'Lax', 'max-age': '0' };

  function expectCleared(response: Response) {
    expect(response.status).toBe(204);
    expect(readSetCookies(response)).toEqual([
      { name: '__Host-session', value: '', attributes: cleared },
      { name: '__Host-access', value: '', attributes: cleared },
    ]);
    expect(response.headers.get('clear-site-data')).toBe(null);
  }

  it('ends this session alone, and clears both cookies by the attributes that they were set with', async () => {
    const elsewhere = await signIn(service, { user_id: USER });
    const kept = new Map(jar);
    expectCleared(await send(service, jar, 'POST', '/browser/sign-out'));
    expect(jar.size).toBe(0);
    expect(await readRow(sessionId)).toMatchObject({ revoked_reason: 'signed_out' });
    expect(await readRow(elsewhere.session.id)).toMatchObject({ revoked_at: null });
    await expectEnded(await refresh(kept), 'signed_out');
  });

  it.each<[string, (jar: Jar) => void]>([
    ['the session cookie alone', (own) => own.delete('__Host-access')],
    ['the access cookie alone', (own) => own.delete('__Host-session')],
    ['a bad session cookie and a good access cookie', (own) => own.set('__Host-session', 'x')],
    ['a good session cookie and a bad access cookie', (own) => own.set('__Host-access', 'x')],
  ])('ends the session by %s', async (_, change) => {
    change(jar);
    expectCleared(await send(service, jar, 'POST', '/browser/sign-out'));
    expect(await readRow(sessionId)).toMatchObject({ revoked_reason: 'signed_out' });
  });

  it('ends the session by a superseded cookie too', async () => {
    const old = new Map(jar);
    await refresh();
    service.advance(GRACE);
    expectCleared(await send(service, old, 'POST', '/browser/sign-out'));
    expect(await readRow(sessionId)).toMatchObject({ revoked_reason: 'signed_out' });
  });

  it('clears what there may be when there is nothing to end: no cookies, forged ones, an ended session', async () => {
    const kept = new Map(jar);
    expectCleared(await send(service, jar, 'POST', '/browser/sign-out'));
    const row = await readRow(sessionId);
    expectCleared(await send(service, kept, 'POST', '/browser/sign-out'));
    expectCleared(await send(service, new Map(), 'POST', '/browser/sign-out'));
    const forged: Jar = new Map([
      ['__Host-session', 'd2Vi~v2.a.b.c'],
      ['__Host-access', 'a.b.c'],
    ]);
    expectCleared(await send(service, forged, 'POST', '/browser/sign-out'));
    expect(await readRow(sessionId)).toEqual(row);
  });

  it("does not end a session under another client's name", async () => {
    const token = jar.get('__Host-session')?.split('~')[1];
    await bareCookie(
      `__Host-session=${btoa(OTHER_WEB).replace(/=+$/, '')}~${token}`,
      'POST',
      '/browser/sign-out',
    );
    expect(await readRow(sessionId)).toMatchObject({ revoked_at: null });
  });
});

describe('POST /browser/sign-out-everywhere', () => {
  const signOutEverywhere = (from = jar) =>
    send(service, from, 'POST', '/browser/sign-out-everywhere');

  it("ends all of the user's sessions and nobody else's, and clears the cookies", async () => {
    const [elsewhere, native, stranger] = [
      await signIn(service, {
        user_id: USER,
        client_id: OTHER_WEB,
        browser: { return_url: 'https://other.sessions.example/' },
      }),
      await service.create({ user_id: USER, client_id: 'app' }),
      await signIn(service, { user_id: '00000000-0000-4000-8000-000000000001' }),
    ];
    const response = await signOutEverywhere();
    expect(response.status).toBe(204);
    expect(response.headers.getSetCookie()).toHaveLength(2);
    expect(response.headers.get('clear-site-data')).toBe(null);
    expect(jar.size).toBe(0);
    for (const id of [sessionId, elsewhere.session.id, native.session.id])
      expect(await readRow(id)).toMatchObject({ revoked_reason: 'signed_out' });
    expect(await readRow(stranger.session.id)).toMatchObject({ revoked_at: null });
  });

  it('of a guest ends the own session', async () => {
    const [guest, other] = [await signIn(service), await signIn(service)];
    expect((await signOutEverywhere(guest.jar)).status).toBe(204);
    expect(await readRow(guest.session.id)).toMatchObject({ revoked_reason: 'signed_out' });
    expect(await readRow(other.session.id)).toMatchObject({ revoked_at: null });
  });

  it('needs a live session: who was signed out, or holds an old cookie, ends nothing', async () => {
    const elsewhere = await signIn(service, { user_id: USER });
    const old = new Map(jar);
    await refresh();
    service.advance(GRACE);
    await expectEnded(await signOutEverywhere(old));
    await send(service, new Map(jar), 'POST', '/browser/sign-out');
    await expectEnded(await signOutEverywhere(), 'signed_out');
    await expectEnded(await signOutEverywhere(new Map()));
    expect(await readRow(elsewhere.session.id)).toMatchObject({ revoked_at: null });
  });

  it("succeeds where the database's answer was lost", async () => {
    const { database } = service;
    const elsewhere = await signIn(service, { user_id: USER });
    // The first round trip finds the session, the second ends all; its answer is the one that is
    // lost.
    Object.assign(database, {
      roundTrips: 0,
      faults: [null, { after: 'D1_ERROR: Network connection lost' }],
    });
    expect((await signOutEverywhere()).status).toBe(204);
    expect(database.roundTrips).toBe(3);
    for (const id of [sessionId, elsewhere.session.id])
      expect(await readRow(id)).toMatchObject({ revoked_reason: 'signed_out' });
  });
});
