/**
 * A call is refused by RPC as its request is over HTTP: every refusal has the problem's code, but
 * for those that docs/rpc.md names, and every call that both doors have is refused for the same.
 */
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { toRefused } from '../../src/calls/refused';
import type { Answer } from '../../src/client/rpc';
import { OAuthError } from '../../src/http/errors';
import { toOAuthError, toProblemError } from '../../src/http/refusals';
import type { Refusal } from '../../src/service/refusal';
import { APP, BACKEND, basic, clientsWith, startService, type TestService } from '../fixtures';
import { type About, type Name, type Pair, pairsFor, type Sent, UNKNOWN } from './call-and-request';
import { bind, refusalOf } from './door';

const page = Object.values(
  import.meta.glob('../../docs/rpc.md', { query: '?raw', eager: true, import: 'default' }),
).join();

const codesIn = (cell: string) => [...cell.matchAll(/`([a-z_]+)`/g)].map(([, code]) => code ?? '');
/** Of the page's table: a code by RPC, and what HTTP has for it. */
const told = new Map(
  [...page.matchAll(/^\| (`[a-z_`, ]+`) \| (.*`.*) \|$/gm)].flatMap(([, left = '', right = '']) =>
    codesIn(left).map((code) => [code, codesIn(right)] as const),
  ),
);
const isSame = (rpc: string, http: string) =>
  rpc === http || told.get(rpc)?.includes(http) === true;

/** Every refusal that an operation can give; the compiler asks for a new one here. */
const refusals: { [Code in Refusal['code']]: Extract<Refusal, { code: Code }> } = {
  invalid_request: { code: 'invalid_request', detail: 'wrong' },
  invalid_token: { code: 'invalid_token', detail: 'wrong' },
  invalid_target: { code: 'invalid_target' },
  invalid_scope: { code: 'invalid_scope' },
  unsupported_token_type: { code: 'unsupported_token_type' },
  client_not_allowed: { code: 'client_not_allowed', detail: 'no' },
  not_found: { code: 'not_found', detail: 'none' },
  session_ended: { code: 'session_ended', reason: null },
  ambiguous_cookie: { code: 'ambiguous_cookie' },
  too_many_accounts: { code: 'too_many_accounts' },
  invalid_grant: { code: 'invalid_grant', reason: null, outcome: 'forged' },
  insufficient_user_authentication: {
    code: 'insufficient_user_authentication',
    maxAgeSeconds: 60,
  },
  actor_not_allowed: { code: 'actor_not_allowed' },
  session_limit_reached: { code: 'session_limit_reached' },
  user_has_other_home: { code: 'user_has_other_home', home: 'DB' },
  user_moved: { code: 'user_moved' },
  session_over: { code: 'session_over', reason: 'revoked' },
  refresh_token_superseded: { code: 'refresh_token_superseded' },
  guest_session_not_found: { code: 'guest_session_not_found' },
  idempotent_session_moved_on: { code: 'idempotent_session_moved_on' },
  idempotency_key_reused: { code: 'idempotency_key_reused' },
  assertion_refused: { code: 'assertion_refused', reason: null, outcome: 'assertion_refused' },
  invalid_code: { code: 'invalid_code' },
  too_many_requests: { code: 'too_many_requests', retryAfterSeconds: 7 },
};

describe('a refusal has the code of HTTP, or the page says which', () => {
  it.each(Object.entries(refusals))('%s', (code, refusal) => {
    expect(toRefused(refusal).code).toBe(code);
    const oauth = toOAuthError(refusal);
    const given = [toProblemError(refusal), ...(oauth instanceof OAuthError ? [oauth] : [])];
    expect(given.map((error) => error.code).filter((name) => !isSame(code, name))).toEqual([]);
  });
});

