/** A fault in the built Worker, in workerd: its stack in the log, by its source map. */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import { afterAll, beforeAll, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'source-lines-'));
  const wrangler = join(ROOT, 'node_modules/wrangler/bin/wrangler.js');
  const args = ['deploy', '--minify', '--dry-run', `--outdir=${folder}`];
  execFileSync(process.execPath, [wrangler, ...args], {
    cwd: ROOT,
    env: { ...process.env, WRANGLER_SEND_METRICS: 'false' },
  });
});
afterAll(() => rmSync(folder, { recursive: true }));

/** What the Worker logs when the brake on floods, a binding, is not what it should be. */
async function logOfFault(): Promise<string> {
  const lines: string[] = [];
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      cf: false,
      modulesRoot: folder,
      modules: [
        {
          type: 'ESModule',
          path: join(folder, 'faulty.js'),
          contents: `import worker from './index.js';
            const limit = () => { throw new TypeError('on purpose'); };
            const RATE_LIMIT_FAILED_REFRESHES = { limit };
            export default {
              fetch: (request, env, ctx) =>
                worker.fetch(request, { ...env, RATE_LIMIT_FAILED_REFRESHES }, ctx),
            };`,
        },
        {
          type: 'ESModule',
          path: join(folder, 'index.js'),
          contents: readFileSync(join(folder, 'index.js'), 'utf8'),
        },
      ],
      compatibilityDate: '2026-08-01',
      compatibilityFlags: ['nodejs_compat'],
      d1Databases: ['DB'],
      bindings: {
        ISSUER: 'http://localhost:8787',
        AUDIENCE: 'http://localhost:8787/api',
        CLIENTS: '[{"client_id":"app"}]',
        SESSION_SECRET: 'c2VjcmV0LW9mLXRoZS10ZXN0cy0wMTIzNDU2Nzg5',
      },
      handleStructuredLogs: ({ message }: { message: string }) => lines.push(message),
    }),
  );
  try {
    const response = await miniflare.dispatchFetch('http://localhost:8787/oauth/token', {
      method: 'POST',
      headers: { 'cf-connecting-ip': '192.0.2.1' },
      body: new URLSearchParams({
        grant_type: 'refresh_token',
        client_id: 'app',
        refresh_token: 'v2.forged',
      }),
    });
    expect(response.status).toBe(500);
    await expect.poll(() => lines.join('\n')).toContain('internal_error');
    return lines.join('\n');
  } finally {
    await miniflare.dispose();
  }
}

/** What `edge-sessions stacks` makes of a log. */
function withSources(log: string): Promise<string> {
  const args = [join(ROOT, 'scripts/cli.ts'), 'stacks', '--map', join(folder, 'index.js.map')];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.on('data', (chunk) => {
    text += chunk;
  });
  child.stdin.end(log);
  return new Promise((ended) => child.once('close', () => ended(text)));
}

it('a long path of a caller does not hold up what is shown', async () => {
  // So long that a search which began anew at each part would take an hour.
  const line = JSON.stringify({ url: `https://auth.example.com/${'a/'.repeat(1_000_000)}` });
  expect(await withSources(`${line}\nafter it\n`)).toBe(`${line}\nafter it\n`);
});

it('names the line of the source that the fault came through', async () => {
  const log = await logOfFault();
  const [line = ''] = log.split('\n').filter((text) => text.includes('internal_error'));
  expect(line).toMatch(/index\.js:\d+:\d+/);
  expect(line).not.toContain('on purpose');
  const named = await withSources(line);
  const [, file = '', row = ''] = /src\/(service\/throttle\.ts):(\d+):\d+/.exec(named) ?? [];
  const source = readFileSync(join(ROOT, 'src', file), 'utf8').split('\n')[Number(row) - 1];
  expect(source).toContain('limit?.limit(');
});
