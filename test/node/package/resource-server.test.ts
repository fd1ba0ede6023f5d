/**
 * The example of a resource server beside the service, in one workerd, by a real service binding.
 */
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');
const ISSUER = 'https://auth.example.com';
const AUDIENCE = 'https://api.example.com';
const SECRET = randomBytes(32).toString('base64url');
const USER = '7b0e4f50-0f4c-4d0b-8f43-0f7d1d2f7c11';

let directory: string;
let miniflare: Miniflare;

/** What `wrangler deploy` would upload. */
function build(args: string[]): string {
  const outdir = mkdtempSync(join(directory, 'built-'));
  const wrangler = join(ROOT, 'node_modules/wrangler/bin/wrangler.js');
  execFileSync(process.execPath, [wrangler, 'deploy', '--dry-run', '--outdir', outdir, ...args], {
    cwd: ROOT,
    stdio: 'ignore',
    env: { ...process.env, WRANGLER_SEND_METRICS: 'false' },
  });
  return readFileSync(join(outdir, 'index.js'), 'utf8');
}

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'edge-sessions-'));
  const client = {
    client_id: 'backend',
    secret_sha256: createHash('sha256').update(SECRET).digest('hex'),
  };
  const common = {
    modules: true,
    compatibilityDate: '2026-08-01',
    compatibilityFlags: ['nodejs_compat'],
  };
  miniflare = new Miniflare(
    convertV4MiniflareOptions({
      cf: false,
      workers: [
        {
          ...common,
          name: 'my-api',
          script: build(['--config', 'examples/resource-server/wrangler.toml']),
          bindings: { ISSUER, AUDIENCE },
          serviceBindings: { SESSIONS: 'edge-sessions' },
        },
        {
          ...common,
          name: 'edge-sessions',
          script: build([]),
          d1Databases: { DB: 'sessions' },
          bindings: {
            ISSUER,
            AUDIENCE,
            SESSION_SECRET: randomBytes(32).toString('base64url'),
            CLIENTS: JSON.stringify([client, { client_id: 'app' }]),
          },
        },
      ],
    }),
  );
  const database = await miniflare.getD1Database('DB', 'edge-sessions');
  const folder = join(ROOT, 'migrations');
  for (const name of readdirSync(folder)
    .filter((file) => file.endsWith('.sql'))
    .sort()) {
    for (const statement of readFileSync(join(folder, name), 'utf8').split(
      '--> statement-breakpoint',
    ))
      await database.prepare(statement).run();
  }
});
afterAll(async () => {
  await miniflare?.dispose();
  rmSync(directory, { recursive: true });
});

const authorization = `Basic ${btoa(`backend:${SECRET}`)}`;

async function ask(
  worker: string,
  path: string,
  init: { method?: string; headers?: Record<string, string>; body?: string } = {},
) {
  const { fetch } = await miniflare.getWorker(worker);
  const response = await fetch(`${worker === 'my-api' ? AUDIENCE : ISSUER}${path}`, init);
  const text = await response.text();
  return { status: response.status, text, challenge: response.headers.get('www-authenticate') };
}

async function create(body: Record<string, unknown> = {}): Promise<string> {
  const { text } = await ask('edge-sessions', '/v1/sessions', {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json' },
    body: JSON.stringify({ user_id: USER, client_id: 'app', ...body }),
  });
  return (JSON.parse(text) as { access_token: string }).access_token;
}

const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });

describe('the example of a resource server', () => {
  it('knows the user of a good token, and challenges everyone else', async () => {
    const { status, text } = await ask('my-api', '/me', bearer(await create()));
    expect([status, JSON.parse(text).user]).toEqual([200, USER]);
    expect(await ask('my-api', '/me')).toMatchObject({ status: 401, challenge: 'Bearer' });
    const refused = await ask('my-api', '/me', bearer('a.b.c'));
    expect(refused).toMatchObject({
      status: 401,
      challenge: expect.stringContaining('error="invalid_token"'),
    });
  });

  it('asks for a recent authentication where money moves', async () => {
    const token = await create({ auth_time: Math.floor(Date.now() / 1000) - 3_600 });
    expect((await ask('my-api', '/me', bearer(token))).status).toBe(200);
    const refused = await ask('my-api', '/transfers', { method: 'POST', ...bearer(token) });
    expect(refused).toMatchObject({
      status: 401,
      challenge: expect.stringContaining('max_age="300"'),
    });
    expect(
      (await ask('my-api', '/transfers', { method: 'POST', ...bearer(await create()) })).status,
    ).toBe(202);
  });

  it('refuses the token of a session that was signed out, within its bound', async () => {
    const token = await create();
    expect((await ask('my-api', '/me', bearer(token))).status).toBe(200);
    await ask('edge-sessions', `/v1/users/${USER}/sessions`, {
      method: 'DELETE',
      headers: { authorization },
    });
    await vi.waitFor(
      async () => expect((await ask('my-api', '/me', bearer(token))).status).toBe(401),
      5_000,
    );
  });
});
