/**
 * The soak's service, in a process of its own that can be killed: `node server.ts <script> <state>
 * <port> <bindings as JSON>`.
 */
import { readFileSync } from 'node:fs';
import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import { type Database, migrate } from '../bench/workers.ts';

const [script, state, port, bindings] = process.argv.slice(2) as [string, string, string, string];
const miniflare = new Miniflare(
  convertV4MiniflareOptions({
    cf: false,
    resourcePersistencePath: state,
    workers: [
      {
        name: 'soak',
        modules: true,
        compatibilityDate: '2026-08-01',
        compatibilityFlags: ['nodejs_compat'],
        d1Databases: { DB: 'soak-1', DB_WEUR: 'soak-2', DB_APAC: 'soak-3' },
        unsafeDirectSockets: [{ host: '127.0.0.1', port: Number(port) }],
        script: readFileSync(script, 'utf8'),
        bindings: JSON.parse(bindings),
      },
    ],
  }),
);
await miniflare.ready;
for (const name of ['DB', 'DB_WEUR', 'DB_APAC']) {
  const database = (await miniflare.getD1Database(name)) as Database;
  // Once, on the first start.
  await database
    .prepare('SELECT 1 FROM users')
    .run()
    .catch(() => migrate(database));
}
console.log('ready');
setInterval(async () => {
  // What the Cron Trigger does; a run with faults fails, and the next one goes on.
  await (await miniflare.getWorker()).scheduled().catch(() => {});
}, 10_000);
