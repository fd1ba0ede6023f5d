/** The real service over three real databases, each with its own faults and counts. */
import { env } from 'cloudflare:test';
import { beforeEach, expect, vi } from 'vitest';
import {
  APP,
  type Database,
  ISSUER,
  startService,
  type TestService,
  type Tokens,
  watch,
} from '../fixtures';

export const HOMES = ['DB', 'DB_APAC', 'DB_WEUR'] as const;
export type HomeName = (typeof HOMES)[number];

/** Where requests come from, as Cloudflare tells it. */
export const FROM = {
  paris: { continent: 'EU', country: 'FR', latitude: '48.85', longitude: '2.35' },
  tokyo: { continent: 'AS', country: 'JP', latitude: '35.68', longitude: '139.69' },
  newYork: { continent: 'NA', country: 'US', latitude: '40.71', longitude: '-74.00' },
} as const;

export const DESCRIBED: { home: HomeName; regions: string[]; new_users?: string }[] = [
  { home: 'DB', regions: ['enam'] },
  { home: 'DB_APAC', regions: ['apac'] },
  { home: 'DB_WEUR', regions: ['weur', 'eeur'] },
];

export interface ThreeHomes {
  service: TestService;
  databases: Record<HomeName, Database>;
  /** The round trips to each home, since the last call. */
  roundTrips(): Record<HomeName, number>;
  /** A POST of JSON with the backend's credentials, from a place. */
  post(
    path: string,
    body: unknown,
    cf?: object,
  ): Promise<{ status: number; body: Record<string, unknown> }>;
}

const TABLES = [
  'user_sessions',
  'users',
  'session_events',
  'idempotency_keys',
  'used_assertions',
  'outdated_tokens',
  'unfinished_moves',
];

export async function emptyHomes(): Promise<void> {
  for (const name of HOMES)
    await env[name].exec(TABLES.map((table) => `DELETE FROM ${table}`).join('; '));
}

/** Before each test of a file: nobody is in any home, and the log is a list of its lines. */
export function beginEmpty(): { lines: Record<string, unknown>[] } {
  const log: { lines: Record<string, unknown>[] } = { lines: [] };
  beforeEach(async () => {
    await emptyHomes();
    log.lines = [];
    for (const level of ['log', 'warn', 'error'] as const)
      vi.spyOn(console, level).mockImplementation(
        (line) => void log.lines.push(JSON.parse(String(line))),
      );
    return () => vi.restoreAllMocks();
  });
  return log;
}

/** A service of its own isolate state, which knows the signing keys. */
export async function startThreeHomes(
  variables: Parameters<typeof startService>[0] = {},
  clock?: { now: number },
  send?: typeof fetch,
): Promise<ThreeHomes> {
  const databases = { DB: watch(env.DB), DB_APAC: watch(env.DB_APAC), DB_WEUR: watch(env.DB_WEUR) };
  const service = await startService(
    {
      HOMES: JSON.stringify(DESCRIBED),
      ...variables,
      DB_APAC: databases.DB_APAC.binding,
      DB_WEUR: databases.DB_WEUR.binding,
    },
    clock,
    send,
  );
  databases.DB = service.database;
  await service.request('/.well-known/jwks.json');
  const counted = { DB: 0, DB_APAC: 0, DB_WEUR: 0 };
  const roundTrips = () => {
    const since = { ...counted };
    for (const name of HOMES) {
      since[name] = databases[name].roundTrips - counted[name];
      counted[name] = databases[name].roundTrips;
    }
    return since;
  };
  roundTrips();
  return {
    service,
    databases,
    roundTrips,
    post: async (path, body, cf) => {
      const { authorization } = service.credentials;
      const init = {
        method: 'POST',
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json', authorization },
        cf,
      };
      const response = await service.app.request(new Request(ISSUER + path, init as RequestInit));
      return { status: response.status, body: await response.json() };
    },
  };
}

/** Starts a session, which must succeed. */
export async function create({ post }: ThreeHomes, body: object, cf?: object): Promise<Tokens> {
  const answer = await post('/v1/sessions', { client_id: APP, ...body }, cf);
  if (answer.status !== 201)
    throw new Error(`create answered ${answer.status}: ${JSON.stringify(answer.body)}`);
  return answer.body as unknown as Tokens;
}

/** The home that a token names. */
export function homeOf(token: string): string {
  const payload = token.replace(/^v2\./, '').split('.')[1] as string;
  return JSON.parse(atob(payload.replaceAll('-', '+').replaceAll('_', '/'))).home;
}

/** In how many homes, and which, a session is live by its row. */
export async function livesIn(sessionId: string): Promise<string[]> {
  const found: string[] = [];
  for (const name of HOMES) {
    const row = await env[name]
      .prepare(
        'SELECT home FROM user_sessions WHERE id = ? AND home IS NULL AND revoked_at IS NULL',
      )
      .bind(sessionId)
      .first();
    if (row !== null) found.push(name);
  }
  return found;
}

/** What must hold whatever happened: no session is live in two homes. */
export async function expectNoForks(): Promise<void> {
  const live: string[] = [];
  for (const name of HOMES) {
    const { results } = await env[name]
      .prepare('SELECT id FROM user_sessions WHERE home IS NULL')
      .all<{ id: string }>();
    live.push(...results.map(({ id }) => id));
  }
  expect(new Set(live).size).toBe(live.length);
}

/** How a home that is away answers. */
export const AWAY = { before: 'D1 DB is overloaded. Requests queued for too long.' } as const;

/** Every call to the home fails until it is back. */
export function takeAway(database: Database, times = 1_000): void {
  database.faults = Array.from({ length: times }, () => AWAY);
}
