/** `GET /v1/users/{user_id}/sessions` of some of them: by client, device and time. */
import { env } from 'cloudflare:test';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { BACKEND, START, startService, type TestService } from '../fixtures';
import { emptyHomes, startThreeHomes } from '../homes/three-homes';
import { USER } from '../people';
import { AT, UA } from '../risk/callers';
import { bind, refusalOf, valueIn } from '../rpc/door';

const SECOND = START / 1000;

let service: TestService;
beforeEach(async () => {
  vi.spyOn(console, 'log').mockImplementation(() => {});
  vi.spyOn(console, 'warn').mockImplementation(() => {});
  await env.DB.exec('DELETE FROM user_sessions; DELETE FROM users; DELETE FROM outdated_tokens');
  service = await startService();
  return () => vi.restoreAllMocks();
});

interface List {
  sessions: { id: string; label: string }[];
  next_cursor: string | null;
}
const page = async (query: string, from = service): Promise<List> => {
  const response = await from.backend('GET', `/v1/users/${USER}/sessions?${query}`);
  expect(response.status).toBe(200);
  return response.json();
};
/** What all pages have together, in their order. */
async function labels(query: string, from = service): Promise<string[]> {
  const found: string[] = [];
  let cursor: string | null = '';
  while (cursor !== null) {
    const next: List = await page(`${query}${cursor && `&cursor=${cursor}`}`, from);
    found.push(...next.sessions.map(({ label }) => label));
    cursor = next.next_cursor;
  }
  return found;
}
const make = (label: string, more: object = {}) =>
  service.create({ user_id: USER, label, ...more });

/** Four sessions, ten seconds after one another; `a` was used again at the end, and `c` is over. */
async function makeFour() {
  const a = await make('a', { user_agent: UA.chrome() });
  service.advance(10);
  await make('b', { client_id: 'other-app', user_agent: UA.firefox() });
  service.advance(10);
  const c = await make('c', { user_agent: UA.chromeOnMac });
  service.advance(10);
  await make('d: Chrome of mine');
  await service.backend('DELETE', `/v1/sessions/${c.session.id}`);
  service.advance(10);
  await service.refresh(a.refresh_token, undefined, {
    userAgent: UA.chrome(),
    ...AT.home,
  });
}

const D = 'd: Chrome of mine';

describe.each([
  ['live sessions', ''],
  ['all sessions', 'include=ended&'],
])('of %s', (_, all) => {
  const withC = all === '' ? [] : ['c'];
  it.each<[string, string[]]>([
    ['client_id=other-app', ['b']],
    ['client_id=nobody', []],
    ['device=chrome', [D, ...withC, 'a']],
    ['device=Firefox%20on%20Linux', ['b']],
    ['device=on', [...withC, 'b', 'a']],
    [`created_after=${SECOND + 10}`, [D, ...withC, 'b']],
    [`created_before=${SECOND + 10}`, ['a']],
    [`created_after=${SECOND + 10}&created_before=${SECOND + 30}`, [...withC, 'b']],
    [`last_used_after=${SECOND + 30}`, [D, 'a']],
    [`last_used_before=${SECOND + 30}`, [...withC, 'b']],
    [`device=chrome&client_id=app&last_used_after=${SECOND + 40}`, ['a']],
    ['created_before=999999999999', [D, ...withC, 'b', 'a']],
    ['created_before=0', []],
  ])('%s has %j', async (query, expected) => {
    await makeFour();
    expect(await labels(all + query)).toEqual(expected);
    // And a page at a time.
    expect(await labels(`${all}${query}&limit=1`)).toEqual(expected);
  });

  it.each([
    'client_id=',
    'device=',
    'created_after=yesterday',
    'created_before=-1',
    'last_used_after=1.5',
    'last_used_before=2026-01-01T00:00:00Z',
    'label=a',
    'created_after=1&created_after=2',
  ])('?%s is refused, and asks no database', async (query) => {
    await service.request('/.well-known/jwks.json');
    service.database.roundTrips = 0;
    const response = await service.backend('GET', `/v1/users/${USER}/sessions?${all}${query}`);
    expect([response.status, service.database.roundTrips]).toEqual([400, 0]);
  });
});

it('a guest’s one session is of the list as it is', async () => {
  const { session } = await service.create({ label: 'g' });
  const of = async (query: string) => {
    const response = await service.backend('GET', `/v1/users/${session.id}/sessions?${query}`);
    return ((await response.json()) as List).sessions.length;
  };
  expect(await of(`created_after=${SECOND}&client_id=app`)).toBe(1);
  for (const query of [`created_before=${SECOND}`, 'client_id=other-app', 'device=chrome'])
    expect(await of(query)).toBe(0);
});

it('the person’s own list takes none of it', async () => {
  const { access_token } = await make('a');
  const { status } = await service.bearer('GET', '/v1/sessions?client_id=app', access_token);
  expect(status).toBe(400);
});

it('in whichever home', async () => {
  await emptyHomes();
  const { service: moving, post } = await startThreeHomes();
  await moving.create({ user_id: USER, label: 'a' });
  moving.advance(10);
  await moving.create({ user_id: USER, label: 'b' });
  await post(`/v1/users/${USER}/move`, { home: 'DB_WEUR' });
  expect(await labels(`created_after=${SECOND + 1}`, moving)).toEqual(['b']);
  expect(await labels(`created_before=${SECOND + 1}&include=ended`, moving)).toEqual(['a']);
});

it('by RPC it is the same', async () => {
  await makeFour();
  const backend = bind(service, BACKEND.id);
  const found = valueIn(
    await backend.list({ user_id: USER, device: 'chrome', created_before: SECOND + 1 }),
  );
  expect(found.sessions.map(({ label }) => label)).toEqual(['a']);
  const wrong = { user_id: USER, created_after: '1' as never };
  expect(refusalOf(await backend.list(wrong)).code).toBe('invalid_request');
});
