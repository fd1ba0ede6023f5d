/**
 * What each operation costs in D1, on an isolate that knows the signing keys. Rows are what D1
 * bills.
 */
import { env } from 'cloudflare:test';
import { beforeEach, expect, it, vi } from 'vitest';
import {
  APP,
  AUDIENCE,
  BACKEND,
  basic,
  clientsWith,
  startService,
  stepUp,
  type TestService,
  type Tokens,
} from './fixtures';
import {
  handOff,
  type Jar,
  SAME_ORIGIN,
  send,
  start,
  startWithBrowsers,
  WEB,
} from './http/browser/browser';
import { USER } from './people';
import { AT, UA } from './risk/callers';

const GRACE = 30;

const NAMED = { issuer: 'https://tenant.example/', subject: 'auth0|64b7f9e2' };
const BY_NAME = new URLSearchParams(NAMED);

interface Cost {
  roundTrips: number;
  rowsRead: number;
  rowsWritten: number;
  /** Seeks for random ids among them, each of which may find the end of its index; default: one. */
  seeks?: number;
}

beforeEach(async () => {
  await env.DB.exec(
    'DELETE FROM user_sessions; DELETE FROM users; DELETE FROM idempotency_keys; DELETE FROM session_events; DELETE FROM outdated_tokens',
  );
  vi.spyOn(console, 'warn').mockImplementation(() => {});
  return () => vi.restoreAllMocks();
});

/** An operation's own cost, after whatever it needs to be there. */
type Operation = (service: TestService, session: Tokens) => Promise<() => Promise<unknown>>;

const rotated: Operation = async (service, { refresh_token }) => {
  service.advance(GRACE);
  return () => service.refresh(refresh_token);
};

