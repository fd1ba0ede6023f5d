/** Who may call, and whose sessions a binding reaches: CLIENTS says it, as for requests. */
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { NEEDS } from '../capabilities';
import { APP, BACKEND, basic, OTHER_BACKEND, startService, type TestService } from '../fixtures';
import { type Bound, bind, refusalOf, valueIn } from './door';
import { callAny, everyCall } from './good-inputs';

let service: TestService;
let backend: Bound;
let USER: string;
beforeEach(async () => {
  vi.spyOn(console, 'log').mockImplementation(() => {});
  USER = crypto.randomUUID();
  service = await startService();
  backend = bind(service, BACKEND.id);
  return () => vi.restoreAllMocks();
});

const [page = ''] = Object.values(
  import.meta.glob('../../docs/rpc.md', { query: '?raw', eager: true, import: 'default' }),
);

/**
 * The capability of a call in the page's table: one for all calls of a row, or one for each in
 * their order; null: none. undefined: the page does not say it.
 */
function needOf(call: string): string | null | undefined {
  for (const [, calls = '', needs = ''] of page.matchAll(/^\| (`[^|]*`) \| ([^|]*) \|/gm)) {
    const at = calls.split(', ').indexOf(`\`${call}\``);
    if (at < 0) continue;
    const each = needs.split(', ');
    const [, capability] = /^`([a-z_]+)`$/.exec(each[at] ?? each[0] ?? '') ?? [];
    return capability === undefined || capability === 'access_token' ? null : capability;
  }
  return undefined;
}

describe('a binding', () => {
  it.each<[string, unknown]>([
    ['without props', undefined],
    ['with an unknown client', 'nobody'],
    ['with the name of a property of every object', 'constructor'],
    ['with an empty client', ''],
    ['with a list of clients', [BACKEND.id]],
  ])('%s can do nothing, and asks the database nothing', async (_, clientId) => {
    const bound = bind(service, clientId);
    service.database.roundTrips = 0;
    for (const name of everyCall)
      expect([name, refusalOf(await callAny(bound, name, USER)).code]).toEqual([
        name,
        'invalid_client',
      ]);
    expect(service.database.roundTrips).toBe(0);
  });

  it('needs for each call what docs/rpc.md says', () => {
    const told = everyCall.map((name) => [name, needOf(name)]);
    const needed = everyCall.map((name) => [name, NEEDS[name].needs]);
    expect(Object.fromEntries(told)).toEqual(Object.fromEntries(needed));
  });

  it('of another client cannot touch a session', async () => {
    const other = bind(service, OTHER_BACKEND.id);
    const { session, access_token, refresh_token } = valueIn(
      await backend.create({ user_id: USER, client_id: APP }),
    );
    const step = { session_id: session.id, refresh_token };
    expect(refusalOf(await other.refresh({ refresh_token }))).toEqual({ code: 'invalid_grant' });
    expect(refusalOf(await other.authenticate(step)).code).toBe('not_found');
    expect(valueIn(await other.introspect({ token: access_token }))).toEqual({ active: false });
    expect(valueIn(await other.introspect({ token: refresh_token }))).toEqual({ active: false });
    expect(valueIn(await other.revoke({ token: refresh_token }))).toEqual({ revoked: false });
    expect(valueIn(await other.revoke({ token: access_token }))).toEqual({ revoked: false });
    expect(valueIn(await other.list({ user_id: USER })).sessions).toEqual([]);
    expect(valueIn(await other.listEvents({ user_id: USER })).events).toEqual([]);
    expect(valueIn(await other.revokeAll({ user_id: USER }))).toEqual({ revoked: 0 });
    for (const name of [
      'listOwn',
      'current',
      'listOwnEvents',
      'revokeOwn',
      'revokeOthers',
    ] as const)
      expect(refusalOf(await other[name]({ access_token })).code).toBe('invalid_token');
    expect(refusalOf(await other.create({ user_id: USER, client_id: APP })).code).toBe(
      'invalid_request',
    );
    service.advance(30);
    expect((await bind(service, APP).refresh({ refresh_token })).ok).toBe(true);
  });
});

