/**
 * What the browsers meet: an app at https://app.shop.example.com and the service at auth., built as
 * it is deployed, with an API beside it. What is between them fails as a trial says.
 */
import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { TokenSessionClient } from '../../src/client/browser/index.ts';
import { startExampleWorkers } from '../../test/node/browser/example-workers.ts';
import { startFront, type Target } from '../../test/node/browser/tls-front.ts';
import { findFreePort } from '../../test/node/service.ts';
import { bundleClient } from '../bundle-client.ts';

const PORT = await findFreePort();
export const APP = `https://app.shop.example.com:${PORT}`;
export const AUTH = `https://auth.shop.example.com:${PORT}`;
/** On the service's host, where its cookies come along too. */
export const API = `${AUTH}/api/things`;

/** How long a superseded refresh token stays good. */
export const GRACE_MS = 4_000;

export const MODES = ['token', 'memory', 'cookie'] as const;
export type Mode = (typeof MODES)[number];
/** The client of each mode in CLIENTS. */
const CLIENT_IDS = { token: 'app', memory: 'memory-web', cookie: 'web' };

/** A page with a client of the mode that the tab was given, also when it is loaded anew. */
const PAGE = `<!doctype html><title>My app</title><script type="module">
  import { createSessionClient } from '/client.js';
  window.skewMs = 0;
  window.reasons = [];
  window.openClient = (mode) => {
    sessionStorage.setItem('mode', mode);
    window.client = createSessionClient({
      mode, clientId: '${CLIENT_IDS.token}', baseUrl: '${AUTH}', resources: ['${AUTH}'],
      now: () => Date.now() + window.skewMs, timeoutMs: 1500,
    });
    window.client.onSignedOut((reason) => window.reasons.push(reason));
  };
  window.call = async (times) => {
    const statuses = [];
    for (let made = 0; made < times; made += 1)
      statuses.push((await window.client.fetch('${API}')).status);
    return statuses;
  };
  window.beBusy = (ms) => setTimeout(() => {
    const end = performance.now() + ms;
    while (performance.now() < end);
  });
  const mode = sessionStorage.getItem('mode');
  if (mode) window.openClient(mode);
</script>`;

export type Tokens = Parameters<TokenSessionClient['start']>[0];

export interface World {
  api: 'works' | 'refuses' | 'asks for more';
  service: 'works' | 'loses answers' | 'is behind a proxy that is down';
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
  const [origins, returnUrls] = [[APP], [`${APP}/`]];
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
  const variables = { ISSUER: AUTH, AUDIENCE: API, REFRESH_GRACE_SECONDS: `${GRACE_MS / 1000}` };
  const workers = await startExampleWorkers({ clients, ...variables }, {});
  const service = await workers.url('my-sessions');
  const script = await bundleClient();
  const route = (host: string, path: string, headers: IncomingHttpHeaders): Target => {
    if (`https://${host}` !== AUTH)
      return path === '/client.js'
        ? { type: 'text/javascript', body: script }
        : { type: 'text/html', body: path === '/' ? PAGE : '<!doctype html><title>-</title>' };
    if (path === new URL(API).pathname) return answerAsApi(world.api, headers);
    if (world.service === 'loses answers') return { lostFrom: service };
    if (world.service === 'works') return service;
    return { type: 'text/html', body: '<html>', status: 503, headers: { 'retry-after': '3600' } };
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
    api: 'works',
    service: 'works',
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
    },
  };
  return world;
}

function answerAsApi(api: World['api'], headers: IncomingHttpHeaders): Target {
  const isPreflight = headers['access-control-request-method'] !== undefined;
  const challenge = 'Bearer error="insufficient_user_authentication", max_age="300"';
  return {
    type: 'application/json',
    body: '{}',
    status: isPreflight || api === 'works' ? 200 : 401,
    headers: {
      'access-control-allow-origin': headers.origin ?? APP,
      'access-control-allow-credentials': 'true',
      'access-control-allow-headers': 'authorization',
      'access-control-expose-headers': 'WWW-Authenticate',
      ...(api === 'asks for more' && { 'www-authenticate': challenge }),
    },
  };
}