const patch = (service: TestService, path: string, body: object, authorization = basic(BACKEND)) =>
  service.request(path, {
    method: 'PATCH',
    headers: { authorization, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

// A created session is written five times: the row, its primary key, and the indexes on user_id and
// expires_at, and of open sessions; a guest's four times, without the last. A new user adds two:
// the row and its primary key. Each event is written three times: the row, and the indexes on id
// and subject. The limit on a user's sessions reads the user's own, once to report and once to end
// what is over it.
const operations: [string, Cost, Operation][] = [
  [
    'create, a new user',
    { roundTrips: 1, rowsRead: 12, rowsWritten: 10 },
    async (service) => () => service.create({ user_id: crypto.randomUUID() }),
  ],
  [
    'create, a known user',
    { roundTrips: 1, rowsRead: 15, rowsWritten: 8 },
    async (service) => () => service.create({ user_id: USER }),
  ],
  [
    'create, a guest',
    { roundTrips: 1, rowsRead: 6, rowsWritten: 7 },
    async (service) => () => service.create(),
  ],
  [
    'create, with an idempotency key',
    { roundTrips: 1, rowsRead: 17, rowsWritten: 10 },
    async (service) => () => service.create({ user_id: USER }, { 'idempotency-key': 'k' }),
  ],
  ['refresh, rotated', { roundTrips: 1, rowsRead: 3, rowsWritten: 1 }, rotated],
  [
    'refresh, repeated',
    { roundTrips: 1, rowsRead: 3, rowsWritten: 0 },
    async (service, session) => {
      await (await rotated(service, session))();
      return () => service.refresh(session.refresh_token);
    },
  ],
  [
    'refresh, kept',
    { roundTrips: 1, rowsRead: 3, rowsWritten: 0 },
    async (service, session) => {
      const { body } = await service.refresh(session.refresh_token);
      return () => service.refresh(body.refresh_token);
    },
  ],
  // The mark on the row, and the event, which looks three times for its number of the hour's ten.
  [
    'refresh, a lost answer',
    { roundTrips: 2, rowsRead: 51, rowsWritten: 4, seeks: 40 },
    async (service, session) => {
      const caller = { userAgent: UA.chromeOnMac, ...AT.home };
      const { body } = await service.refresh(session.refresh_token, APP, caller);
      service.advance(GRACE);
      await service.refresh(body.refresh_token, APP, caller);
      service.advance(GRACE);
      await service.request('/.well-known/jwks.json');
      return () => service.refresh(body.refresh_token, APP, caller);
    },
  ],
  // The row and the event.
  [
    'step-up',
    { roundTrips: 1, rowsRead: 57, rowsWritten: 4, seeks: 40 },
    async (service, { session, refresh_token }) =>
      () =>
        stepUp(service, session.id, { refresh_token }),
  ],
  // The row, its entry in the index on revoked_at, and the event.
  [
    'refresh, reuse',
    { roundTrips: 2, rowsRead: 9, rowsWritten: 5 },
    async (service, session) => {
      await service.refresh(session.refresh_token);
      service.advance(GRACE);
      return () => service.refresh(session.refresh_token);
    },
  ],
  [
    'refresh, forged',
    { roundTrips: 0, rowsRead: 0, rowsWritten: 0 },
    async (service, { refresh_token }) =>
      () =>
        service.refresh(`${refresh_token.slice(0, -4)}AAAA`),
  ],
  [
    'verify',
    { roundTrips: 0, rowsRead: 0, rowsWritten: 0 },
    async (service, { access_token }) =>
      () =>
        service.bearer('GET', '/v1/sessions?limit=0', access_token),
  ],
  [
    'JWKS',
    { roundTrips: 0, rowsRead: 0, rowsWritten: 0 },
    async (service) => () => service.request('/.well-known/jwks.json'),
  ],
  [
    'list',
    { roundTrips: 1, rowsRead: 2, rowsWritten: 0 },
    async (service, { access_token }) =>
      () =>
        service.bearer('GET', '/v1/sessions', access_token),
  ],
  [
    'introspect',
    { roundTrips: 1, rowsRead: 1, rowsWritten: 0 },
    async (service, { access_token }) =>
      () =>
        service.form(
          '/oauth/introspect',
          { token: access_token },
          { authorization: basic(BACKEND) },
        ),
  ],
  [
    'sign out',
    { roundTrips: 1, rowsRead: 4, rowsWritten: 5 },
    async (service, { access_token }) =>
      () =>
        service.bearer('DELETE', '/v1/sessions/current', access_token),
  ],
  [
    'one session, by a backend',
    { roundTrips: 1, rowsRead: 1, rowsWritten: 0 },
    async (service, { session }) =>
      () =>
        service.backend('GET', `/v1/sessions/${session.id}`),
  ],
  // The row, and the act: the audit event and its three indexes.
  [
    'change one session, by a backend',
    { roundTrips: 1, rowsRead: 6, rowsWritten: 5 },
    async (service, { session }) =>
      () =>
        patch(service, `/v1/sessions/${session.id}`, { claims: { a: 1 }, metadata: {} }),
  ],
  // And the entry in the index of what went stale.
  [
    'change one session at once, by a backend',
    { roundTrips: 1, rowsRead: 6, rowsWritten: 6 },
    async (service, { session }) =>
      () =>
        patch(service, `/v1/sessions/${session.id}`, { claims: { a: 1 }, apply: 'now' }),
  ],
  [
    'change all of a user, by a backend',
    { roundTrips: 1, rowsRead: 11, rowsWritten: 6, seeks: 3 },
    async (service) => {
      await service.create({ user_id: USER });
      return () => patch(service, `/v1/users/${USER}/sessions`, { claims: { a: 1 } });
    },
  ],
  [
    'refresh, with claims that were changed at once',
    { roundTrips: 1, rowsRead: 3, rowsWritten: 1 },
    async (service, session) => {
      const change = { claims: { a: 1 }, metadata: { b: 2 }, apply: 'now' };
      await patch(service, `/v1/sessions/${session.session.id}`, change);
      return rotated(service, session);
    },
  ],
  [
    'name a device',
    { roundTrips: 1, rowsRead: 5, rowsWritten: 1 },
    async (service, { session, access_token }) =>
      () =>
        patch(service, `/v1/sessions/${session.id}`, { label: 'x' }, `Bearer ${access_token}`),
  ],
  // The session's end as by its person, and the act: the audit event and its three indexes.
  [
    'end one session, by a backend',
    { roundTrips: 1, rowsRead: 9, rowsWritten: 9 },
    async (service, { session }) =>
      () =>
        service.backend('DELETE', `/v1/sessions/${session.id}?reason=administrator`),
  ],
  [
    'end one session again, by a backend',
    { roundTrips: 1, rowsRead: 4, rowsWritten: 0 },
    async (service, { session }) => {
      await service.backend('DELETE', `/v1/sessions/${session.id}`);
      return () => service.backend('DELETE', `/v1/sessions/${session.id}`);
    },
  ],
  [
    'end all but one, by a backend',
    { roundTrips: 1, rowsRead: 28, rowsWritten: 9, seeks: 4 },
    async (service, { session }) => {
      await service.create({ user_id: USER });
      return () => service.backend('DELETE', `/v1/users/${USER}/sessions?except=${session.id}`);
    },
  ],
  [
    'exchange an access token',
    { roundTrips: 1, rowsRead: 1, rowsWritten: 0 },
    async (service, { access_token }) =>
      () =>
        service.form(
          '/oauth/token',
          {
            grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
            subject_token: access_token,
            subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
            resource: AUDIENCE,
          },
          { authorization: basic(BACKEND) },
        ),
  ],
  [
    'create, a known user by issuer and subject',
    { roundTrips: 2, rowsRead: 18, rowsWritten: 8, seeks: 3 },
    async (service) => {
      await service.create({ user: NAMED });
      return () => service.create({ user: NAMED });
    },
  ],
  [
    'find a user by issuer and subject',
    { roundTrips: 1, rowsRead: 1, rowsWritten: 0 },
    async (service) => {
      await service.create({ user: NAMED });
      return () => service.backend('GET', `/v1/users?${BY_NAME}`);
    },
  ],
  [
    'list the sessions of a user by issuer and subject',
    { roundTrips: 2, rowsRead: 4, rowsWritten: 0 },
    async (service) => {
      await service.create({ user: NAMED });
      return () => service.backend('GET', `/v1/users/by-subject/sessions?${BY_NAME}`);
    },
  ],
  [
    'revoke by token',
    { roundTrips: 1, rowsRead: 5, rowsWritten: 5 },
    async (service, { refresh_token }) =>
      () =>
        service.form('/oauth/revoke', { token: refresh_token, client_id: 'app' }),
  ],
];

it.each(operations)('%s costs %o', async (_, cost, prepare) => {
  const service = await startService();
  const session = await service.create({ user_id: USER });
  const operation = await prepare(service, session);
  Object.assign(service.database, { roundTrips: 0, rowsRead: 0, rowsWritten: 0 });
  await operation();
  const { roundTrips, rowsRead, rowsWritten } = service.database;
  expect({ roundTrips, rowsWritten }).toEqual({
    roundTrips: cost.roundTrips,
    rowsWritten: cost.rowsWritten,
  });
  // A seek for a random ID reads one row fewer when it lands past the last entry of its index.
  expect(rowsRead).toBeLessThanOrEqual(cost.rowsRead);
  expect(rowsRead).toBeGreaterThanOrEqual(cost.rowsRead - (cost.seeks ?? 1));
});

/** Two people in one browser, whose sessions were not refreshed for a while. */
async function withTwoAccounts() {
  const CLIENTS = clientsWith(await startWithBrowsers(), WEB, { several_accounts: true });
  const service = await startWithBrowsers({ CLIENTS });
  const jar: Jar = new Map();
  for (const user_id of [USER, crypto.randomUUID()]) {
    const { browser } = await handOff(service, { user_id });
    await start(service, jar, browser.start_url);
  }
  service.advance(GRACE);
  return { service, jar };
}

const accountCalls: [string, Cost, (service: TestService, jar: Jar) => Promise<Response>][] = [
  [
    'list the accounts of a browser',
    { roundTrips: 1, rowsRead: 2, rowsWritten: 0 },
    (service, jar) => send(service, jar, 'GET', '/browser/sessions'),
  ],
  [
    'switch to another account',
    { roundTrips: 1, rowsRead: 3, rowsWritten: 1 },
    (service, jar) => send(service, jar, 'POST', '/browser/switch', SAME_ORIGIN, '{"index":0}'),
  ],
  [
    'sign out one account',
    { roundTrips: 1, rowsRead: 5, rowsWritten: 5 },
    (service, jar) => send(service, jar, 'POST', '/browser/sign-out', SAME_ORIGIN, '{"index":0}'),
  ],
];

it.each(accountCalls)('%s costs %o', async (_, cost, run) => {
  const { service, jar } = await withTwoAccounts();
  Object.assign(service.database, { roundTrips: 0, rowsRead: 0, rowsWritten: 0 });
  expect((await run(service, jar)).ok).toBe(true);
  const { roundTrips, rowsRead, rowsWritten } = service.database;
  expect({ roundTrips, rowsRead, rowsWritten }).toEqual(cost);
});

it('an isolate’s first request reads the signing keys too, in a round trip of its own', async () => {
  await (await startService()).create();
  const cold = await startService();
  await cold.create();
  expect(cold.database.roundTrips).toBe(2);
});
