/**
 * Sessions that a browser forgets when it is closed: cookies without Max-Age and Expires (RFC
 * 6265bis §5.5), as the client has it or as the person chose ("remember me").
 */
import { env } from 'cloudflare:test';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { BACKEND, basic, type TestService } from '../../fixtures';
import { emptyHomes, startThreeHomes } from '../../homes/three-homes';
import { USER } from '../../people';
import { CLIENT_AT_PROVIDER, openProvider, PROVIDER } from '../provider';
import {
  APP_ORIGIN,
  handOff,
  type Jar,
  RETURN_URL,
  readSetCookies,
  send,
  start,
  startWithBrowsers,
  WEB,
} from './browser';

const NONCE = 'a-nonce-of-sixteen-or-more';
/** Seconds that the browser keeps each cookie; null: until it is closed. */
const FORGOTTEN = { '__Host-session': null, '__Host-access': null };
const KEPT = { '__Host-session': 14 * 86_400, '__Host-access': 300 };

beforeEach(async () => {
  await emptyHomes();
  for (const level of ['log', 'warn', 'error'] as const)
    vi.spyOn(console, level).mockImplementation(() => {});
  return () => vi.restoreAllMocks();
});

function keptFor(response: Response): Record<string, number | null> {
  const cookies = readSetCookies(response).filter(({ name }) => name !== '__Host-bookmark');
  return Object.fromEntries(
    cookies.map(({ name, attributes }) => {
      expect(attributes.expires).toBeUndefined();
      return [name, attributes['max-age'] === undefined ? null : Number(attributes['max-age'])];
    }),
  );
}

/** The browser client with these members, and a provider that signs people in. */
async function startAs(web: Record<string, unknown> = {}) {
  const { CLIENTS } = (await startWithBrowsers()).env;
  const entries = JSON.parse(CLIENTS ?? '[]') as { client_id: string }[];
  const clients = entries.map((entry) =>
    entry.client_id === WEB ? { ...entry, allow: ['refresh', 'sign_in'], ...web } : entry,
  );
  const provider = await openProvider();
  const issuers = [{ issuer: PROVIDER, audience: CLIENT_AT_PROVIDER }];
  const variables = {
    CLIENTS: JSON.stringify(clients),
    TRUSTED_ISSUERS: JSON.stringify(issuers),
  };
  return { service: await startWithBrowsers(variables, undefined, provider.send), provider };
}

const startAndRefresh = async (service: TestService, body: Record<string, unknown>) => {
  const { browser } = await handOff(service, { user_id: USER, ...body });
  const jar: Jar = new Map();
  const started = await start(service, jar, browser.start_url);
  service.advance(30);
  return [keptFor(started), keptFor(await send(service, jar, 'POST', '/browser/refresh'))];
};

const post = (service: TestService, body: Record<string, unknown>) =>
  service.request('/v1/sessions', {
    method: 'POST',
    headers: { authorization: basic(BACKEND), 'content-type': 'application/json' },
    body: JSON.stringify({ client_id: WEB, browser: { return_url: RETURN_URL }, ...body }),
  });

const signIn = async ({ service, provider }: Awaited<ReturnType<typeof startAs>>, more: object) =>
  service.request('/browser/sign-in', {
    method: 'POST',
    headers: {
      origin: APP_ORIGIN,
      'sec-fetch-site': 'same-site',
      'content-type': 'application/json',
    },
    body: JSON.stringify({
      client_id: WEB,
      id_token: await provider.idToken({ nonce: NONCE }),
      nonce: NONCE,
      ...more,
    }),
  });

describe('a session that is not persistent', () => {
  it('by a backend’s word: its cookies have no Max-Age, after a refresh neither', async () => {
    const { service } = await startAs();
    expect(await startAndRefresh(service, { persistent: false })).toEqual([FORGOTTEN, FORGOTTEN]);
    expect(await startAndRefresh(service, { persistent: true })).toEqual([KEPT, KEPT]);
    expect(await startAndRefresh(service, {})).toEqual([KEPT, KEPT]);
  });

  it('by its client’s: every one, and none may ask for more', async () => {
    const started = await startAs({ sessions: { persistent: false } });
    const { service } = started;
    expect(await startAndRefresh(service, {})).toEqual([FORGOTTEN, FORGOTTEN]);
    expect(keptFor(await signIn(started, {}))).toEqual(FORGOTTEN);
    const refused = await post(service, { persistent: true });
    expect(refused.status).toBe(400);
    expect(await refused.json()).toMatchObject({
      code: 'invalid_request',
      detail: expect.stringContaining('persistent'),
    });
    expect((await signIn(started, { persistent: true })).status).toBe(400);
  });

  it('by the person’s, at the sign-in by a page', async () => {
    const started = await startAs();
    expect(keptFor(await signIn(started, { persistent: false }))).toEqual(FORGOTTEN);
    expect(keptFor(await signIn(started, {}))).toEqual(KEPT);
    expect((await signIn(started, { persistent: 'no' })).status).toBe(400);
  });

  it('a client that is not persistent any more: from the next refresh on', async () => {
    const { service } = await startAs();
    const { browser } = await handOff(service, { user_id: USER });
    const jar: Jar = new Map();
    await start(service, jar, browser.start_url);
    const { service: later } = await startAs({ sessions: { persistent: false } });
    expect(keptFor(await send(later, jar, 'POST', '/browser/refresh'))).toEqual(FORGOTTEN);
  });

  it('signing out expires the cookies all the same', async () => {
    const { service } = await startAs({ sessions: { persistent: false } });
    const { browser } = await handOff(service, { user_id: USER });
    const jar: Jar = new Map();
    await start(service, jar, browser.start_url);
    const out = await send(service, jar, 'POST', '/browser/sign-out');
    expect(keptFor(out)).toEqual({ '__Host-session': 0, '__Host-access': 0 });
  });

  it('stays one in another home', async () => {
    const { CLIENTS } = (await startWithBrowsers()).env;
    const homes = await startThreeHomes({ CLIENTS: CLIENTS as string });
    const { browser } = await handOff(homes.service, {
      user_id: USER,
      home: 'DB',
      persistent: false,
    });
    const jar: Jar = new Map();
    await start(homes.service, jar, browser.start_url);
    expect((await homes.post(`/v1/users/${USER}/move`, { home: 'DB_WEUR' })).status).toBe(200);
    const there = await env.DB_WEUR.prepare('SELECT persistent FROM user_sessions').first();
    expect(there).toEqual({ persistent: 0 });
    const refreshed = await send(homes.service, jar, 'POST', '/browser/refresh');
    expect(keptFor(refreshed)).toEqual(FORGOTTEN);
  });
});