describe('a person’s own sessions, through a server that holds their access token', () => {
  it('are listed and ended', async () => {
    const here = valueIn(await backend.create({ user_id: USER, client_id: APP }));
    const there = valueIn(await backend.create({ user_id: USER, client_id: APP }));
    const { access_token } = here;
    const { sessions } = valueIn(await backend.listOwn({ access_token }));
    expect(new Map(sessions.map(({ id, current }) => [id, current]))).toEqual(
      new Map([
        [here.session.id, true],
        [there.session.id, false],
      ]),
    );
    expect(valueIn(await backend.current({ access_token })).session.id).toBe(here.session.id);
    const session_id = there.session.id;
    expect(valueIn(await backend.revokeOwn({ access_token, session_id }))).toEqual({
      revoked: true,
    });
    expect(valueIn(await backend.revokeOthers({ access_token }))).toEqual({ revoked: 0 });
    const { events } = valueIn(await backend.listOwnEvents({ access_token }));
    expect(events.map(({ type }) => type).sort()).toEqual([
      'session_created',
      'session_created',
      'session_revoked',
    ]);
    valueIn(await backend.revokeOwn({ access_token }));
    expect(refusalOf(await backend.listOwn({ access_token })).code).toBe('session_ended');
  });

  it('are not those of somebody else', async () => {
    const { access_token } = valueIn(await backend.create({ user_id: USER, client_id: APP }));
    const stranger = valueIn(
      await backend.create({ user_id: crypto.randomUUID(), client_id: APP }),
    );
    const session_id = stranger.session.id;
    expect(refusalOf(await backend.revokeOwn({ access_token, session_id })).code).toBe('not_found');
  });
});

describe('a client that is bound, and has no secret', () => {
  const WORKER = { client_id: 'worker', bound: true, allow: ['create_sessions', 'introspect'] };
  const withWorker = async (...more: object[]) =>
    startService({ CLIENTS: JSON.stringify([WORKER, ...more]) });

  it('is reached by its binding', async () => {
    const { access_token: token } = valueIn(
      await bind(await withWorker(), 'worker').create({ user_id: USER }),
    );
    expect(token).toEqual(expect.any(String));
  });

  it('is nobody over HTTP, with any secret and with none', async () => {
    const own = await withWorker();
    for (const secret of ['', 'worker', 'A'.repeat(43)]) {
      const response = await own.request('/v1/sessions', {
        method: 'POST',
        headers: {
          authorization: basic({ id: 'worker', secret }),
          'content-type': 'application/json',
        },
        body: '{}',
      });
      expect([secret, response.status]).toEqual([secret, 401]);
    }
    const form = { grant_type: 'refresh_token', refresh_token: 'x', client_id: 'worker' };
    const response = await own.form('/oauth/token', form);
    expect([response.status, await response.json()]).toMatchObject([
      401,
      { error: 'invalid_client' },
    ]);
  });
});

describe('with an audience of the account API’s own', () => {
  const ACCOUNT_AUDIENCE = 'https://sessions.example/account-api';

  it('a token for an API sees no sessions here either, and one that was asked for by `resource` does', async () => {
    const other = await startService({ ACCOUNT_AUDIENCE });
    const bound = bind(other, BACKEND.id);
    const owned = await other.create({ client_id: BACKEND.id });
    const { access_token } = owned;
    expect(refusalOf(await bound.listOwn({ access_token })).code).toBe('invalid_token');
    const refresh = (resource: string) =>
      bound.refresh({ refresh_token: owned.refresh_token, resource });
    const refreshed = valueIn(await refresh(ACCOUNT_AUDIENCE));
    const own = valueIn(await bound.current({ access_token: refreshed.access_token }));
    expect(own.session.id).toBe(owned.session.id);
    expect(refusalOf(await refresh('https://elsewhere.example')).code).toBe('invalid_target');
  });
});
