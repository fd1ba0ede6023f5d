/**
 * Whoever signs in again takes the place of their own former session, wherever in the browser that
 * is and in whatever state: none is left behind that nobody reaches any more (ASVS 7.2.4).
 */
import { env } from 'cloudflare:test';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { readRow, type TestService } from '../../fixtures';
import { AT, UA } from '../../risk/callers';
import {
  handOff,
  type Jar,
  NAVIGATION,
  OTHER_WEB,
  SAME_ORIGIN,
  send,
  start,
  startWithAccounts,
} from './browser';

const ADA = '7b0e4f50-0f4c-4d0b-8f43-0f7d1d2f7c01';
const BOB = '7b0e4f50-0f4c-4d0b-8f43-0f7d1d2f7c02';
const EVE = '7b0e4f50-0f4c-4d0b-8f43-0f7d1d2f7c03';
const OTHER = { client_id: OTHER_WEB, browser: { return_url: 'https://other.sessions.example/' } };

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

async function add(user_id: string | null, body: object = {}, headers = {}): Promise<string> {
  const { session, browser } = await handOff(service, { ...(user_id && { user_id }), ...body });
  const answer = await start(service, jar, browser.start_url, { ...NAVIGATION, ...headers });
  expect(answer.status).toBe(303);
  return session.id;
}
const post = (path: string, body = '{}', headers = {}) =>
  send(service, jar, 'POST', path, { ...SAME_ORIGIN, ...headers }, body);
const list = async (headers = {}) => {
  const answer = await send(service, jar, 'GET', '/browser/sessions', {
    ...SAME_ORIGIN,
    ...headers,
  });
  return ((await answer.json()) as { sessions: object[] }).sessions;
};
const isLive = async (id: string) => (await readRow(id))?.revoked_at === null;

describe('in an app that keeps several accounts', () => {
  it('their own, also where a guest has an account before it', async () => {
    await add(ADA);
    const bob = await add(BOB);
    await post('/browser/sign-out', '{"index":0}');
    const guest = await add(null);
    expect(await list()).toMatchObject([{ id: guest }, { id: bob }]);
    const again = await add(BOB);
    expect(await list()).toMatchObject([{ id: guest }, { index: 1, id: again, current: true }]);
    expect([await isLive(guest), await isLive(bob)]).toEqual([true, false]);
  });

  it('that of the guest whom they were, which ended when they became a user', async () => {
    const guest_session_id = await add(null);
    const user = await add(ADA, { guest_session_id });
    expect(await list()).toMatchObject([{ index: 0, id: user, current: true }]);
    expect([...jar.keys()].filter((name) => /-\d$/.test(name))).toEqual([]);
  });

  it('one that was ended elsewhere, whose cookies are not kept beside the new ones', async () => {
    const first = await add(ADA);
    await service.backend('DELETE', `/v1/sessions/${first}`);
    const second = await add(ADA);
    expect(await list()).toMatchObject([{ index: 0, id: second, current: true }]);
    expect([...jar.keys()].filter((name) => /-\d$/.test(name))).toEqual([]);
  });

  it('one of which a refresh demands that they sign in again: it ends', async () => {
    service = await startWithAccounts({ risk_policy: 'reauthenticate' });
    const device = { 'user-agent': UA.chromeOnMac, 'cf-connecting-ip': AT.home.address };
    const first = await add(ADA, {}, device);
    await post('/browser/refresh', '{}', device);
    const changed = { ...device, 'user-agent': UA.okhttp };
    const demanded = await post('/browser/refresh', '{}', changed);
    expect([demanded.status, await demanded.json()]).toMatchObject([
      401,
      { reason: 'reauthenticate' },
    ]);
    const second = await add(ADA, {}, changed);
    expect(await isLive(first)).toBe(false);
    expect(await list(changed)).toMatchObject([{ index: 0, id: second, current: true }]);
  });

  it('the live one, where one of theirs is over too', async () => {
    const dead = await add(ADA);
    await add(BOB);
    const cookie = jar.get('__Host-session') as string;
    await service.backend('DELETE', `/v1/sessions/${dead}`);
    const live = await add(ADA);
    // As by an earlier release: what was over stayed, and the new one got a place of its own.
    jar.set('__Host-session-2', jar.get('__Host-session') as string);
    jar.set('__Host-session', cookie);
    const again = await add(ADA);
    expect(await isLive(live)).toBe(false);
    expect(await list()).toMatchObject([{ user_id: BOB }, { index: 2, id: again }]);
  });
});

describe('in an app that keeps one account', () => {
  it('its own, though the current place is empty', async () => {
    await add(ADA);
    const bob = await add(BOB, OTHER);
    await post('/browser/switch', '{"index":0}');
    await post('/browser/sign-out');
    const eve = await add(EVE, OTHER);
    expect(await isLive(bob)).toBe(false);
    expect(await list()).toMatchObject([{ id: eve, current: true }]);
  });
});
