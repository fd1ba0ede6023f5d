/**
 * What the browsers meet: an app at https://app.shop.example.com and the service at auth., built as
 * it is deployed, with an API beside it. What is between them fails as a trial says.
 */
import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { resolve } from 'node:path';
import type { TokenSessionClient } from '../../src/client/browser/index.ts';
import { startExampleWorkers } from '../../test/node/browser/example-workers.ts';
import { startFront, type Target } from '../../test/node/browser/tls-front.ts';
import { loadEsbuild } from '../bundle-client.ts';
import { findFreePort } from '../free-port.ts';
import { type Api, startApi, WORKS } from './api.ts';
import { PAGE } from './pages.ts';

const PORT = await findFreePort();
export const APP = `https://app.shop.example.com:${PORT}`;
export const AUTH = `https://auth.shop.example.com:${PORT}`;
/** On the service's host, where its cookies come along too. */
export const API = `${AUTH}/api/things`;
/** A second audience, of the same API. */
export const STOCK = `${AUTH}/api/stock`;
/** A page of the app on another site than the service. */
export const ELSEWHERE = `https://app.other.example.net:${PORT}`;

/** How long a superseded refresh token stays good. */
export const GRACE_MS = 4_000;

export const MODES = ['token', 'memory', 'cookie'] as const;
export type Mode = (typeof MODES)[number];
/** The client of each mode in CLIENTS; pages.ts names the one with tokens. */
const CLIENT_IDS = { token: 'app', memory: 'memory-web', cookie: 'web' };

export type Tokens = Parameters<TokenSessionClient['start']>[0];

export interface World {
  /** How the API answers. */
  api: Api;
  /** What stands between the browser and the service; null: nothing. */
  between: ((service: URL, headers: IncomingHttpHeaders) => Target | null) | null;
  /** What was asked of the service since this was emptied. */
  requests: { url: string; method: string }[];
  /** Starts a session: the tokens, or where to send the browser for its cookies. */
  startSession(mode: Mode, userId: string): Promise<{ tokens: Tokens | null; startUrl: string }>;
  /** Why each session of a person has ended; null while it has not. */
  endings(userId: string): Promise<(string | null)[]>;
  stop(): Promise<void>;
}

export const newPerson = (): string => randomUUID();

export async function startWorld(): Promise<World> {
  const [origins, returnUrls] = [[APP, ELSEWHERE], [`${APP}/`]];
  const clients = [
    { client_id: CLIENT_IDS.token, origins },
    { client_id: CLIENT_IDS.cookie, origins, return_urls: returnUrls },
    {
      client_id: CLIENT_IDS.memory,
      access_token: 'memory',
      origins,
      return_urls: returnUrls,
    },
  ];
  const variables = {
    ISSUER: AUTH,
    AUDIENCE: JSON.stringify([API, STOCK]),
    REFRESH_GRACE_SECONDS: `${GRACE_MS / 1000}`,
  };
  const workers = await startExampleWorkers({ clients, ...variables }, {});
  const service = await workers.url('my-sessions');
  const script = await bundleClients();
  const api = await startApi(() => world.api);
  const page = PAGE.replaceAll('AUTH_ORIGIN', AUTH).replaceAll('API_URL', API);
  const route = (host: string, path: string, headers: IncomingHttpHeaders): Target => {
    const anyone = { 'access-control-allow-origin': '*' };
    if (path === '/client.js') return { type: 'text/javascript', body: script, headers: anyone };
    if (`https://${host}` !== AUTH)
      return { type: 'text/html', body: path === '/' ? page : '<!doctype html><title>-</title>' };
    if (path.startsWith('/api/')) return api.url;
    return world.between?.(service, headers) ?? service;
  };
  const front = await startFront(route, PORT);
  const ask = async <T>(path: string, body?: object): Promise<T> => {
    const response = await fetch(new URL(path, service), {
      method: body === undefined ? 'GET' : 'POST',
      headers: { authorization: workers.authorization, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  };
  const world: World = {
    api: WORKS,
    between: null,
    requests: front.requests,
    startSession: async (mode, userId) => {
      const browser = mode === 'token' ? {} : { browser: { return_url: `${APP}/` } };
      const input = { user_id: userId, client_id: CLIENT_IDS[mode], ...browser };
      const answer = await ask<Tokens & { browser?: { start_url: string } }>('/v1/sessions', input);
      return answer.browser === undefined
        ? { tokens: answer, startUrl: `${APP}/` }
        : { tokens: null, startUrl: answer.browser.start_url };
    },
    endings: async (userId) => {
      const { sessions } = await ask<{ sessions: { revoked_reason: string | null }[] }>(
        `/v1/users/${userId}/sessions?include=ended`,
      );
      return sessions.map(({ revoked_reason: reason }) => reason);
    },
    stop: async () => {
      await front.stop();
      await workers.stop();
      api.stop();
    },
  };
  return world;
}

/** The client for apps, and what stands beside it, in one module. */
async function bundleClients(): Promise<string> {
  const folder = resolve(import.meta.dirname, '../../src/client/browser');
  const parts = ['index', 'audience', 'step-up'].map((name) => `export * from './${name}';`);
  const { outputFiles } = await loadEsbuild().build({
    stdin: { contents: parts.join(''), resolveDir: folder, loader: 'ts' },
    bundle: true,
    format: 'esm',
    target: 'es2022',
    write: false,
  });
  return outputFiles[0]?.text ?? '';
}
