/**
 * The real service over workerd's real D1, with a clock that tests set and a database that they can
 * count and break.
 */
import { env } from 'cloudflare:test';
import type { Hono } from 'hono';
import { CAPABILITIES } from '../src/config/clients';
import type { Env } from '../src/env';
import { createApp } from '../src/http/app';
import type { AppEnv } from '../src/http/context';
import { withCheckedAnswers } from './openapi/checked-answers';

export const ISSUER = 'https://sessions.example';
export const AUDIENCE = 'urn:example:api';
export const BACKEND = { id: 'backend', secret: 'backend-secret-of-the-tests' };
export const OTHER_BACKEND = { id: 'other-backend', secret: 'other-secret-of-the-tests' };
export const APP = 'app';
/** 2026-01-01T00:00:00Z */
export const START = Date.UTC(2026, 0, 1);

/** What D1 was asked, and how it is to fail. */
export interface Database {
  binding: D1Database;
  roundTrips: number;
  rowsRead: number;
  /** Of one transaction. */
  mostRowsRead: number;
  rowsWritten: number;
  /** Taken one a round trip: what happens instead of, or after, the real one; null: nothing. */
  faults: (Fault | null)[];
}

export type Fault =
  | { before: string }
  | { after: string }
  | { hang: number }
  /** What happens first, while the round trip is on its way. */
  | { meanwhile: () => Promise<unknown> };

/**
 * Counts the round trips to a D1 binding, and fails them as told: before the statements ran, or
 * after they were committed.
 */
export function watch(binding: D1Database): Database {
  const database: Database = {
    binding,
    roundTrips: 0,
    rowsRead: 0,
    mostRowsRead: 0,
    rowsWritten: 0,
    faults: [],
  };
  const withSession = (constraint: string) => {
    const session = binding.withSession(constraint);
    const batch = async (statements: D1PreparedStatement[]) => {
      database.roundTrips += 1;
      const fault = database.faults.shift();
      if (fault && 'before' in fault) throw new Error(fault.before);
      if (fault && 'hang' in fault) await new Promise((resolve) => setTimeout(resolve, fault.hang));
      if (fault && 'meanwhile' in fault) await fault.meanwhile();
      const results = await session.batch(statements);
      let rowsRead = 0;
      for (const { meta } of results) {
        rowsRead += meta.rows_read;
        database.rowsWritten += meta.rows_written;
      }
      database.rowsRead += rowsRead;
      database.mostRowsRead = Math.max(database.mostRowsRead, rowsRead);
      if (fault && 'after' in fault) throw new Error(fault.after);
      return results.map(sayWhoServed);
    };
    return { batch, getBookmark: () => session.getBookmark() };
  };
  const prepare = (query: string) => binding.prepare(query);
  database.binding = { prepare, withSession } as unknown as D1Database;
  return database;
}

/** Without replicas, D1 says that its primary served. The local one does not say who did. */
function sayWhoServed(result: D1Result): D1Result {
  const { meta } = result;
  return { ...result, meta: { ...meta, served_by_primary: meta.served_by_primary ?? true } };
}

export interface Tokens {
  session: { id: string; user_id: string | null; [name: string]: unknown };
  access_token: string;
  refresh_token: string;
  expires_in: number;
  [name: string]: unknown;
}

export interface RefreshAnswer {
  status: number;
  body: Tokens & { error?: string; reason?: string; error_description?: string };
  headers: Headers;
}

/** Who calls, as Cloudflare tells it. */
export interface Caller {
  address?: string;
  userAgent?: string;
  headers?: Record<string, string>;
  cf?: Record<string, unknown> | null;
}

export interface TestService {
  app: Hono<AppEnv>;
  env: Env;
  database: Database;
  /** Milliseconds since 1970; tests move it. */
  clock: { now: number };
  advance(seconds: number): void;
  request(path: string, init?: RequestInit): Promise<Response>;
  /** POST of JSON with the backend's credentials, and what came back. */
  create(body?: Record<string, unknown>, headers?: Record<string, string>): Promise<Tokens>;
  form(
    path: string,
    fields: Record<string, string>,
    headers?: Record<string, string>,
  ): Promise<Response>;
  refresh(refreshToken: string, clientId?: string, from?: Caller): Promise<RefreshAnswer>;
  bearer(method: string, path: string, accessToken: string): Promise<Response>;
  backend(method: string, path: string): Promise<Response>;
  /** Of the backend, which may do everything. */
  credentials: { authorization: string };
}

export const basic = ({ id, secret }: { id: string; secret: string }) =>
  `Basic ${btoa(`${id}:${secret}`)}`;

