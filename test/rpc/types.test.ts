/** The types of edge-sessions/rpc name every member that calls take and answer, and no other. */
import { beforeEach, describe, expect, expectTypeOf, it, vi } from 'vitest';
import type { Fault } from '../../src/calls/fault';
import * as imports from '../../src/calls/import-calls';
import * as operator from '../../src/calls/operator-calls';
import * as own from '../../src/calls/own-calls';
import * as sessions from '../../src/calls/session-calls';
import * as starts from '../../src/calls/start-calls';
import { stats } from '../../src/calls/stats-call';
import { listSuspicious } from '../../src/calls/suspicious-call';
import * as tokens from '../../src/calls/token-calls';
import * as users from '../../src/calls/user-calls';
import type * as told from '../../src/client/rpc/refusal-codes';
import type { AssertionReason, Refusal } from '../../src/service/refusal';
import type { RefusalReason } from '../../src/sessions/end-reason';
import { APP, BACKEND, startService } from '../fixtures';
import { bind, valueIn } from './door';

const sources: Record<string, string> = import.meta.glob('../../src/client/rpc/*.ts', {
  query: '?raw',
  eager: true,
  import: 'default',
});
const source = Object.values(sources).join('\n');
/** Of types: `name:` or `name?:`. */
const declared = new Set(
  [...source.replaceAll(/\/\*[\s\S]*?\*\//g, '').matchAll(/\b(\w+)\??:/g)].map(([, name]) => name),
);

interface Schema {
  type: string;
  entries?: Record<string, Schema>;
  wrapped?: Schema;
  pipe?: Schema[];
  /** Of a union. */
  options?: Schema[];
  /** Of an array. */
  item?: Schema;
}

/** The members that a schema takes, those of its objects too. */
function membersOf(schema: Schema): string[] {
  const { wrapped, item, pipe = [], options = [] } = schema;
  const inner = [wrapped, item, ...pipe, ...options].filter((part) => part && part !== schema);
  return [
    ...Object.entries(schema.entries ?? {}).flatMap(([name, member]) => [
      name,
      ...membersOf(member),
    ]),
    ...(inner as Schema[]).flatMap(membersOf),
  ];
}

const calls = {
  create: starts.create(null),
  handOff: starts.handOff(null),
  authenticate: sessions.authenticate,
  authenticateInBrowser: sessions.authenticateInBrowser,
  ...tokens,
  signIn: tokens.signIn(null),
  ...users,
  ...operator,
  ...imports,
  stats,
  listSuspicious,
  ...Object.fromEntries(Object.entries(own).map(([name, { byToken }]) => [name, byToken])),
};

describe('what a call takes is in its types', () => {
  it.each(Object.entries(calls))('%s', (_, { input }) => {
    expect(membersOf(input as unknown as Schema).filter((name) => !declared.has(name))).toEqual([]);
  });

  it('and what is in no schema is in none of them', () => {
    const taken = new Set(Object.values(calls).flatMap(({ input }) => membersOf(input as never)));
    const inputs = sources['../../src/client/rpc/inputs.ts'] ?? '';
    const named = [...inputs.replaceAll(/\/\*[\s\S]*?\*\//g, '').matchAll(/^ {2}(\w+)\??:/gm)].map(
      ([, name = '']) => name,
    );
    // These go with a call, and `session_id` and `limit` are of calls that check them elsewhere.
    const beside = ['bookmark', 'idempotency_key', 'operator', 'note'];
    expect(named.filter((name) => !taken.has(name) && !beside.includes(name))).toEqual([]);
    expect(named.length).toBeGreaterThan(20);
  });
});

/**
 * The client's types stand alone, and are the service's own: `npm run check:types` compares them.
 */
it('why a session is over, or a sign-in refused, is the same to the service and in the types', () => {
  expectTypeOf<told.RefusalCode>().toEqualTypeOf<
    | Refusal['code']
    | Exclude<Fault['code'], 'database_unavailable' | 'issuer_unavailable'>
    | 'temporarily_unavailable'
    // Of a binding that names no client.
    | 'invalid_client'
  >();
  expectTypeOf<told.RefusalReason>().toEqualTypeOf<RefusalReason>();
  expectTypeOf<told.AssertionReason>().toEqualTypeOf<AssertionReason>();
});

describe('what a call answers is in its types', () => {
  beforeEach(() => {
    vi.spyOn(console, 'log').mockImplementation(() => {});
    return () => vi.restoreAllMocks();
  });

  /** The names of all members; what is in `claims`, `details` and rows is of others. */
  const namesIn = (value: unknown): string[] => {
    if (Array.isArray(value)) return value.flatMap(namesIn);
    if (typeof value !== 'object' || value === null) return [];
    return Object.entries(value).flatMap(([name, member]) => [
      name,
      ...(['details', 'row'].includes(name) ? [] : namesIn(member)),
    ]);
  };

  it('member by member', async () => {
    const service = await startService();
    const backend = bind(service, BACKEND.id);
    const user_id = crypto.randomUUID();
    const created = await backend.create({ user_id, client_id: APP, user_agent: 'curl/8' });
    const { access_token, refresh_token } = valueIn(created);
    service.advance(30);
    const answers = [
      created,
      await bind(service, APP).refresh({ refresh_token, ip_address: '203.0.113.7' }),
      await backend.list({ user_id }),
      await backend.listEvents({ user_id }),
      await backend.listOwn({ access_token }),
      await backend.current({ access_token }),
      await backend.export({ user_id }),
      await backend.listHomes(),
      await backend.listSigningKeys(),
      await backend.listDeliveries(),
      await backend.revokeAll({ user_id, reason: 'administrator' }),
      await backend.listAuditEvents(),
      await backend.stats(),
      await backend.listSuspicious(),
      await backend.create({ user_id: 'nobody' }),
    ];
    for (const answer of answers)
      expect(namesIn(answer).filter((name) => !declared.has(name))).toEqual([]);
    expect(answers.map(({ ok }) => ok)).toEqual([...Array(answers.length - 1).fill(true), false]);
  });
});
