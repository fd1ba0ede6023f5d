/**
 * A value that went missing on its way here (an empty variable in a query; undefined, NaN or null
 * in JSON) is a mistake that is told by name. It never means everything, everyone or nobody.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { APP, startService, type TestService } from '../fixtures';
import { USER } from '../people';

let service: TestService;
let accessToken: string;
beforeAll(async () => {
  service = await startService();
  accessToken = (await service.create({ user_id: USER })).access_token;
});

async function ask(method: string, path: string, authorization: string, text?: string) {
  const before = service.database.roundTrips;
  const headers = { authorization, ...(text && { 'content-type': 'application/json' }) };
  const init = { method, headers, ...(text && { body: text }) };
  const response = await service.request(path, init);
  const { detail, code } = (await response.json()) as { detail?: string; code?: string };
  const roundTrips = service.database.roundTrips - before;
  return { status: response.status, code, detail, roundTrips };
}

const refusal = (detail: string) => ({
  status: 400,
  code: 'invalid_request',
  detail,
  roundTrips: 0,
});

describe('an empty value in a query', () => {
  const BACKENDS: [string, string, string[]][] = [
    ['GET', `/v1/users/${USER}/sessions`, ['limit', 'cursor', 'include']],
    ['GET', `/v1/users/${USER}/events`, ['limit', 'cursor']],
    ['GET', `/v1/users/${USER}/export`, ['limit', 'cursor', 'reason']],
    ['DELETE', `/v1/users/${USER}/sessions`, ['reason']],
    ['DELETE', `/v1/users/${USER}`, ['reason']],
    ['GET', '/v1/audit-events', ['limit', 'cursor']],
    ['GET', '/v1/webhook-deliveries', ['state', 'endpoint', 'home', 'limit', 'cursor']],
  ];
  it.each(
    BACKENDS.flatMap(([method, path, names]) => names.map((name) => [method, path, name] as const)),
  )(
    '%s %s?%s= is 400, which names it, before any database is asked',
    async (method, path, name) => {
      const { authorization } = service.credentials;
      for (const query of [`${name}=`, name])
        expect(await ask(method, `${path}?${query}`, authorization)).toEqual(
          refusal(`${name} is empty`),
        );
    },
  );

  it.each([
    ['/v1/sessions', 'limit'],
    ['/v1/sessions', 'cursor'],
    ['/v1/events', 'limit'],
    ['/v1/events', 'cursor'],
  ])('of a user, GET %s?%s=, too', async (path, name) => {
    expect(await ask('GET', `${path}?${name}=`, `Bearer ${accessToken}`)).toEqual(
      refusal(`${name} is empty`),
    );
  });

  it.each([
    '/account?done=',
    '/account/activity?before=',
    '/account/style.css?v=',
    '/browser/start?code=',
  ])('of a page, GET %s, too', async (path) => {
    expect((await service.request(path)).status).toBe(400);
  });
});

describe('null in JSON', () => {
  const MEMBERS: [string, Record<string, unknown>, string[]][] = [
    [
      '/v1/sessions',
      { client_id: APP },
      [
        'user_id',
        'client_id',
        'auth_time',
        'amr',
        'acr',
        'claims',
        'home',
        'guest_session_id',
        'browser',
      ],
    ],
    [
      `/v1/sessions/${USER}/authentication`,
      { refresh_token: 'x' },
      ['refresh_token', 'auth_time', 'amr', 'acr'],
    ],
    ['/v1/not-before', { everyone: true }, ['user_id', 'home', 'everyone', 'not_before', 'reason']],
    ['/v1/webhook-deliveries/replay', { all: true }, ['endpoint', 'event_id', 'all', 'reason']],
    ['/v1/signing-keys/revoke', { created_before: 1 }, ['kid', 'created_before', 'reason']],
    [`/v1/users/${USER}/move`, { home: 'DB' }, ['home', 'reason']],
    ['/v1/homes/DB/drain', {}, ['limit', 'reason']],
  ];
  it.each(
    MEMBERS.flatMap(([path, body, names]) => names.map((name) => [path, name, body] as const)),
  )(
    'POST %s with %s null, as undefined or NaN become on their way, is 400, which names it',
    async (path, name, body) => {
      const text = JSON.stringify({ ...body, [name]: Number.NaN });
      const answer = await ask('POST', path, service.credentials.authorization, text);
      expect(answer).toMatchObject({ status: 400, code: 'invalid_request', roundTrips: 0 });
      expect(answer.detail).toMatch(new RegExp(`^${name} `));
    },
  );

  it('expires_in null asks for a session without end, which is refused where sessions end', async () => {
    const text = JSON.stringify({ client_id: APP, expires_in: null });
    const answer = await ask('POST', '/v1/sessions', service.credentials.authorization, text);
    expect(answer).toMatchObject({ status: 400, roundTrips: 0 });
  });
});

describe('a member that is there twice', () => {
  it.each([
    ['/v1/not-before', `{"user_id":"${USER}","user_id":"${USER}"}`],
    ['/v1/sessions', `{"client_id":"${APP}","user_id":"${USER}","client_\\u0069d":"other-app"}`],
    ['/v1/sessions', `{"client_id":"${APP}","claims":{"role":"a","role":"b"}}`],
  ])('POST %s of %s is 400, before any database is asked', async (path, text) => {
    expect(await ask('POST', path, service.credentials.authorization, text)).toEqual(
      refusal('A member is there more than once'),
    );
  });

  it('once in each of two objects is no mistake', async () => {
    const claims = { 'a"b': { name: 'x' }, list: [{ name: 'y' }, { name: '{"name":1}' }] };
    expect((await service.create({ claims })).session).toBeDefined();
  });
});