export async function sha256Hex(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** A service of its own isolate state. Several of them share the one database, as isolates do. */
export async function startService(
  variables: Partial<Env> = {},
  clock = { now: START },
  send?: typeof fetch,
): Promise<TestService> {
  const clients = [
    {
      client_id: BACKEND.id,
      secret_sha256: await sha256Hex(BACKEND.secret),
      allow: CAPABILITIES,
      for_clients: [BACKEND.id, OTHER_BACKEND.id, APP, 'other-app'],
    },
    {
      client_id: OTHER_BACKEND.id,
      secret_sha256: await sha256Hex(OTHER_BACKEND.secret),
      allow: ['refresh', 'create_sessions', 'manage_users', 'introspect'],
    },
    { client_id: APP },
    { client_id: 'other-app' },
  ];
  const database = watch(variables.DB ?? env.DB);
  const serviceEnv: Env = {
    ISSUER,
    AUDIENCE,
    CLIENTS: JSON.stringify(clients),
    SESSION_SECRET: 'the-session-secret-of-the-tests-0123456789',
    ...variables,
    DB: database.binding,
  };
  const app = createApp(serviceEnv, () => clock.now, send);
  withCheckedAnswers(app, serviceEnv.ISSUER ?? ISSUER);
  const request = async (path: string, init?: RequestInit) => app.request(ISSUER + path, init);
  const form: TestService['form'] = (path, fields, headers) =>
    request(path, {
      method: 'POST',
      body: new URLSearchParams(fields),
      ...(headers && { headers }),
    });
  return {
    app,
    env: serviceEnv,
    database,
    clock,
    advance: (seconds) => {
      clock.now += seconds * 1000;
    },
    request,
    form,
    create: async (body = {}, headers = {}) => {
      const response = await request('/v1/sessions', {
        method: 'POST',
        body: JSON.stringify({ client_id: APP, ...body }),
        headers: { 'content-type': 'application/json', authorization: basic(BACKEND), ...headers },
      });
      if (response.status !== 201)
        throw new Error(`create answered ${response.status}: ${await response.text()}`);
      return response.json();
    },
    refresh: async (refreshToken, clientId = APP, { address, userAgent, headers, cf } = {}) => {
      const fields = {
        grant_type: 'refresh_token',
        refresh_token: refreshToken,
        client_id: clientId,
      };
      const request = new Request(`${ISSUER}/oauth/token`, {
        method: 'POST',
        body: new URLSearchParams(fields),
        headers: {
          ...(address && { 'cf-connecting-ip': address }),
          ...(userAgent && { 'user-agent': userAgent }),
          ...headers,
        },
        ...(cf && { cf }),
      });
      const response = await app.request(request);
      return { status: response.status, body: await response.json(), headers: response.headers };
    },
    bearer: (method, path, accessToken) =>
      request(path, { method, headers: { authorization: `Bearer ${accessToken}` } }),
    credentials: { authorization: basic(BACKEND) },
    backend: (method, path) =>
      request(path, { method, headers: { authorization: basic(BACKEND) } }),
  };
}

/** The CLIENTS of a service, in which the entry of a client has these members, too. */
export function clientsWith(
  { env: { CLIENTS } }: TestService,
  id: string,
  members: object,
): string {
  const entries = JSON.parse(CLIENTS ?? '[]') as { client_id: string }[];
  return JSON.stringify(
    entries.map((entry) => (entry.client_id === id ? { ...entry, ...members } : entry)),
  );
}

/** A backend starts a session of the app, or is refused. */
export async function postSession<Answer = Tokens & { code?: string }>(
  service: TestService,
  body: object,
): Promise<{ status: number; body: Answer }> {
  const response = await service.request('/v1/sessions', {
    method: 'POST',
    body: JSON.stringify({ client_id: APP, ...body }),
    headers: { 'content-type': 'application/json', authorization: basic(BACKEND) },
  });
  return { status: response.status, body: await response.json() };
}

/** A backend says that it has authenticated the person behind a session anew. */
export async function stepUp(
  service: TestService,
  sessionId: string,
  body: Record<string, unknown>,
  authorization = basic(BACKEND),
): Promise<{ status: number; body: Tokens & { code?: string; reason?: string } }> {
  const response = await service.request(`/v1/sessions/${sessionId}/authentication`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: await response.json() };
}

/** The row of a session, as plain SQL sees it. */
export async function readRow(id: string): Promise<Record<string, string | number | null> | null> {
  return env.DB.prepare('SELECT * FROM user_sessions WHERE id = ?').bind(id).first();
}
