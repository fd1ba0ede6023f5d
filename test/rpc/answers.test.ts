/**
 * What goes with an answer: refusals as over HTTP, faults, bookmarks, the log line, the webhooks.
 */
import { env } from 'cloudflare:test';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { callsOf } from '../../src/calls/calls';
import type { Answer } from '../../src/client/rpc';
import { ConfigError } from '../../src/faults';
import { APP, BACKEND, basic, startService, type TestService } from '../fixtures';
import { type Bound, bind, refusalOf, valueIn } from './door';

let service: TestService;
let backend: Bound;
let USER: string;
let lines: Record<string, unknown>[];
beforeEach(async () => {
  lines = [];
  for (const method of ['log', 'warn', 'error'] as const)
    vi.spyOn(console, method).mockImplementation((line) => lines.push(JSON.parse(line)));
  USER = crypto.randomUUID();
  service = await startService();
  backend = bind(service, BACKEND.id);
  return () => vi.restoreAllMocks();
});

/** What RPC may carry is not what the types allow. */
const create = (input: unknown): Promise<Answer<unknown>> => backend.create(input as object);

describe('an input is refused as the body of a request is', () => {
  it.each<[string, unknown]>([
    ['a user that is no UUID', { user_id: 'ann' }],
    ['an unknown member', { user_id: undefined, name: 'ann' }],
    ['several mistakes', { ip_address: 7, expires_in: 0, amr: 'pwd' }],
    ['a claim that is registered', { claims: { sub: 'x' } }],
    ['a list', []],
    ['a text', 'text'],
    ['a client that is not there', { client_id: 'nobody' }],
    ['a guest without the user that they became', { guest_session_id: crypto.randomUUID() }],
    ['an authentication in the future', { auth_time: 9_999_999_999 }],
  ])('%s', async (_, input) => {
    const response = await service.request('/v1/sessions', {
      method: 'POST',
      headers: { authorization: basic(BACKEND), 'content-type': 'application/json' },
      body: JSON.stringify(input),
    });
    const { code, detail, errors } = (await response.json()) as Record<string, unknown>;
    expect(refusalOf(await create(input))).toEqual({ code, detail, ...(errors ? { errors } : {}) });
  });

  it('with a text that no column can hold', async () => {
    for (const user_agent of ['a\0b', 'a\ud800b'])
      expect(refusalOf(await create({ user_agent })).code).toBe('invalid_request');
  });

  it('that JSON has not', async () => {
    const circle: Record<string, unknown> = {};
    circle.self = circle;
    const inputs: [string, unknown][] = [
      ['a circle', circle],
      ['a BigInt', { expires_in: 1n }],
      ['a function', () => 1],
      ['a user who is a function', { user_id: () => USER }],
      ['a user who is a symbol', { user_id: Symbol('user') }],
      ['a lifetime of NaN, which JSON writes as no limit', { expires_in: Number.NaN }],
      ['a lifetime of Infinity', { expires_in: Number.POSITIVE_INFINITY }],
      ['a Map', new Map([['user_id', USER]])],
      ['a Set', new Set([USER])],
      ['form data', new FormData()],
      ['a request', new Request('https://app.example')],
      ['headers', { place: new Headers() }],
      ['claims in a Map', { claims: { roles: new Map() } }],
    ];
    for (const [name, input] of inputs)
      expect([name, refusalOf(await create(input))]).toEqual([
        name,
        { code: 'invalid_request', detail: 'The input is no JSON value' },
      ]);
  });

  it('that is too large', async () => {
    const claims = { text: 'x'.repeat(20_000) };
    expect(refusalOf(await create({ claims }))).toEqual({
      code: 'invalid_request',
      detail: 'The input must be at most 16384 bytes of JSON',
    });
  });
});

