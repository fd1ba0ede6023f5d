/** The accounts of a browser as an app has them, against the real service. */
import { decodeJwt } from 'jose';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  type BearerSessionClient,
  createSessionClient,
  SessionUnavailableError,
} from '../../src/client/browser';
import { createAccounts } from '../../src/client/browser/accounts';
import { withAudience } from '../../src/client/browser/audience';
import { eventually } from '../eventually';
import { AUDIENCE, clientsWith, ISSUER, readRow, type TestService } from '../fixtures';
import {
  handOff,
  type Jar,
  MEMORY_ORIGIN,
  MEMORY_WEB,
  OWN_FORM,
  readSetCookies,
  send as sendAs,
  start,
  startWithBrowsers,
} from '../http/browser/browser';

const ADA = '7b0e4f50-0f4c-4d0b-8f43-0f7d1d2f7c01';
const BOB = '7b0e4f50-0f4c-4d0b-8f43-0f7d1d2f7c02';

let service: TestService;
let jar: Jar;
let sent: string[];
/** What happens instead of a request, or before its answer is heard. */
let fault: (path: string) => Promise<Response | undefined>;
let client: ReturnType<typeof createSessionClient>;
let ids: { ada: string; bob: string };

beforeEach(async () => {
  for (const level of ['log', 'warn', 'error'] as const)
    vi.spyOn(console, level).mockImplementation(() => {});
  const plain = await startWithBrowsers();
  service = await startWithBrowsers({
    CLIENTS: clientsWith(plain, MEMORY_WEB, { several_accounts: true }),
  });
  [jar, sent, fault] = [new Map(), [], async () => undefined];
  const add = async (user_id: string, claims: object) => {
    const body = { client_id: MEMORY_WEB, user_id, claims, browser: { return_url: MEMORY_ORIGIN } };
    const { session, browser } = await handOff(service, body);
    await start(service, jar, browser.start_url);
    return session.id;
  };
  ids = { ada: await add(ADA, { name: 'Ada' }), bob: await add(BOB, {}) };
  client = createSessionClient({
    mode: 'memory',
    baseUrl: ISSUER,
    fetch: send,
    now: () => service.clock.now,
  }) as ReturnType<typeof createSessionClient>;
  await client.refresh();
});
afterEach(() => {
  client.close();
  vi.restoreAllMocks();
});

const send: typeof fetch = async (input, init = {}) => {
  const { keepalive: _, credentials, ...rest } = init as RequestInit & Record<string, unknown>;
  expect(credentials).toBe('include');
  const { pathname } = new URL(`${input}`);
  sent.push(`${init.method ?? 'GET'} ${pathname}`);
  const headers = new Headers(init.headers);
  headers.set('origin', MEMORY_ORIGIN);
  headers.set('sec-fetch-site', 'same-site');
  headers.set('cookie', [...jar].map((pair) => pair.join('=')).join('; '));
  const answered = service.request(pathname, { ...rest, headers });
  const replaced = await fault(pathname);
  if (replaced) return replaced;
  const response = await answered;
  for (const { name, value, attributes } of readSetCookies(response))
    if (attributes['max-age'] === '0') jar.delete(name);
    else jar.set(name, value);
  return response;
};

const open = () => createAccounts(client, { baseUrl: ISSUER, fetch: send });
const isLive = async (id: string) => (await readRow(id))?.revoked_at === null;
const subject = async () => (await client.getSession())?.sub;

