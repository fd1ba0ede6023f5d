/**
 * The recipes of docs/gateways.md, each as it stands there, in the real gateway: in front of it a
 * visitor, behind it an app that tells what it was told.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { findFreePort } from '../../scripts/free-port.ts';
import { USER } from '../people';
import { createSession, refresh } from './demo.ts';
import { type Service, startService } from './service.ts';
import { readSnippets } from './snippets.ts';

const FORGED = {
  'x-user-id': 'admin',
  'x-session-id': 'forged',
  'x-client-id': 'forged',
  'x-actor': 'forged',
};
const secret = () => randomBytes(32).toString('base64url');
const BACKEND = { id: 'backend', secret: secret() };
const GATEWAY = { id: 'gateway', secret: secret() };

interface Gateway {
  name: string;
  command: string;
  /** The recipe as the gateway is started with it. */
  start: (recipe: string, folder: string) => ChildProcess;
  /** The recipe, changed as the page says, so that the app is given an access token. */
  withToken: (recipe: string) => string;
}

const GATEWAYS: Gateway[] = [
  {
    name: 'nginx',
    command: 'nginx',
    start: (recipe, folder) => {
      const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
        .map((name) => `${name}_temp_path ${folder}/${name};`)
        .join(' ');
      const whole = `daemon off; master_process off; pid ${folder}/pid; events {} http { access_log off; ${paths} ${recipe} }`;
      writeFileSync(join(folder, 'nginx.conf'), whole);
      const args = ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', 'stderr'];
      return spawn('nginx', args, { stdio: ['ignore', 'ignore', 'pipe'] });
    },
    withToken: (recipe) =>
      recipe
        .replace('X-Gateway-Wants ""', 'X-Gateway-Wants access-token')
        .replace(
          'proxy_set_header X-User-Id',
          'auth_request_set $token $upstream_http_authorization; proxy_set_header Authorization $token; proxy_set_header X-User-Id',
        ),
  },
  {
    name: 'Caddy',
    command: 'caddy',
    start: (recipe, folder) => {
      writeFileSync(join(folder, 'Caddyfile'), `{\n\tadmin off\n}\n${recipe}`);
      const args = ['run', '--config', join(folder, 'Caddyfile'), '--adapter', 'caddyfile'];
      const env = { ...process.env, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder };
      return spawn('caddy', args, { stdio: ['ignore', 'ignore', 'pipe'], env });
    },
    withToken: (recipe) =>
      recipe
        .replace('header_up -X-Gateway-Wants', 'header_up X-Gateway-Wants access-token')
        .replace('copy_headers X-User-Id', 'copy_headers Authorization X-User-Id'),
  },
];

let service: Service;
let issuer: string;
let app: Server;
let appPort: number;
/** What reached the app. */
let reached: { method: string; headers: IncomingHttpHeaders; body: string }[] = [];
const running: { gateway: ChildProcess; ended: Promise<unknown>; folder: string }[] = [];
/** By gateway, and with a token or without: where it listens. */
const ports = new Map<string, number>();

beforeAll(async () => {
  app = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    reached.push({ method: request.method ?? '', headers: request.headers, body });
    response.end('app');
  });
  await new Promise<void>((listening) => app.listen(0, '127.0.0.1', listening));
  appPort = (app.address() as { port: number }).port;
  for (const { name } of GATEWAYS)
    for (const kind of ['', ' with a token']) ports.set(name + kind, await findFreePort());
  const port = await findFreePort();
  issuer = `http://localhost:${port}/auth`;
  const hash = (text: string) => createHash('sha256').update(text).digest('hex');
  const clients = [
    {
      client_id: 'web',
      origins: [...ports.values()].map((own) => `http://localhost:${own}`),
      return_urls: ['http://localhost:3000/'],
    },
    {
      client_id: BACKEND.id,
      secret_sha256: hash(BACKEND.secret),
      allow: ['create_sessions'],
      for_clients: ['web'],
    },
    {
      client_id: GATEWAY.id,
      secret_sha256: hash(GATEWAY.secret),
      allow: ['verify_cookies', 'browser_tokens'],
      browser_clients: ['web'],
    },
  ];
  const variables = { ISSUER: issuer, CLIENTS: JSON.stringify(clients) };
  service = await startService(
    Object.entries(variables).flatMap(([name, value]) => ['--var', `${name}:${value}`]),
    { PORT: String(port) },
  );
});

