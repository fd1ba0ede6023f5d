/**
 * Every documented D1 error, before a batch and after its commit, on every kind of call: an answer
 * or 503, and nothing lost.
 */
import { env } from 'cloudflare:test';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { eventually } from '../eventually';
import {
  APP,
  BACKEND,
  basic,
  type Fault,
  readRow,
  startService,
  type TestService,
  type Tokens,
} from '../fixtures';
import { holdCall, IMPATIENCE_MS, startImpatient } from '../held-call';
import { USER } from '../people';

const GRACE = 30;

beforeEach(async () => {
  await env.DB.exec(
    'DELETE FROM user_sessions; DELETE FROM users; DELETE FROM session_events; DELETE FROM outdated_tokens',
  );
  for (const level of ['log', 'warn', 'error'] as const)
    vi.spyOn(console, level).mockImplementation(() => {});
  return () => vi.restoreAllMocks();
});

/** developers.cloudflare.com/d1/observability/debug-d1; whether the service itself tries again. */
const ERRORS: [string, boolean][] = [
  ['D1_ERROR: Network connection lost.', true],
  ['D1_ERROR: D1 DB reset because its code was updated.', true],
  ['D1_ERROR: Internal error while starting up D1 DB storage caused object to be reset.', true],
  ['D1_ERROR: Internal error in D1 DB storage caused object to be reset.', true],
  ['D1_ERROR: Cannot resolve D1 DB due to transient issue on remote node.', true],
  ["D1_ERROR: Can't read from request stream because client disconnected.", true],
  ['D1_ERROR: D1 DB is overloaded. Requests queued for too long.', false],
  ['D1_ERROR: D1 DB is overloaded. Too many requests queued.', false],
  ['D1_ERROR: D1 DB exceeded its CPU time limit and was reset.', false],
  ['D1_ERROR: Statement exceeded its memory limit.', false],
];

type Call = (service: TestService, tokens: Tokens) => Promise<Response>;
const json = (service: TestService, path: string, body: object, headers = {}) =>
  service.request(path, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json', authorization: basic(BACKEND), ...headers },
  });

/** Each with what a repeat answers, and what must be so in the end. */
const CALLS: [
  string,
  Call,
  number,
  (service: TestService, tokens: Tokens, last: Response) => Promise<void>,
][] = [
  [
    'refresh',
    (service, { refresh_token }) =>
      service.form('/oauth/token', { grant_type: 'refresh_token', refresh_token, client_id: APP }),
    200,
    async (service, _, last) => {
      const { refresh_token } = (await last.json()) as Tokens;
      service.advance(GRACE);
      expect((await service.refresh(refresh_token)).status).toBe(200);
    },
  ],
  [
    'create with a key',
    (service) =>
      json(
        service,
        '/v1/sessions',
        { user_id: USER, client_id: APP },
        { 'idempotency-key': 'a-key' },
      ),
    201,
    async (service) => {
      const { sessions } = (await (
        await service.backend('GET', `/v1/users/${USER}/sessions`)
      ).json()) as {
        sessions: [];
      };
      expect(sessions).toHaveLength(2);
    },
  ],
  [
    'sign-out',
    (service, { access_token }) => service.bearer('DELETE', '/v1/sessions/current', access_token),
    204,
    async (service, { session, refresh_token }) => {
      expect(await readRow(session.id)).toMatchObject({ revoked_reason: 'signed_out' });
      expect((await service.refresh(refresh_token)).body).toMatchObject({ reason: 'signed_out' });
    },
  ],
  [
    'forced sign-out',
    (service) => service.backend('DELETE', `/v1/users/${USER}/sessions`),
    200,
    async (service, { refresh_token }) => {
      expect((await service.refresh(refresh_token)).body).toMatchObject({ reason: 'revoked' });
    },
  ],
  [
    'list',
    (service, { access_token }) => service.bearer('GET', '/v1/sessions', access_token),
    200,
    async () => {},
  ],
];

describe.each(ERRORS)('%s', (message, isTriedAgain) => {
  const faults: [string, Fault][] = [
    ['before the batch', { before: message }],
    ['after its commit', { after: message }],
  ];
  describe.each(faults)('%s', (_, fault) => {
    it.each(CALLS)('%s', async (_, call, good, check) => {
      await env.DB.exec('DELETE FROM idempotency_keys');
      const service = await startService();
      const tokens = await service.create({ user_id: USER });
      service.advance(GRACE);
      // From here on this isolate knows that no replica answers.
      await service.bearer('GET', '/v1/sessions', tokens.access_token);
      service.database.faults = [fault];
      let response = await call(service, tokens);
      if (isTriedAgain) expect(response.status).toBe(good);
      else {
        expect({
          status: response.status,
          retryAfter: response.headers.get('retry-after'),
        }).toEqual({
          status: 503,
          retryAfter: '1',
        });
        expect(await response.text()).not.toContain(message);
        response = await call(service, tokens);
        expect(response.status).toBe(good);
      }
      await check(service, tokens, response);
    });
  });
});

it('a database that is silent is given up in time, and the token is good afterwards', async () => {
  const service = await startService();
  const { refresh_token } = await service.create({ user_id: USER });
  service.advance(GRACE);
  const timers = vi.spyOn(globalThis, 'setTimeout');
  const silent = holdCall();
  const impatient = await startImpatient(service);
  impatient.database.faults = [silent.fault];
  // It is answered although the database is not.
  const { status, headers } = await impatient.refresh(refresh_token);
  expect({ status, retryAfter: headers.get('retry-after') }).toEqual({
    status: 503,
    retryAfter: '1',
  });
  expect(timers).toHaveBeenCalledWith(expect.any(Function), IMPATIENCE_MS);
  // The batch that was given up is applied all the same, a moment later.
  silent.release();
  await eventually(() => expect(impatient.database.rowsWritten).toBe(1));
  expect((await service.refresh(refresh_token)).status).toBe(200);
});
