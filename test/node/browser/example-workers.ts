/**
 * The service and examples that use it, as Workers beside each other in one workerd: they reach one
 * another by real service bindings, and a browser reaches each on a socket of its own.
 */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import { type Database, migrate } from '../../../scripts/bench/workers.ts';
import { bundleWorker } from '../../../scripts/package/bundle-worker.ts';

const PLATFORM = {
  modules: true,
  compatibilityDate: '2026-08-01',
  compatibilityFlags: ['nodejs_compat'],
  unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
};

export interface ExampleWorkers {
  /** Where a Worker listens, by its name. */
  url: (name: string) => Promise<URL>;
  /** `Authorization` of the backend. */
  authorization: string;
  stop: () => Promise<void>;
}

/**
 * Starts the service with these variables and, of CLIENTS, these beside a backend, and examples by
 * their folder, each with its variables.
 */
export async function startExampleWorkers(
  { clients, ...variables }: { clients: object[] } & Record<string, unknown>,
  examples: Record<string, Record<string, string>>,
): Promise<ExampleWorkers> {
  const folder = mkdtempSync(join(tmpdir(), 'edge-sessions-examples-'));
  const build = async (entry: string, name: string) => {
    const outfile = join(folder, `${name}.js`);
    await bundleWorker(entry, outfile);
    return readFileSync(outfile, 'utf8');
  };
  const secret = randomBytes(32).toString('base64url');
  const backend = {
    client_id: 'web-backend',
    secret_sha256: createHash('sha256').update(secret).digest('hex'),
    allow: ['create_sessions', 'manage_users'],
    for_clients: clients.map((client) => (client as { client_id: string }).client_id),
  };
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      cf: false,
      workers: [
        {
          ...PLATFORM,
          name: 'my-sessions',
          script: await build('src/index.ts', 'my-sessions'),
          d1Databases: { DB: 'sessions' },
          bindings: {
            ...variables,
            SESSION_SECRET: randomBytes(32).toString('base64url'),
            CLIENTS: JSON.stringify([...clients, backend]),
          },
        },
        ...(await Promise.all(
          Object.entries(examples).map(async ([name, bindings]) => ({
            ...PLATFORM,
            name,
            script: await build(`examples/${name}/src/index.ts`, name),
            bindings: { BACKEND_ID: backend.client_id, BACKEND_SECRET: secret, ...bindings },
            serviceBindings: { SESSIONS: 'my-sessions' },
          })),
        )),
      ],
    }),
  );
  await migrate((await miniflare.getD1Database('DB', 'my-sessions')) as Database);
  return {
    url: (name) => miniflare.unsafeGetDirectURL(name),
    authorization: `Basic ${btoa(`${backend.client_id}:${secret}`)}`,
    stop: async () => {
      await miniflare.dispose();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
