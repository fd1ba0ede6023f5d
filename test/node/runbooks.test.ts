/**
 * The commands of docs/runbooks.md as they stand there, in a shell, against a service with three
 * homes: one of them is restored by putting its files back.
 */
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { USER } from '../people';
import { createSession, refresh } from './demo.ts';
import { copyMigratedState } from './migrated-state.ts';
import { type Service, startService } from './service.ts';

const run = promisify(execFile);
const ROOT = resolve(import.meta.dirname, '../..');

let page: string;
let folder: string;
let service: Service;

const secret = 'the-secret-of-whoever-operates-here';
const sha256 = createHash('sha256').update(secret).digest('hex');
const operator = { id: 'operator', secret };
const clients = [
  {
    client_id: operator.id,
    secret_sha256: sha256,
    allow: ['operate', 'create_sessions', 'manage_users'],
    for_clients: ['demo-app'],
  },
];
const SECRETS = {
  SESSION_SECRET: randomBytes(32).toString('base64url'),
  WEBHOOKS: JSON.stringify([
    {
      name: 'team',
      // Nobody listens there.
      url: 'http://localhost:9/hooks',
      secret: `whsec_${randomBytes(32).toString('base64')}`,
      events: ['session_created'],
    },
  ]),
};

/** On the databases of before, with the secrets of before. */
const start = () =>
  startService(
    Object.entries(SECRETS).flatMap(([name, value]) => ['--var', `${name}:${value}`]),
    { LOCAL_HOMES: '3', PERSIST_TO: join(folder, 'state') },
    clients,
  );

beforeAll(async () => {
  page = await readFile(join(ROOT, 'docs/runbooks.md'), 'utf8');
  folder = await mkdtemp(join(tmpdir(), 'runbooks-'));
  await copyMigratedState(join(folder, 'state'));
  service = await start();
});
afterAll(async () => {
  await service?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Runs the command of the page that is, or begins with, this. */
async function follow(wanted: string): Promise<string> {
  const lines = page.split('\n').map((line) => line.trim());
  const command =
    lines.find((line) => line === wanted) ?? lines.find((line) => line.startsWith(wanted));
  if (command === undefined) throw new Error(`docs/runbooks.md has no ${wanted}`);
  const env = {
    ...process.env,
    SERVICE_URL: service.origin,
    CLIENT_ID: operator.id,
    CLIENT_SECRET: operator.secret,
  };
  return (await run('bash', ['-c', command], { cwd: ROOT, env })).stdout;
}

const begin = (body: object) =>
  createSession(body as Record<string, unknown>, { origin: service.origin, backend: operator });

it('the health of the service, the list of homes, and the cron', async () => {
  expect(JSON.parse(await follow('curl -s $SERVICE_URL/healthz'))).toEqual({
    status: 'ok',
    last_cleanup_at: null,
  });
  expect(await follow('npm run homes')).toMatch(/^DB_WEUR .* yes +0$/m);
  await follow('curl -s $SERVICE_URL/cdn-cgi/handler/scheduled');
});

it('a home that was restored: what was ended lives again, until the not-before; and new keys', async () => {
  const session = { user_id: USER, client_id: 'demo-app', home: 'DB_WEUR' };
  const { refresh_token } = await begin(session);
  // Nobody writes while it is away, so the files are whole.
  await service.stop();
  await cp(join(folder, 'state'), join(folder, 'backup'), { recursive: true });
  service = await start();
  const ended = await fetch(`${service.origin}/v1/users/${USER}/sessions`, {
    method: 'DELETE',
    headers: { authorization: `Basic ${btoa(`${operator.id}:${operator.secret}`)}` },
  });
  expect(ended.status).toBe(200);
  const answer = async () => (await refresh(refresh_token, { origin: service.origin })).body;
  expect(await answer()).toMatchObject({ reason: 'revoked' });

  await service.stop();
  await rm(join(folder, 'state'), { recursive: true });
  await cp(join(folder, 'backup'), join(folder, 'state'), { recursive: true });
  service = await start();
  expect(await answer()).toHaveProperty('access_token');
  expect(await follow('npm run homes -- not-before DB_WEUR')).toContain('is over in DB_WEUR');
  expect(await answer()).toMatchObject({ reason: 'revoked' });
  expect(await follow('npm run keys -- revoke all')).toMatch(/revoked .*: refused here within/);
}, 480_000);

it('what a webhook was not told, listed and sent again', async () => {
  await begin({ client_id: 'demo-app' });
  await follow('curl -s $SERVICE_URL/cdn-cgi/handler/scheduled');
  const curl = 'curl -s -u "$CLIENT_ID:$CLIENT_SECRET" ';
  const list = `${curl}"$SERVICE_URL/v1/webhook-deliveries?endpoint=team&state=pending`;
  await vi.waitFor(
    async () =>
      expect(JSON.parse(await follow(list)).deliveries).toContainEqual(
        expect.objectContaining({ endpoint: 'team', last_error: 'no_connection' }),
      ),
    { timeout: 60_000, interval: 500 },
  );
  const dead = JSON.parse(
    await follow(`${curl}"$SERVICE_URL/v1/webhook-deliveries?endpoint=team&state=dead`),
  );
  expect(dead.deliveries).toEqual([]);
  const { replayed } = JSON.parse(await follow(`${curl}-H 'Content-Type: application/json'`));
  expect(replayed).toBeGreaterThan(0);
});
