/**
 * `edge-sessions sessions` and `events watch` beside a running service, and the questions of
 * `init`.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { findFreePort } from '../../scripts/free-port.ts';
import { askAs } from '../../src/cli/ask-service.ts';
import { openTerminal } from '../../src/cli/terminal.ts';
import { backendOf, createSession } from './demo.ts';
import { type Service, startService } from './service.ts';

const CLI = resolve(import.meta.dirname, '../../scripts/cli.ts');

let service: Service;
let backend: { id: string; secret: string };
beforeAll(async () => {
  service = await startService();
  backend = backendOf(service.devVarsFile);
});
afterAll(() => service?.stop());

let watching: ChildProcess | null = null;
afterEach(() => {
  watching?.kill();
  watching = null;
});

const variables = (origin = service.origin, secret = backend.secret) => ({
  ...process.env,
  SERVICE_URL: origin,
  CLIENT_ID: backend.id,
  CLIENT_SECRET: secret,
});

function run(args: string[], env: NodeJS.ProcessEnv = variables()) {
  return new Promise<{ code: number; stdout: string; stderr: string }>((ended) => {
    execFile(process.execPath, [CLI, ...args], { env }, (error, stdout, stderr) =>
      ended({ code: Number(error?.code ?? 0), stdout, stderr }),
    );
  });
}

const start = (user: string, agent = 'curl/8') =>
  createSession(
    { user_id: user, client_id: 'demo-app', user_agent: agent },
    { origin: service.origin, backend },
  );

it('sessions are listed and ended: one, and all but one', async () => {
  const user = crypto.randomUUID();
  const [first, second, third] = [await start(user), await start(user), await start(user)];
  const ids = (stdout: string) =>
    (JSON.parse(stdout) as { sessions: { id: string }[] }).sessions.map(({ id }) => id).sort();
  const list = async (...args: string[]) =>
    ids((await run(['sessions', 'list', user, '--json', ...args])).stdout);
  expect(await list()).toEqual([first, second, third].map(({ session }) => session.id).sort());

  const one = ['sessions', 'revoke', first.session.id, '--reason', 'administrator'];
  expect(await run(one)).toMatchObject({ code: 0, stdout: `${first.session.id} is over\n` });
  const all = ['sessions', 'revoke', '--user', user, '--except', second.session.id];
  expect(await run(all)).toMatchObject({ code: 0, stdout: '1 session is over\n' });
  expect(await list()).toEqual([second.session.id]);
  expect(await list('--ended')).toHaveLength(3);
  const table = (await run(['sessions', 'list', user])).stdout;
  expect(table).toMatch(/^ID +CLIENT +DEVICE +CREATED +LAST USED$/m);
  expect(table).toContain(`${second.session.id}  demo-app`);
});

it('a device that calls itself what moves a terminal does not move it', async () => {
  const user = crypto.randomUUID();
  const agent = 'Mozilla/5.0 \u001b]0;gone\u0007 \u009b31m';
  await start(user, agent);
  const { stdout } = await run(['sessions', 'list', user, '--json']);
  expect(stdout).not.toMatch(/(?!\n)\p{Cc}/u);
  expect(JSON.parse(stdout).sessions).toMatchObject([{ user_agent: agent }]);
});

it.each([
  ['sessions', 'revoke'],
  ['sessions', 'revoke', 'a', '--user', 'b'],
  ['sessions', 'revoke', 'a', '--except', 'b'],
  ['events', 'watch'],
  ['events', 'watch', '--user', 'a', '--every', 'soon'],
])('%s %s is refused where it is not clear: %s %s %s', async (...args) => {
  expect(await run(args.filter((arg) => arg !== undefined))).toMatchObject({ code: 2, stdout: '' });
});

it('says why it was refused, and repeats no secret', async () => {
  const user = crypto.randomUUID();
  const wrong = 'wrong-secret-of-this-test';
  const refused = await run(['sessions', 'list', user], variables(service.origin, wrong));
  expect(refused).toMatchObject({ code: 1, stdout: '' });
  expect(refused.stderr).toMatch(/^sessions: GET .* answered 401: /);
  expect(refused.stderr).not.toContain(wrong);
  const reason = ['sessions', 'revoke', crypto.randomUUID(), '--reason', 'because'];
  expect(await run(reason)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('answered 4'),
  });
});

it('says that a secret goes over the network by http, but not on this machine', async () => {
  vi.stubEnv('CLIENT_ID', backend.id);
  vi.stubEnv('CLIENT_SECRET', 'secret');
  onTestFinished(() => void vi.unstubAllEnvs());
  const told: string[] = [];
  const terminal = { ...openTerminal({}), note: (text: string) => void told.push(text) };
  for (const host of ['http://auth.example.com', 'https://auth.example.com', service.origin])
    await askAs('operate', { cwd: '.', service: host }, terminal);
  expect(told).toEqual([
    expect.stringMatching(/^note: http:\/\/auth\.example\.com is asked by http/),
  ]);
});

describe('what is not the service', () => {
  /** Answers so to everyone, and tells what it was asked. */
  async function pretend(status: number, headers: Record<string, string>, body = '') {
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(`${request.method} ${request.url}`);
      response.writeHead(status, { connection: 'close', ...headers });
      response.end(body);
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    onTestFinished(() => void server.close());
    return { asked, origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
  }
  const list = ['sessions', 'list', crypto.randomUUID()];

  it('and leads elsewhere, like to a login, is not followed', async () => {
    const elsewhere = await pretend(200, {}, '<!doctype html>');
    const location = `${elsewhere.origin}/login`;
    const { origin } = await pretend(302, { location });
    expect(await run(list, variables(origin))).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining(`answered 302: it leads to ${location}`),
    });
    expect(elsewhere.asked).toEqual([]);
  });

  it('is told by its answer, which is no JSON', async () => {
    const { origin } = await pretend(200, { 'content-type': 'text/html' }, '<!doctype html>');
    const { code, stderr } = await run(list, variables(origin));
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/^sessions: GET .* no JSON: is this/),
    ]);
  });

  it('writes nothing but text to the terminal, and not much of it', async () => {
    const { origin } = await pretend(500, {}, `\u001b[2J${'long '.repeat(1000)}`);
    const { stderr } = await run(list, variables(origin));
    expect(stderr).toMatch(/answered 500: .{0,400}\n$/);
    expect(stderr).not.toMatch(/(?!\n)\p{Cc}/u);
  });
});

