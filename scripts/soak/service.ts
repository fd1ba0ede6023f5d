/** Starts, kills and starts again what the soak talks to. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { buildWorker } from '../bench/workers.ts';
import { findFreePort } from '../free-port.ts';

const MEMORY_SECONDS = 5;
const GRACE_SECONDS = 1;
export const GRACE_MS = GRACE_SECONDS * 1000;

export interface SoakService {
  url: URL;
  /** `Authorization` of the backend. */
  authorization: string;
  /** SIGKILL of workerd and all around it, and a new start on the same databases. */
  kill(): Promise<void>;
  /** Fulfilled while it runs: what is sent while it starts, Miniflare never answers. */
  up(): Promise<void>;
  /** What workerd took at the end of each life, and how long that was. */
  memory(): { seconds: number; mebibytes: number }[];
  stop(): Promise<void>;
}

export async function startSoakService(faultRate: string, limit: number): Promise<SoakService> {
  const folder = mkdtempSync(join(tmpdir(), 'soak-'));
  const script = join(folder, 'worker.js');
  writeFileSync(script, buildWorker('test/soak/worker.ts', join(folder, 'build')));
  const state = join(folder, 'state');
  const port = await findFreePort();
  const secret = randomBytes(32).toString('base64url');
  const clients = [
    {
      client_id: 'soak',
      secret_sha256: createHash('sha256').update(secret).digest('hex'),
      allow: ['refresh', 'create_sessions', 'manage_users', 'introspect'],
      for_clients: ['soak', 'app'],
    },
    { client_id: 'app' },
  ];
  const homes = ['DB', 'DB_WEUR', 'DB_APAC'].map((home) => ({ home, regions: ['weur'] }));
  const bindings = {
    ISSUER: 'http://localhost:8787',
    AUDIENCE: 'urn:soak',
    SESSION_SECRET: randomBytes(32).toString('base64url'),
    CLIENTS: JSON.stringify(clients),
    HOMES: JSON.stringify(homes),
    REFRESH_GRACE_SECONDS: String(GRACE_SECONDS),
    MAX_SESSIONS_PER_USER: String(limit),
    D1_TIMEOUT_MS: '1000',
    FAULT_RATE: faultRate,
  };
  const lives: { seconds: number; mebibytes: number }[] = [];
  let child = await start();
  let startedAt = Date.now();
  let mebibytes = 0;
  let up = Promise.resolve();
  const watch = setInterval(() => {
    mebibytes = memoryOf(child);
  }, MEMORY_SECONDS * 1000);
  const end = async () => {
    lives.push({
      seconds: Math.round((Date.now() - startedAt) / 1000),
      mebibytes: memoryOf(child) || mebibytes,
    });
    const ended = new Promise((gone) => child.once('close', gone));
    process.kill(-(child.pid as number), 'SIGKILL');
    await ended;
  };
  return {
    url: new URL(`http://127.0.0.1:${port}`),
    authorization: `Basic ${btoa(`soak:${secret}`)}`,
    kill: async () => {
      let isUp = () => {};
      up = new Promise((resolveUp) => {
        isUp = resolveUp;
      });
      await end();
      child = await start();
      startedAt = Date.now();
      isUp();
    },
    up: () => up,
    memory: () => lives,
    stop: async () => {
      clearInterval(watch);
      await end();
      rmSync(folder, { recursive: true, force: true });
    },
  };

  async function start(): Promise<ChildProcess> {
    const args = [
      resolve(import.meta.dirname, 'server.ts'),
      script,
      state,
      String(port),
      JSON.stringify(bindings),
    ];
    // A group of its own, so that the kill reaches workerd.
    const started = spawn(process.execPath, args, {
      detached: true,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await new Promise<void>((ready, failed) => {
      started.stdout?.once('data', () => ready());
      started.once('exit', (code) => failed(new Error(`the service ended with ${code}`)));
    });
    return started;
  }
}

/** Resident memory of the workerd process below; 0 where that cannot be read. */
function memoryOf({ pid }: ChildProcess): number {
  try {
    const workerd = execFileSync('pgrep', ['-g', String(pid), 'workerd'], { encoding: 'utf8' })
      .trim()
      .split('\n');
    const status = readFileSync(`/proc/${workerd[0]}/status`, 'utf8');
    return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
  } catch {
    return 0;
  }
}
