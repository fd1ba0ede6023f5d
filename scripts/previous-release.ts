/**
 * `npm run check:previous`: the release before on these migrations, as it is between the migration
 * and the deployment, and in a gradual one. Runs that release's own tests over the tables of now,
 * and both releases side by side on one database. It needs the history of the repository.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import { buildWorker, type Database, migrate } from './bench/workers.ts';

/** The last commit before the homes. */
const PREVIOUS = 'ae0d5d9571ff9d679f6b46c97ab28ab0d22f6772';
/** All that asks the database; what a table looks like, and costs, is for this release to say. */
const TESTS = [
  'test/sessions',
  'test/conformance',
  'test/http',
  'test/risk',
  'test/webhooks',
  'test/tokens',
];

/**
 * That release's model forgets that signing out others also marks sessions that had expired, and
 * fails now and then on any tables.
 */
const MISTAKEN = 'test/sessions/model.test.ts';

const root = resolve(import.meta.dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'previous-release-'));
try {
  const archive = execFileSync('git', ['archive', PREVIOUS], {
    cwd: root,
    maxBuffer: 100 * 1024 * 1024,
  });
  execFileSync('tar', ['x', '-C', folder], { input: archive });
  rmSync(join(folder, MISTAKEN));
  rmSync(join(folder, 'migrations'), { recursive: true });
  cpSync(join(root, 'migrations'), join(folder, 'migrations'), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const { status } = spawnSync(
    process.execPath,
    // Some of them have 100 ms for a call of the database, and nobody can mend them any more. What
    // these tables break, they break each time.
    [vitest, 'run', '--project', 'workers', '--retry=3', ...TESTS],
    {
      cwd: folder,
      stdio: 'inherit',
    },
  );
  process.exitCode = status ?? 1;
  await deployGradually(folder);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** People whose requests are answered now by one release, now by the other, notice nothing. */
async function deployGradually(previous: string): Promise<void> {
  const secret = randomBytes(32).toString('base64url');
  const clients = [
    {
      client_id: 'backend',
      secret_sha256: createHash('sha256').update(secret).digest('hex'),
      allow: ['refresh', 'create_sessions', 'manage_users', 'introspect'],
    },
    { client_id: 'app' },
  ];
  // The release before knows no for_clients: its backends acted for every client.
  const [backend, app] = clients;
  const namingClients = [{ ...backend, for_clients: ['backend', 'app'] }, app];
  const common = {
    modules: true,
    compatibilityDate: '2026-08-01',
    compatibilityFlags: ['nodejs_compat'],
    d1Databases: { DB: 'shared' },
    bindings: {
      ISSUER: 'http://localhost:8787',
      AUDIENCE: 'urn:gradual',
      SESSION_SECRET: randomBytes(32).toString('base64url'),
      CLIENTS: JSON.stringify(clients),
      // Every refresh moves the session on.
      REFRESH_GRACE_SECONDS: '0',
    },
  };
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      cf: false,
      handleStructuredLogs: () => {},
      workers: [
        {
          ...common,
          bindings: { ...common.bindings, CLIENTS: JSON.stringify(namingClients) },
          name: 'now',
          script: buildWorker('src/index.ts', join(previous, 'built/now')),
        },
        {
          ...common,
          name: 'previous',
          script: buildWorker('src/index.ts', join(previous, 'built/previous'), previous),
        },
      ],
    }),
  );
  try {
    await migrate((await miniflare.getD1Database('DB', 'now')) as Database);
    const [now, before] = [await miniflare.getWorker('now'), await miniflare.getWorker('previous')];
    const ask = async (
      worker: typeof now,
      path: string,
      body: object | URLSearchParams,
      headers = {},
    ) => {
      const isForm = body instanceof URLSearchParams;
      const response = await worker.fetch(`http://localhost:8787${path}`, {
        method: 'POST',
        body: isForm ? body.toString() : JSON.stringify(body),
        headers: {
          'content-type': isForm ? 'application/x-www-form-urlencoded' : 'application/json',
          ...headers,
        },
      });
      const text = await response.text();
      return { status: response.status, body: text === '' ? null : JSON.parse(text) };
    };
    const authorization = `Basic ${btoa(`backend:${secret}`)}`;
    const refresh = (worker: typeof now, token: string) =>
      ask(
        worker,
        '/oauth/token',
        new URLSearchParams({
          grant_type: 'refresh_token',
          client_id: 'app',
          refresh_token: token,
        }),
      );
    const releases = [now, before];
    for (const [first, second] of [releases, releases.toReversed()] as [typeof now, typeof now][]) {
      const session = { user_id: randomUUID(), client_id: 'app' };
      const key = { authorization, 'idempotency-key': randomUUID() };
      const created = await ask(first, '/v1/sessions', session, key);
      assert.equal(created.status, 201);
      const repeated = await ask(second, '/v1/sessions', session, key);
      assert.equal(repeated.body.refresh_token, created.body.refresh_token);
      const stolen: string = created.body.refresh_token;
      let token = stolen;
      for (let step = 0; step < 100; step += 1) {
        const { status, body } = await refresh(step % 3 === 0 ? first : second, token);
        assert.equal(status, 200);
        token = body.refresh_token;
      }
      assert.equal((await refresh(first, stolen)).body.reason, 'reuse_detected');
      assert.equal((await refresh(second, token)).body.reason, 'reuse_detected');
      const other = await ask(second, '/v1/sessions', session, { authorization });
      await ask(
        first,
        '/oauth/revoke',
        new URLSearchParams({ client_id: 'app', token: other.body.access_token }),
      );
      assert.equal((await refresh(second, other.body.refresh_token)).body.reason, 'signed_out');
    }
    console.log(
      'gradual deployment: 200 refreshes by both releases in turn, creates repeated, reuse and sign-outs seen by both',
    );
  } finally {
    await miniflare.dispose();
  }
}