/** What stands before the service, and may go away. */
async function listen(port: number): Promise<Server> {
  const server = createServer(async (request, response) => {
    const { authorization = '' } = request.headers;
    const answer = await fetch(service.origin + request.url, { headers: { authorization } });
    response.writeHead(answer.status, { 'content-type': 'application/json', connection: 'close' });
    response.end(await answer.text());
  });
  await new Promise<void>((listening) => server.listen(port, '127.0.0.1', listening));
  return server;
}

it('events are shown as they come, also after the service was away', async () => {
  const user = crypto.randomUUID();
  const { session } = await start(user, 'Mozilla/5.0 (Windows NT 10.0; Win64; x64)');
  const port = await findFreePort();
  let server = await listen(port);
  const args = ['events', 'watch', '--user', user, '--every', '1', '--last', '1', '--json'];
  let shown = '';
  let told = '';
  watching = spawn(process.execPath, [CLI, ...args], {
    env: variables(`http://127.0.0.1:${port}`),
  });
  watching.stdout?.on('data', (chunk) => {
    shown += chunk;
  });
  watching.stderr?.on('data', (chunk) => {
    told += chunk;
  });
  const types = () =>
    shown
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line).type);
  const eventually = { timeout: 120_000, interval: 100 };
  await expect.poll(types, eventually).toEqual(['session_created']);

  server.close();
  await expect.poll(() => told, eventually).toContain('trying again');
  await run(['sessions', 'revoke', session.id]);
  server = await listen(port);
  await expect.poll(types, eventually).toEqual(['session_created', 'session_revoked']);
  // The two streams are read one after the other.
  await expect.poll(() => told, eventually).toContain('it answers again');
  server.close();
});

it.skipIf(process.platform !== 'linux')(
  'init asks for what is no flag, in a terminal',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'init-'));
    // Without a size, a question would be broken up into single letters.
    const command = `stty cols 120 rows 40; '${process.execPath}' '${CLI}' init asked --no-install --cwd '${folder}'`;
    // A terminal of its own, as util-linux's `script` makes one.
    const terminal = spawn('script', ['-qec', command, '/dev/null'], {
      env: { ...process.env, TERM: 'xterm', CI: '', COLUMNS: '120' },
    });
    const ended = new Promise((gone) => terminal.once('close', gone));
    let screen = '';
    terminal.stdout.on('data', (chunk) => {
      screen += chunk;
    });
    const answer = async (question: string, keys: string) => {
      await expect.poll(() => screen, { timeout: 120_000 }).toContain(question);
      terminal.stdin.write(keys);
    };
    await answer('The public URL of the service?', 'https://auth.example.com\r');
    await answer('Where are most of your users?', '\x1b[B\x1b[B\r');
    await answer('The client_id of your app?', '\r');
    await expect.poll(() => screen, { timeout: 120_000 }).toContain('stored nowhere');
    terminal.kill();
    await ended;
    const toml = readFileSync(join(folder, 'asked/wrangler.toml'), 'utf8');
    rmSync(folder, { recursive: true });
    expect(toml).toContain('ISSUER = "https://auth.example.com"');
    expect(toml).toContain('"regions":["weur"]');
    expect(toml).toContain('"client_id":"web-backend"');
  },
);