describe('the accounts', () => {
  it('are listed, without a refresh', async () => {
    sent.length = 0;
    expect(await open().list()).toEqual([
      {
        index: 0,
        isCurrent: false,
        sessionId: ids.ada,
        userId: ADA,
        displayName: 'Ada',
        clientId: MEMORY_WEB,
      },
      {
        index: 1,
        isCurrent: true,
        sessionId: ids.bob,
        userId: BOB,
        displayName: null,
        clientId: MEMORY_WEB,
      },
    ]);
    expect(sent).toEqual(['GET /browser/sessions']);
  });

  it('are switched between: the client goes on as the other, and tells it', async () => {
    expect(await subject()).toBe(BOB);
    const states: string[] = [];
    client.onChange((state) => states.push(state));
    expect(await open().switchTo(0)).toBe(true);
    expect(await subject()).toBe(ADA);
    // Nobody was signed out on the way.
    expect(states).toEqual(['active']);
    expect(await open().switchTo(1)).toBe(true);
    expect(await subject()).toBe(BOB);
  });

  it('a refresh that began before the switch brings the former account’s answer to nobody', async () => {
    let letGo = () => {};
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    let refreshes = 0;
    fault = async (path) => {
      if (path === '/browser/refresh' && ++refreshes === 1) await held;
      return undefined;
    };
    const late = client.refresh();
    await eventually(() => expect(refreshes).toBe(1));
    const switched = open().switchTo(0);
    await eventually(() => expect(sent.at(-1)).toBe('POST /browser/switch'));
    letGo();
    await late;
    expect(await switched).toBe(true);
    expect(await subject()).toBe(ADA);
    expect(await isLive(ids.bob)).toBe(true);
  });

  it('a token for one API brings no token of the account that was left', async () => {
    const bearer = client as BearerSessionClient;
    const api = withAudience(bearer, AUDIENCE);
    // By the page for people, of which no tab of the app hears.
    await sendAs(service, jar, 'POST', '/account/accounts/0/switch', OWN_FORM);
    await api.refresh();
    expect(await subject()).toBe(ADA);
    for (const token of [await api.getAccessToken(), await bearer.getAccessToken()])
      expect(decodeJwt(token as string).sub).toBe(ADA);
  });

  it('one that is over is not switched to', async () => {
    await service.backend('DELETE', `/v1/sessions/${ids.ada}`);
    expect(await open().switchTo(0)).toBe(false);
    expect(await open().switchTo(4)).toBe(false);
    expect([client.session, await subject()]).toEqual(['active', BOB]);
  });

  it('one is signed out, and the other lives', async () => {
    await open().signOut(0);
    expect([await isLive(ids.ada), await isLive(ids.bob)]).toEqual([false, true]);
    expect([client.session, await subject()]).toEqual(['active', BOB]);
  });

  it('the current one is signed out, and none is chosen in its place', async () => {
    const reasons: (string | null)[] = [];
    client.onSignedOut((reason) => reasons.push(reason));
    await open().signOut(1);
    expect([await isLive(ids.ada), await isLive(ids.bob)]).toEqual([true, false]);
    expect([client.session, await subject()]).toEqual(['signed_out', undefined]);
    expect(reasons).toEqual(['signed_out']);
    expect(await open().switchTo(0)).toBe(true);
    expect([client.session, await subject()]).toEqual(['active', ADA]);
  });

  it('all are signed out', async () => {
    await open().signOutAll();
    expect([await isLive(ids.ada), await isLive(ids.bob)]).toEqual([false, false]);
    expect(await open().list()).toEqual([]);
    expect(client.session).toBe('signed_out');
  });

  it('are as they were where the service cannot be asked, which rejects', async () => {
    for (const [answer, code] of [
      [
        async () => Response.json({ code: 'database_unavailable' }, { status: 503 }),
        'database_unavailable',
      ],
      [async () => new Response('<html>', { status: 502 }), undefined],
      [async () => Promise.reject(new TypeError('network')), undefined],
    ] as const) {
      fault = answer;
      for (const call of [() => open().list(), () => open().switchTo(0), () => open().signOut(0)]) {
        const error = await call().catch((thrown) => thrown);
        expect(error).toBeInstanceOf(SessionUnavailableError);
        expect(error.code).toBe(code);
      }
    }
    fault = async () => undefined;
    expect(await subject()).toBe(BOB);
  });
});
