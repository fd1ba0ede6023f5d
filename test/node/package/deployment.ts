/** The examples as they would be deployed, in one workerd. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import { findFreePort } from '../../../scripts/free-port.ts';
import { tool } from './shell.ts';

export const AUDIENCE = 'https://api.example.com';
const SECRET = randomBytes(32).toString('base64url');

/** What `wrangler deploy` would upload for an example. */
export async function build(folder: string): Promise<string> {
  const outdir = mkdtempSync(join(folder, 'built-'));
  await tool('wrangler', ['deploy', '--dry-run', '--outdir', outdir], folder);
  return readFileSync(join(outdir, 'index.js'), 'utf8');
}

export interface Deployment {
  miniflare: Miniflare;
  origin: string;
  clientId: string;
  clientSecret: string;
  authorization: string;
}

/**
 * The Worker of `ownWorker` on a port of its own, its database migrated. `others` are beside it,
 * and reach it as `my-sessions`. `clients` are more of CLIENTS. Its issuer is where it is, unless
 * given.
 */
export async function deploy(
  ownWorker: string,
  {
    issuer,
    others = [],
    clients = [],
    variables = {},
  }: {
    issuer?: string;
    others?: object[];
    clients?: { client_id: string; [member: string]: unknown }[];
    variables?: Record<string, string>;
  } = {},
): Promise<Deployment> {
  const clientId = 'backend';
  const hash = createHash('sha256').update(SECRET).digest('hex');
  const allow = ['refresh', 'create_sessions', 'manage_users', 'introspect'];
  const port = await findFreePort();
  const origin = `http://localhost:${port}`;
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      cf: false,
      host: '127.0.0.1',
      port,
      workers: [
        {
          ...PLATFORM,
          name: 'my-sessions',
          script: await build(ownWorker),
          d1Databases: { DB: 'sessions' },
          assets: {
            directory: join(ownWorker, 'node_modules/edge-sessions/assets'),
            binding: 'ASSETS',
            routerConfig: { has_user_worker: true, invoke_user_worker_ahead_of_assets: true },
          },
          bindings: {
            ...variables,
            ISSUER: issuer ?? origin,
            AUDIENCE,
            SESSION_SECRET: randomBytes(32).toString('base64url'),
            CLIENTS: JSON.stringify([
              {
                client_id: clientId,
                secret_sha256: hash,
                allow,
                for_clients: [clientId, 'app', ...clients.map(({ client_id }) => client_id)],
              },
              { client_id: 'app' },
              ...clients,
            ]),
          },
        },
        ...(others as []),
      ],
    }),
  );
  await migrate(miniflare, join(ownWorker, 'node_modules/edge-sessions/migrations'));
  const authorization = `Basic ${btoa(`${clientId}:${SECRET}`)}`;
  return { miniflare, origin, clientId, clientSecret: SECRET, authorization };
}

export const PLATFORM = {
  modules: true,
  compatibilityDate: '2026-08-01',
  compatibilityFlags: ['nodejs_compat'],
};

export async function migrate(
  miniflare: Miniflare,
  folder: string,
  { worker, binding } = { worker: 'my-sessions', binding: 'DB' },
): Promise<void> {
  const database = await miniflare.getD1Database(binding, worker);
  const names = readdirSync(folder).filter((name) => name.endsWith('.sql'));
  for (const name of names.sort()) {
    const sql = readFileSync(join(folder, name), 'utf8');
    for (const statement of sql.split('--> statement-breakpoint'))
      await database.prepare(statement).run();
  }
}