afterAll(async () => {
  for (const { gateway, ended, folder } of running) {
    gateway.kill('SIGKILL');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  }
  await service?.stop();
  app?.close();
});

/** Starts a gateway with its recipe, and resolves when it answers. */
async function launch(gateway: Gateway, kind: '' | ' with a token'): Promise<void> {
  const port = ports.get(gateway.name + kind) as number;
  const [{ text } = { text: '' }] = readSnippets('docs/gateways.md', gateway.name);
  const credentials = Buffer.from(`${GATEWAY.id}:${GATEWAY.secret}`).toString('base64');
  const recipe = text
    .replaceAll('https://app.example.com', new URL(issuer).origin.replace('localhost', '127.0.0.1'))
    .replace('http://app.example.com', `http://localhost:${port}`)
    .replace('listen 80;', `listen 127.0.0.1:${port};`)
    .replace('server_name app.example.com', 'server_name localhost')
    .replaceAll('127.0.0.1:3000', `127.0.0.1:${appPort}`)
    .replaceAll('Z2F0ZXdheTpzZWNyZXQ=', credentials);
  const folder = mkdtempSync(join(tmpdir(), 'gateway-'));
  const started = gateway.start(kind === '' ? recipe : gateway.withToken(recipe), folder);
  const ended = new Promise((gone) => started.once('close', gone));
  running.push({ gateway: started, ended, folder });
  let output = '';
  started.stderr?.on('data', (chunk) => (output += chunk));
  await vi.waitFor(
    async () => {
      if (started.exitCode !== null) throw new Error(`${gateway.name} ended:\n${output}`);
      await fetch(`http://localhost:${port}/`);
    },
    { timeout: 120_000, interval: 100 },
  );
}

