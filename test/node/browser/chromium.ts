/**
 * A real Chromium, a service that it talks to over real HTTP, and pages for it to load from any
 * origin.
 */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Browser, chromium } from 'playwright-core';
import { startService } from '../service.ts';

const EXECUTABLE = process.env.CHROMIUM ?? '/usr/bin/chromium';

/**
 * Launches Chromium. `args` are its switches, for example `--host-resolver-rules=MAP app.example
 * 127.0.0.1`.
 */
export function launchChromium(args: string[] = []): Promise<Browser> {
  if (!existsSync(EXECUTABLE))
    throw new Error(
      `no Chromium at ${EXECUTABLE}: install it (Debian: apt-get install chromium) or set CHROMIUM`,
    );
  return chromium.launch({
    executablePath: EXECUTABLE,
    chromiumSandbox: false,
    // Less than a hook may take.
    timeout: 100_000,
    args: [
      '--headless=new',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      ...args,
    ],
  });
}

/** A page: HTML as it is, or a response in parts. */
export type Page = string | { status?: number; headers?: Record<string, string>; body?: string };

export interface Pages {
  port: number;
  /**
   * `http://localhost:<port>`. The server listens on 127.0.0.1, so any name that resolves to it is
   * another origin.
   */
  origin: string;
  /** What was asked of the server, in order. */
  requests: { method: string; url: string; headers: IncomingMessage['headers']; body: string }[];
  stop: () => Promise<void>;
}

/**
 * Serves pages by path (without the query) on a free port; `*` is every other path. Pages may be
 * added while it runs.
 */
export async function servePages(
  pages: Record<string, Page | ((request: IncomingMessage, body: string) => Page | Promise<Page>)>,
): Promise<Pages> {
  const requests: Pages['requests'] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString();
    const url = request.url ?? '/';
    requests.push({ method: request.method ?? '', url, headers: request.headers, body });
    const page = pages[url.split('?')[0] as string] ?? pages['*'];
    const answer = typeof page === 'function' ? await page(request, body) : page;
    if (answer === undefined) {
      response.writeHead(404).end();
      return;
    }
    const {
      status = 200,
      headers = {},
      body: text = '',
    } = typeof answer === 'string' ? { body: answer } : answer;
    response
      .writeHead(status, { 'content-type': 'text/html; charset=utf-8', ...headers })
      .end(text);
  });
  const port = await listen(server);
  return {
    port,
    origin: `http://localhost:${port}`,
    requests,
    stop: () =>
      new Promise((stopped) => {
        server.close(() => stopped());
        server.closeAllConnections();
      }),
  };
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return (server.address() as AddressInfo).port;
}

export interface BrowserClient {
  client_id: string;
  origins?: string[];
  return_urls?: string[];
  [name: string]: unknown;
}

export interface BrowserService {
  /** `http://localhost:<port>`, which is also the issuer. */
  origin: string;
  backend: { id: string; secret: string };
  /** A request with the backend's credentials; JSON when there is a body. */
  asBackend: (method: string, path: string, body?: unknown) => Promise<Response>;
  /** Starts a session by the hand-off: the URL for the browser, and the session's id. */
  handOff: (
    returnUrl: string,
    input?: { clientId?: string; userId?: string } & Record<string, unknown>,
  ) => Promise<{ startUrl: string; sessionId: string }>;
  /** All sessions of a user that are not purged, as the backend sees them, ended ones included. */
  sessionsOf: (userId: string) => Promise<Record<string, unknown>[]>;
  output: () => string;
  stop: () => Promise<unknown>;
}

export const BROWSER_APP = 'browser-app';

/**
 * Starts a service with a database of its own, these clients beside a backend, and these variables,
 * for example `{ ACCESS_TOKEN_TTL_SECONDS: '2' }`. Start the pages first, so that their origins can
 * be in the clients.
 */
export async function startBrowserService(
  clients: BrowserClient[],
  variables: Record<string, string> = {},
): Promise<BrowserService> {
  const backend = { id: 'browser-backend', secret: randomBytes(32).toString('base64url') };
  const secretHash = createHash('sha256').update(backend.secret).digest('hex');
  const known = [
    {
      client_id: backend.id,
      secret_sha256: secretHash,
      allow: ['create_sessions', 'manage_users', 'erase_users', 'browser_tokens'],
      for_clients: clients.map(({ client_id }) => client_id),
    },
    ...clients,
  ];
  const service = await startService(
    Object.entries({ CLIENTS: JSON.stringify(known), ...variables }).flatMap(([name, value]) => [
      '--var',
      `${name}:${value}`,
    ]),
  );
  const authorization = `Basic ${Buffer.from(`${backend.id}:${backend.secret}`).toString('base64')}`;
  const asBackend: BrowserService['asBackend'] = (method, path, body) =>
    fetch(service.origin + path, {
      method,
      headers: { authorization, ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  return {
    origin: service.origin,
    backend,
    asBackend,
    handOff: async (returnUrl, { clientId = BROWSER_APP, userId, ...rest } = {}) => {
      const response = await asBackend('POST', '/v1/sessions', {
        client_id: clientId,
        ...(userId !== undefined && { user_id: userId }),
        ...rest,
        browser: { return_url: returnUrl },
      });
      if (response.status !== 201)
        throw new Error(`POST /v1/sessions: ${response.status} ${await response.text()}`);
      const { session, browser } = (await response.json()) as {
        session: { id: string };
        browser: { start_url: string };
      };
      return { startUrl: browser.start_url, sessionId: session.id };
    },
    sessionsOf: async (userId) => {
      const response = await asBackend(
        'GET',
        `/v1/users/${userId}/sessions?include=ended&limit=100`,
      );
      return ((await response.json()) as { sessions: Record<string, unknown>[] }).sessions;
    },
    output: service.output,
    stop: () => service.stop(),
  };
}
