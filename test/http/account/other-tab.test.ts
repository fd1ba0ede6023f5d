/**
 * A page that shows one account, while another tab of the browser has made another one current: its
 * forms act on the account that the person sees. The page has no script that could tell.
 */
import { env } from 'cloudflare:test';
import { beforeEach, expect, it, vi } from 'vitest';
import { readRow, type TestService } from '../../fixtures';
import {
  handOff,
  type Jar,
  NAVIGATION,
  OWN_FORM,
  SAME_ORIGIN,
  send,
  start,
  startWithAccounts,
} from '../browser/browser';

const ADA = '7b0e4f50-0f4c-4d0b-8f43-0f7d1d2f7c01';
const BOB = '7b0e4f50-0f4c-4d0b-8f43-0f7d1d2f7c02';

let service: TestService;
let jar: Jar;
/** Sessions of the two in this browser, and on other devices of theirs. */
let ids: { here: string[]; elsewhere: string[] };

beforeEach(async () => {
  await env.DB.exec('DELETE FROM user_sessions; DELETE FROM users; DELETE FROM session_events');
  for (const level of ['log', 'warn', 'error'] as const)
    vi.spyOn(console, level).mockImplementation(() => {});
  service = await startWithAccounts();
  jar = new Map();
  ids = { here: [], elsewhere: [] };
  for (const user_id of [ADA, BOB]) {
    const { session, browser } = await handOff(service, { user_id });
    await start(service, jar, browser.start_url);
    ids.here.push(session.id);
    ids.elsewhere.push((await service.create({ user_id, client_id: 'app' })).session.id);
  }
  return () => vi.restoreAllMocks();
});

const switchTo = (index: number) =>
  send(service, jar, 'POST', '/browser/switch', SAME_ORIGIN, JSON.stringify({ index }));
const areLive = async (of: string[]) =>
  Promise.all(of.map(async (id) => (await readRow(id))?.revoked_at === null));

/** The form of a page that `shown` sees; it is sent once the other account is current. */
async function submitLate(shown: number, page: string, path: string) {
  await switchTo(shown);
  const html = await (await send(service, jar, 'GET', page, NAVIGATION)).text();
  const [, action] = new RegExp(`action="(${path}(?:\\?[^"]*)?)"`).exec(html) ?? [];
  if (action === undefined) throw new Error(`no form of ${path}`);
  await switchTo(1 - shown);
  const answer = await send(service, jar, 'POST', action.replaceAll('&amp;', '&'), OWN_FORM);
  expect(answer.status).toBe(303);
}

it.each([0, 1])(
  '“sign out” signs out whom the page shows, and leaves the current one: %i',
  async (shown) => {
    await submitLate(shown, '/account', '/account/sign-out');
    expect(await areLive(ids.here)).toEqual([shown !== 0, shown !== 1]);
    expect(await areLive(ids.elsewhere)).toEqual([true, true]);
    expect((await send(service, jar, 'GET', '/browser/session')).status).toBe(200);
  },
);

it.each([0, 1])(
  '“sign out everywhere” ends the sessions of whom the page shows: %i',
  async (shown) => {
    await submitLate(shown, '/account/not-you', '/account/sign-out-everywhere');
    for (const of of [ids.here, ids.elsewhere])
      expect(await areLive(of)).toEqual([shown !== 0, shown !== 1]);
    expect((await send(service, jar, 'GET', '/browser/session')).status).toBe(200);
  },
);

it.each([0, 1])(
  '“sign out of all other devices” ends those of whom the page shows: %i',
  async (shown) => {
    await submitLate(shown, '/account/sign-out-others', '/account/sign-out-others');
    expect(await areLive(ids.here)).toEqual([true, true]);
    expect(await areLive(ids.elsewhere)).toEqual([shown !== 0, shown !== 1]);
  },
);

it('an account that there is not, in the address of a form, is account 0', async () => {
  await switchTo(1);
  await send(service, jar, 'POST', '/account/sign-out?account=9', OWN_FORM);
  expect(await areLive(ids.here)).toEqual([false, true]);
});
