/**
 * As a new user does it, with nothing but the package and docs/cli.md: from an empty folder to a
 * backend of their own that starts a session, by the page's commands, which print what the page
 * says. How long each step took is printed.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { findFreePort } from '../../../scripts/free-port.ts';
import { USER } from '../../people';
import { readSnippets } from '../snippets.ts';
import { shell } from './shell.ts';

const { archive } = inject('installed');
const MINUTE = 60_000;
const CHROME =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36';

/** Their Node is the one that runs the tests, and their npm the one of this machine. */
const env: Record<string, string> = {
  PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH}`,
  npm_config_prefer_offline: 'true',
  CLOUDFLARE_CF_FETCH_ENABLED: 'false',
};

let folder: string;
let project: string;
let origin: string;
let running: ChildProcess | null = null;
let began: number;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'new-user-'));
  project = join(folder, 'my-sessions');
  began = performance.now();
});
afterAll(async () => {
  if (running?.pid !== undefined) {
    const ended = new Promise((resolve) => running?.once('close', resolve));
    process.kill(-running.pid, 'SIGTERM');
    await ended;
  }
  rmSync(folder, { recursive: true, force: true });
});

async function timed<T>(what: string, step: () => Promise<T>): Promise<T> {
  const start = performance.now();
  const result = await step();
  // Straight to the terminal, because the figures are wanted of runs that pass, too.
  process.stderr.write(`${what}: ${((performance.now() - start) / 1000).toFixed(1)} s\n`);
  return result;
}

/** The commands of a part of the page, and what they print. */
function readPage(heading: string): { commands: string; sample: string } {
  const snippets = readSnippets('docs/cli.md', heading);
  const at = snippets.findIndex(({ language }) => language === 'sh');
  return { commands: snippets[at]?.text ?? '', sample: snippets[at + 1]?.text ?? '' };
}

/** Both streams in their order, as a terminal shows them. */
function type(commands: string, cwd: string): Promise<string> {
  return new Promise((ended) => {
    const options = { cwd, env: { ...process.env, ...env, NO_UPDATE_NOTIFIER: '1' } };
    const all = `{ ${commands}\n} 2>&1; times > '${join(folder, 'times')}'`;
    execFile('bash', ['-c', all], options, (_, stdout) => ended(stdout));
  });
}

/**
 * How long the last commands that were typed kept a processor: what they take on a machine that
 * does nothing else.
 */
function secondsOfWork(): number {
  const [, ofCommands = ''] = readFileSync(join(folder, 'times'), 'utf8').split('\n');
  const times = [...ofCommands.matchAll(/(\d+)m([\d.]+)s/g)];
  expect(times).toHaveLength(2);
  return times.reduce(
    (sum, [, minutes, seconds]) => sum + 60 * Number(minutes) + Number(seconds),
    0,
  );
}

/** Without what is another each time. */
const steady = (text: string) =>
  text
    .replaceAll(/stored nowhere: \S+/g, 'stored nowhere: SECRET')
    .replaceAll(/\b(?!7b0e4f50)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, 'ID')
    .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g, 'TIME')
    .replaceAll(/localhost:\d+/g, 'localhost:PORT')
    .replaceAll(/^(looking at|looked at).*\n/gm, '')
    .trim();

async function runPage(heading: string, cwd: string, change = (text: string) => text) {
  const { commands, sample } = readPage(heading);
  const printed = await timed(heading, () => type(change(commands), cwd));
  expect(steady(printed)).toBe(steady(sample));
  return printed;
}

/** `npm run dev`, until it answers. */
async function startDevelopment(port: number): Promise<void> {
  running = spawn('npm', ['run', 'dev', '--', `--port=${port}`, '--inspector-port=0'], {
    cwd: project,
    env: { ...process.env, ...env, CI: 'true', WRANGLER_SEND_METRICS: 'false' },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let printed = '';
  for (const stream of [running.stdout, running.stderr])
    stream?.on('data', (chunk) => {
      printed += chunk;
    });
  const status = () =>
    fetch(`${origin}/healthz`).then(
      (response) => response.status,
      () => printed,
    );
  await expect.poll(status, { timeout: 3 * MINUTE, interval: 200 }).toBe(200);
}

describe('from an empty folder', () => {
  it('init makes a deployment in less than a minute', async () => {
    const printed = await runPage('A new deployment', folder, (text) =>
      text
        .replace('npx edge-sessions', `npx --yes --package '${archive}' edge-sessions`)
        .replace('--client web', `--client web --depend-on 'file:${archive}'`),
    );
    expect(secondsOfWork()).toBeGreaterThan(0);
    expect(secondsOfWork()).toBeLessThan(60);
    env.CLIENT_ID = 'web-backend';
    env.CLIENT_SECRET = /stored nowhere: (\S+)/.exec(printed)?.[1] ?? '';
  });

  it('which wrangler would deploy', async () => {
    const built = await timed('npx wrangler deploy --dry-run', () =>
      shell('npx', ['wrangler', 'deploy', '--dry-run'], project, env),
    );
    expect(built).toContain('env.DB (my-sessions)');
  });

  it('and a backend starts a session of a user', async () => {
    const port = await findFreePort();
    origin = `http://localhost:${port}`;
    const devVars = join(project, '.dev.vars');
    writeFileSync(devVars, readFileSync(devVars, 'utf8').replace(':8787', `:${port}`));
    env.SERVICE_URL = origin;
    await timed('npm run dev', () => startDevelopment(port));
    const created = await fetch(`${origin}/v1/sessions`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Basic ${btoa(`web-backend:${env.CLIENT_SECRET}`)}`,
      },
      body: JSON.stringify({ user_id: USER, client_id: 'web', user_agent: CHROME }),
    });
    expect(created.status).toBe(201);
    expect(await created.json()).toMatchObject({
      session: { client_id: 'web' },
      access_token: expect.any(String),
      refresh_token: expect.any(String),
    });
    const seconds = (performance.now() - began) / 1000;
    process.stderr.write(`from an empty folder to a session: ${seconds.toFixed(1)} s\n`);
    expect(seconds).toBeLessThan(10 * 60);
  });
});

describe('docs/cli.md', () => {
  it('says what support prints', async () => {
    await runPage('Sessions and events', project);
  });

  it('says what the doctor prints', async () => {
    await runPage('Doctor', project, (text) => `unset CLIENT_ID CLIENT_SECRET; ${text}`);
  });

  it('says what new clients and issuers print', async () => {
    await runPage('Clients and issuers', project);
  });
});