/** A browser that is signed in: its cookies. */
async function signIn(userId?: string): Promise<string> {
  const response = await fetch(`${issuer}/v1/sessions`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Basic ${Buffer.from(`${BACKEND.id}:${BACKEND.secret}`).toString('base64')}`,
    },
    body: JSON.stringify({
      client_id: 'web',
      ...(userId && { user_id: userId }),
      browser: { return_url: 'http://localhost:3000/' },
    }),
  });
  const { browser } = (await response.json()) as { browser: { start_url: string } };
  // Node's fetch would say that it is no navigation.
  const args = ['-sS', '-i', '-H', 'Sec-Fetch-Site: none', browser.start_url];
  const started = execFileSync('curl', args, { encoding: 'utf8' });
  const cookies = [...started.matchAll(/^set-cookie: ([^;]+)/gim)].map(([, pair]) => pair);
  expect(cookies.length).toBeGreaterThan(0);
  return cookies.join('; ');
}

const isInstalled = (command: string) => {
  try {
    return execFileSync('sh', ['-c', `command -v ${command}`]).length > 0;
  } catch {
    return false;
  }
};

describe.each(GATEWAYS)('$name', (gateway) => {
  // CI installs them; elsewhere who has one, runs it.
  const canRun = process.env.CI !== undefined || isInstalled(gateway.command);
  const test = it.skipIf(!canRun);
  const ask = async (init: RequestInit = {}, kind: '' | ' with a token' = '') => {
    reached = [];
    const port = ports.get(gateway.name + kind);
    const response = await fetch(`http://localhost:${port}/cart?a=1`, init);
    return { status: response.status, headers: response.headers, seen: reached[0] };
  };
  /** Whom the app takes the visitor for. */
  const identity = ({ headers }: { headers: IncomingHttpHeaders }) => ({
    user: headers['x-user-id'] || undefined,
    client: headers['x-client-id'],
    actor: headers['x-actor'] || undefined,
    hasSession: /^[0-9a-f-]{36}$/.test(String(headers['x-session-id'])),
  });

  beforeAll(async () => {
    if (!canRun) return;
    await launch(gateway, '');
    await launch(gateway, ' with a token');
  });

  test('lets nobody in who has no session, whatever they say of themselves', async () => {
    for (const headers of [{}, FORGED, { authorization: 'Bearer a.b.c', ...FORGED }]) {
      const { status, headers: answered, seen } = await ask({ headers });
      expect({ status, seen }).toEqual({ status: 401, seen: undefined });
      expect(answered.get('www-authenticate')).toMatch(/^(Bearer|Cookie)/);
    }
  });

  test('lets a session in by its access token, and tells the app whose it is', async () => {
    const backend = { origin: issuer, backend: BACKEND };
    const created = await createSession({ client_id: 'web', user_id: USER }, backend);
    const headers = { authorization: `Bearer ${created.access_token}`, ...FORGED };
    const { status, seen } = await ask({ headers });
    expect(status).toBe(200);
    expect(seen && identity(seen)).toEqual({ user: USER, client: 'web', hasSession: true });
    expect(seen?.headers.authorization).toBe(`Bearer ${created.access_token}`);
    expect((await refresh(created.refresh_token, { origin: issuer, clientId: 'web' })).status).toBe(
      200,
    );
  });

  test('lets a session in by its cookies, with the body of the request, and keeps its own secret', async () => {
    const cookie = await signIn(USER);
    const origin = `http://localhost:${ports.get(gateway.name)}`;
    const own = { cookie, origin, 'sec-fetch-site': 'same-origin' };
    const body = 'x'.repeat(100_000);
    for (const init of [
      { headers: { cookie, ...FORGED } },
      { method: 'POST', headers: { ...own, ...FORGED }, body },
    ]) {
      const { status, seen } = await ask(init);
      expect(status).toBe(200);
      expect(seen).toMatchObject({ method: init.method ?? 'GET', body: init.body ?? '' });
      expect(seen && identity(seen)).toEqual({ user: USER, client: 'web', hasSession: true });
      expect(seen?.headers).not.toHaveProperty('x-gateway-authorization');
      expect(seen?.headers).not.toHaveProperty('authorization');
    }
  });

  test('lets a guest in as nobody, and not as whom they say they are', async () => {
    const { status, seen } = await ask({ headers: { cookie: await signIn(), ...FORGED } });
    expect(status).toBe(200);
    expect(seen && identity(seen)).toEqual({ user: undefined, client: 'web', hasSession: true });
  });

  test('lets no other site act with the cookies of a visitor, whatever the request says of its method', async () => {
    const cookie = await signIn(USER);
    const forged = { cookie, origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' };
    for (const more of [{}, { 'x-forwarded-method': 'GET', 'x-original-method': 'GET' }]) {
      const { status, seen } = await ask({ method: 'POST', headers: { ...forged, ...more } });
      expect({ status, seen }).toEqual({ status: 403, seen: undefined });
    }
    const link = { cookie, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' };
    expect((await ask({ headers: link })).status).toBe(200);
  });

  test('hands the app a fresh access token for cookies, where that is asked for', async () => {
    const cookie = await signIn(USER);
    const { status, seen } = await ask({ headers: { cookie } }, ' with a token');
    expect(status).toBe(200);
    const { authorization = '' } = seen?.headers ?? {};
    const own = await fetch(`${issuer}/v1/sessions/current`, { headers: { authorization } });
    expect(await own.json()).toMatchObject({ session: { user_id: USER, client_id: 'web' } });
    // Nobody gets one by asking for it.
    const asked = await ask({ headers: { cookie, 'x-gateway-wants': 'access-token' } });
    expect(asked.seen?.headers).not.toHaveProperty('authorization');
  });

  test('lets nobody in after they have signed out', async () => {
    const cookie = await signIn(USER);
    expect((await ask({ headers: { cookie } })).status).toBe(200);
    const headers = { cookie, origin: new URL(issuer).origin, 'x-requested-with': 'x' };
    const signedOut = await fetch(`${issuer}/browser/sign-out`, { method: 'POST', headers });
    expect(signedOut.status).toBe(204);
    const { status, seen } = await ask({ headers: { cookie } });
    expect({ status, seen }).toEqual({ status: 401, seen: undefined });
  });
});

describe('while the service is away', () => {
  it.each(GATEWAYS)('$name signs nobody out, and lets nobody in', async ({ name, command }) => {
    if (process.env.CI === undefined && !isInstalled(command)) return;
    await service.stop();
    reached = [];
    const { status } = await fetch(`http://localhost:${ports.get(name)}/`);
    expect(status).toBeGreaterThanOrEqual(500);
    expect(reached).toEqual([]);
  });
});
