/**
 * The built service and the baseline under workerd, each on a socket of its own without a proxy
 * before it.
 */
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { convertV4MiniflareOptions, Miniflare } from 'miniflare';

const root = resolve(import.meta.dirname, '../..');

/** What is used of a D1 binding. */
export interface Database {
  prepare(sql: string): {
    bind(...values: unknown[]): { run(): Promise<unknown> };
    run(): Promise<{ meta: { size_after?: number } }>;
  };
}

/**
 * Two services over one database: one rotates at every refresh, the other keeps a token for longer
 * than the run.
 */
export interface Workers {
  strict: URL;
  graceful: URL;
  /** Strict, with a webhook whose endpoint does not answer. */
  telling: URL;
  /** Strict, over a database of its own. */
  full: URL;
  baseline: URL;
  /** Strict, over a D1 that is a stub: of this checkout, and of the one to compare it with. */
  stubbed: { name: string; url: URL }[];
  /** `Authorization` of the backend. */
  authorization: string;
  /** Log lines of the services since the last call. */
  takeLog(): Record<string, unknown>[];
  database(worker: 'strict' | 'full'): Promise<Database>;
  /** Runs the cron; how many expired sessions it deleted. */
  clean(worker: 'full'): Promise<number>;
  stop(): Promise<void>;
}

/** `against`: another checkout of this repository, which the stubbed service is compared with. */
export async function startWorkers(against: string | null = null): Promise<Workers> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-'));
  const service = buildWorker('src/index.ts', join(folder, 'service'));
  const baseline = buildWorker('scripts/bench/baseline-worker.ts', join(folder, 'baseline'));
  const stubs = [{ name: 'stubbed', script: buildStubbed(join(folder, 'stubbed')) }];
  if (against !== null) {
    const script = buildStubbed(join(folder, 'against'), against);
    stubs.push({ name: 'against', script });
  }
  const secret = randomBytes(32).toString('base64url');
  const clients = [
    {
      client_id: 'bench',
      secret_sha256: createHash('sha256').update(secret).digest('hex'),
      allow: ['refresh', 'create_sessions', 'manage_users', 'introspect'],
      for_clients: ['bench', 'app'],
    },
    { client_id: 'app' },
  ];
  const bindings = {
    ISSUER: 'http://localhost:8787',
    AUDIENCE: 'urn:bench',
    SESSION_SECRET: randomBytes(32).toString('base64url'),
    CLIENTS: JSON.stringify(clients),
  };
  // A webhook endpoint that takes every connection and answers none.
  const deaf = createServer(() => {});
  await new Promise<void>((listening) => deaf.listen(0, '127.0.0.1', listening));
  const common = {
    modules: true,
    compatibilityDate: '2026-08-01',
    compatibilityFlags: ['nodejs_compat'],
    d1Databases: { DB: 'bench' },
    unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
  };
  let log: string[] = [];
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      cf: false,
      resourcePersistencePath: join(folder, 'd1'),
      handleStructuredLogs: ({ message }) => log.push(message),
      workers: [
        {
          ...common,
          name: 'strict',
          script: service,
          bindings: { ...bindings, REFRESH_GRACE_SECONDS: '0' },
        },
        {
          ...common,
          name: 'graceful',
          script: service,
          bindings: { ...bindings, REFRESH_GRACE_SECONDS: '600' },
        },
        {
          ...common,
          name: 'telling',
          script: service,
          bindings: { ...bindings, REFRESH_GRACE_SECONDS: '0', WEBHOOKS: toWebhooks(deaf) },
        },
        {
          ...common,
          name: 'full',
          script: service,
          bindings: { ...bindings, REFRESH_GRACE_SECONDS: '0' },
          d1Databases: { DB: 'full' },
        },
        { ...common, name: 'baseline', script: baseline },
        ...stubs.map(({ name, script }) => ({
          ...common,
          name,
          script,
          bindings: { ...bindings, REFRESH_GRACE_SECONDS: '0' },
        })),
      ],
    }),
  );
  const database: Workers['database'] = async (worker) =>
    (await miniflare.getD1Database('DB', worker)) as Database;
  for (const worker of ['strict', 'full'] as const) await migrate(await database(worker));
  const takeLog = () => {
    const lines = log.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
    log = [];
    return lines;
  };
  return {
    strict: await miniflare.unsafeGetDirectURL('strict'),
    graceful: await miniflare.unsafeGetDirectURL('graceful'),
    telling: await miniflare.unsafeGetDirectURL('telling'),
    full: await miniflare.unsafeGetDirectURL('full'),
    baseline: await miniflare.unsafeGetDirectURL('baseline'),
    stubbed: await Promise.all(
      stubs.map(async ({ name }) => ({ name, url: await miniflare.unsafeGetDirectURL(name) })),
    ),
    authorization: `Basic ${btoa(`bench:${secret}`)}`,
    takeLog,
    database,
    clean: async (worker) => {
      takeLog();
      await (await miniflare.getWorker(worker)).scheduled();
      const line = takeLog().find(
        ({ event }) => event === 'scheduled' || event === 'cleanup_backlog_growing',
      );
      return (line?.cleanup as { expired: number } | undefined)?.expired ?? 0;
    },
    stop: async () => {
      await miniflare.dispose();
      deaf.close();
      rmSync(folder, { recursive: true });
    },
  };
}

/** A checkout from before there was a stub is given this one's. */
function buildStubbed(outdir: string, folder = root): string {
  const stub = 'test/bench/stubbed-worker.ts';
  if (folder !== root) cpSync(join(root, stub), join(folder, stub), { recursive: true });
  return buildWorker(stub, outdir, folder);
}

/** `entry` is in `folder`, a checkout of this repository. */
export function buildWorker(entry: string, outdir: string, folder = root): string {
  const wrangler = join(root, 'node_modules/wrangler/bin/wrangler.js');
  execFileSync(
    process.execPath,
    [wrangler, 'deploy', entry, '--dry-run', '--minify', '--outdir', outdir],
    {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, WRANGLER_SEND_METRICS: 'false', WRANGLER_HIDE_BANNER: 'true' },
    },
  );
  const [script] = readdirSync(outdir).filter((name) => name.endsWith('.js'));
  return readFileSync(join(outdir, script ?? 'index.js'), 'utf8');
}

export async function migrate(database: Database): Promise<void> {
  const folder = join(root, 'migrations');
  for (const file of readdirSync(folder)
    .filter((name) => name.endsWith('.sql'))
    .sort()) {
    for (const statement of readFileSync(join(folder, file), 'utf8').split(
      '--> statement-breakpoint',
    )) {
      await database.prepare(statement).run();
    }
  }
}

function toWebhooks(server: Server): string {
  const { port } = server.address() as AddressInfo;
  const secret = `whsec_${randomBytes(32).toString('base64')}`;
  return JSON.stringify([
    { name: 'deaf', url: `http://127.0.0.1:${port}/`, secret, events: ['session_created'] },
  ]);
}