describe('a fault', () => {
  const LOST = { before: 'D1_ERROR: UNIQUE constraint failed: user_sessions.id at SELECT secret' };

  it('of the database is a value, says when to try again and tells nothing of SQL', async () => {
    valueIn(await create({}));
    service.database.faults = [LOST];
    const answer = await create({ user_id: USER });
    expect(refusalOf(answer)).toEqual({
      code: 'temporarily_unavailable',
      detail: 'The database did not answer; retry',
      retry_after: 1,
    });
    expect(lines.at(-1)).toMatchObject({ level: 'error', outcome: 'temporarily_unavailable' });
  });

  it('leaves the token good', async () => {
    const app = bind(service, APP);
    const created = valueIn(await backend.create({ user_id: USER, client_id: APP }));
    const { refresh_token } = valueIn(await app.refresh({ refresh_token: created.refresh_token }));
    service.advance(30);
    service.database.faults = [LOST];
    expect(refusalOf(await app.refresh({ refresh_token })).code).toBe('temporarily_unavailable');
    expect((await app.refresh({ refresh_token })).ok).toBe(true);
  });

  it('of the configuration is logged with every mistake, and answered with none', async () => {
    const calls = callsOf({
      name: 'rpc',
      service: () => {
        throw new ConfigError(['ISSUER is missing']);
      },
      clientId: BACKEND.id,
      waitUntil: () => {},
    });
    expect(refusalOf(await calls.create({}))).toEqual({
      code: 'config_invalid',
      detail: 'The log names what is wrong',
      retry_after: 30,
    });
    expect(lines).toContainEqual(expect.objectContaining({ mistakes: ['ISSUER is missing'] }));
  });

  it('that nobody foresaw tells neither callers nor the log what its message says', async () => {
    const calls = callsOf({
      name: 'rpc',
      service: () => {
        throw new TypeError('the secret is hunter2');
      },
      clientId: BACKEND.id,
      waitUntil: () => {},
    });
    const answer = await calls.create({});
    expect(refusalOf(answer)).toEqual({ code: 'internal_error' });
    expect(JSON.stringify([answer, lines])).not.toContain('hunter2');
  });
});

describe('a bookmark', () => {
  it('is given by a call that wrote, and taken by the next', async () => {
    const created = await backend.create({ user_id: USER });
    expect(created.bookmark).toMatch(/^DB\.[0-9a-f-]+$/);
    const { bookmark } = created;
    const listed = await backend.list({ user_id: USER }, { bookmark });
    expect(valueIn(listed).sessions).toHaveLength(1);
  });

  it('that this service never gave is refused', async () => {
    for (const bookmark of ['x', 'DB.', 'DB.a b', 'OTHER.1'])
      expect(refusalOf(await backend.list({ user_id: USER }, { bookmark })).code).toBe(
        'invalid_request',
      );
  });
});

describe('the log', () => {
  it('has one line for each call, with the call’s name and nothing that was sent', async () => {
    const { request_id } = await backend.create({ user_id: USER, user_agent: 'Mozilla/5.0 (X)' });
    expect(lines.filter(({ event }) => event === 'request')).toEqual([
      {
        level: 'info',
        event: 'request',
        request_id,
        method: 'rpc',
        route: 'create',
        client_id: BACKEND.id,
        outcome: 'created',
        d1_round_trips: expect.any(Number),
        d1_rows_read: expect.any(Number),
        d1_rows_written: expect.any(Number),
        d1_ms: expect.any(Number),
        duration_ms: expect.any(Number),
      },
    ]);
    await backend.refresh({ refresh_token: 'v2.secret-token' });
    expect(JSON.stringify(lines)).not.toMatch(/secret-token|Mozilla/);
  });

  it('names a refusal, and no client that nobody knows', async () => {
    await bind(service, 'person@example.com').listHomes();
    expect(lines.at(-1)).toMatchObject({ route: 'listHomes', outcome: 'invalid_client' });
    expect(JSON.stringify(lines)).not.toContain('person@');
  });
});

it('the webhooks are told after the answer, by what keeps the Worker alive for it', async () => {
  const told: unknown[] = [];
  const secret = `whsec_${btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(32))))}`;
  const hooked = await startService({
    WEBHOOKS: JSON.stringify([
      { name: 'all', url: 'https://hooks.example/', secret, events: ['session_created'] },
    ]),
  });
  const bound = bind(hooked, BACKEND.id, async (_, init) => {
    told.push(JSON.parse(`${init?.body}`));
    return new Response(null, { status: 204 });
  });
  const { session } = valueIn(await bound.create({ user_id: USER }));
  expect(bound.afterwards).toHaveLength(1);
  await Promise.all(bound.afterwards);
  expect(told).toEqual([
    expect.objectContaining({ data: expect.objectContaining({ session_id: session.id }) }),
  ]);
  await env.DB.exec('DELETE FROM webhook_deliveries');
});