const NOTHING = {
  user: crypto.randomUUID(),
  session: crypto.randomUUID(),
  access: 'a.b.c',
  refresh: 'v2.a.b.c',
};
const names = Object.keys(pairsFor(NOTHING)) as Name[];
const TRUSTED_ISSUERS = JSON.stringify([
  { issuer: 'https://id.example', jwks_uri: 'https://id.example/jwks', audience: APP },
]);
const LOST = { before: 'D1_ERROR: Network connection lost.' };

let service: TestService;
beforeEach(async () => {
  for (const method of ['log', 'warn', 'error'] as const)
    vi.spyOn(console, method).mockImplementation(() => {});
  service = await startService({ TRUSTED_ISSUERS });
  return () => vi.restoreAllMocks();
});

async function start(): Promise<About> {
  const user = crypto.randomUUID();
  const created = await service.create({ user_id: user });
  const { session, access_token: access, refresh_token: refresh } = created;
  return { user, session: session.id, access, refresh };
}

const backendWith = (members: object) =>
  startService({ TRUSTED_ISSUERS, CLIENTS: clientsWith(service, BACKEND.id, members) });

async function askByHttp(at: TestService, { path, bearer, cookie, json, form, ...sent }: Sent) {
  const response = await at.request(path, {
    ...sent,
    headers: {
      authorization: bearer === undefined ? basic(BACKEND) : `Bearer ${bearer}`,
      ...(cookie && { cookie }),
      ...(json && { 'content-type': 'application/json' }),
    },
    ...(json && { body: JSON.stringify(json) }),
    ...(form && { body: new URLSearchParams(form) }),
  });
  const text = await response.text();
  const { code, error } = text === '' ? {} : JSON.parse(text);
  return response.ok ? 'ok' : (code ?? error);
}

async function askByRpc(at: TestService, name: Name, input: object) {
  const call = bind(at, BACKEND.id)[name] as (given: object) => Promise<Answer<unknown>>;
  const answer = await call(input);
  return answer.ok ? 'ok' : refusalOf(answer).code;
}

/** What is to be the same, with the code by RPC in front. */
async function expectSame(name: Name, { input, request }: Pair, at = service): Promise<string> {
  const [http, rpc] = [await askByHttp(at, request), await askByRpc(at, name, input)];
  expect({ rpc, http, isSame: isSame(rpc, http) }).toEqual({ rpc, http, isSame: true });
  return rpc;
}

describe.each(names)('%s by both doors says the same', (name) => {
  it('of nobody and nothing', async () => {
    await expectSame(name, pairsFor(NOTHING)[name]);
  });

  it('of a session that is over', async () => {
    const about = await start();
    await service.backend('DELETE', `/v1/users/${about.user}/sessions`);
    service.advance(1);
    await expectSame(name, pairsFor(about)[name]);
  });

  it('to a backend that may not act for the session’s client', async () => {
    const about = await start();
    const at = await backendWith({ for_clients: [BACKEND.id] });
    // A person’s own token is good over HTTP, where no backend brings it.
    const { request, ...pair } = pairsFor(about)[name];
    if (request.bearer !== undefined)
      expect(await askByRpc(at, name, pair.input)).toBe('invalid_token');
    else await expectSame(name, { request, ...pair }, at);
  });

  it('to a client that may do nothing', async () => {
    const rpc = await expectSame(name, pairsFor(NOTHING)[name], await backendWith({ allow: [] }));
    expect(['client_not_allowed', 'invalid_token', 'ok']).toContain(rpc);
  });

  it('while the database does not answer', async () => {
    const pair = pairsFor(await start())[name];
    // Of an isolate that has no signing keys yet, as that of the bound Worker.
    const away = await startService({ TRUSTED_ISSUERS });
    away.database.faults = Array(50).fill(LOST);
    await expectSame(name, pair, away);
  });

  const { withUnknown } = pairsFor(NOTHING)[name];
  it.runIf(withUnknown)('of a member that nobody knows', async () => {
    const { input, request } = pairsFor(await start())[name];
    const pair = { input: { ...input, ...UNKNOWN }, request: withUnknown?.(request) ?? request };
    expect(await expectSame(name, pair)).toBe('invalid_request');
  });
});
