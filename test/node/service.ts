/** The service as `npm start` runs it, over real HTTP. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { completeDevVars } from '../../scripts/dev-vars.ts';
import { findFreePort } from '../../scripts/free-port.ts';
import { copyMigratedState } from './migrated-state.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const READY_TIMEOUT_MS = 180_000;

export const AUDIENCE = 'urn:example:api';

export interface Service {
  origin: string;
  devVarsFile: string;
  pid: number;
  output: () => string;
  ended: Promise<number | null>;
  stop: (signal?: NodeJS.Signals) => Promise<number | null>;
}

/**
 * Starts the service on a free port, with secrets and a database of its own, migrated already
 * unless PERSIST_TO is given, and resolves when it says what to try next. `clients` are there beside
 * those of the demo.
 */
export async function startService(
  args: string[] = [],
  env: Record<string, string> = {},
  clients: object[] = [],
): Promise<Service> {
  const port = await findFreePort();
  const directory = await mkdtemp(join(tmpdir(), 'edge-sessions-'));
  const devVarsFile = join(directory, 'dev.vars');
  if (clients.length > 0) await addClients(devVarsFile, clients);
  const state = join(directory, 'state');
  if (env.PERSIST_TO === undefined) await copyMigratedState(state);
  const run = runStart({ PORT: String(port), PERSIST_TO: state, ...env }, [
    '--env-file',
    devVarsFile,
    '--var',
    `AUDIENCE:${AUDIENCE}`,
    ...args,
  ]);

  const ended = run.ended.then((code) => {
    throw new Error(`the service ended with ${code}:\n${run.output()}`);
  });
  ended.catch(() => {});
  try {
    await Promise.race([run.printed('Run the cron:', READY_TIMEOUT_MS), ended]);
  } catch (error) {
    run.process.kill();
    await run.ended;
    await rm(directory, { recursive: true, force: true });
    throw error;
  }
  return {
    origin: `${env.HTTPS === '1' ? 'https' : 'http'}://localhost:${port}`,
    devVarsFile,
    pid: run.process.pid as number,
    output: run.output,
    ended: run.ended,
    stop: async (signal = 'SIGTERM') => {
      run.process.kill(signal);
      const code = await run.ended;
      await rm(directory, { recursive: true, force: true });
      return code;
    },
  };
}

async function addClients(devVarsFile: string, clients: object[]): Promise<void> {
  const { CLIENTS = '[]', ...vars } = completeDevVars(devVarsFile);
  const all = { ...vars, CLIENTS: JSON.stringify([...JSON.parse(CLIENTS), ...clients]) };
  const lines = Object.entries(all).map(([name, value]) => `${name}='${value}'\n`);
  await writeFile(devVarsFile, lines.join(''));
}

export interface Run {
  process: ChildProcess;
  ended: Promise<number | null>;
  output: () => string;
  printed: (text: string, timeoutMs: number) => Promise<void>;
}

/** `npm start` of the repository, or of a clone of it. */
export function runStart(env: Record<string, string>, args: string[] = [], root = ROOT): Run {
  // Without `--` Node itself reads `--env-file`, and stops when there is no such file.
  return runIn(root, ['--', join(root, 'scripts/start.ts'), ...args], env);
}

/** What Node runs in a folder. */
export function runIn(folder: string, command: string[], env: Record<string, string>): Run {
  const child = spawn(process.execPath, command, {
    cwd: folder,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  child.stdout.on('data', (chunk) => (text += chunk));
  child.stderr.on('data', (chunk) => (text += chunk));
  return {
    process: child,
    ended: new Promise((resolveCode) => child.once('close', resolveCode)),
    output: () => text,
    printed: (wanted, timeoutMs) =>
      new Promise((found, reject) => {
        const timeout = setTimeout(
          () => reject(new Error(`no "${wanted}" within ${timeoutMs} ms:\n${text}`)),
          timeoutMs,
        );
        timeout.unref();
        const look = () => {
          if (!text.includes(wanted)) return;
          clearTimeout(timeout);
          for (const stream of [child.stdout, child.stderr]) stream.off('data', look);
          found();
        };
        for (const stream of [child.stdout, child.stderr]) stream.on('data', look);
        look();
      }),
  };
}
