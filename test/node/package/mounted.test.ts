/**
 * The example of an app that has the service inside itself, as two of a person's browsers see it.
 */
import { randomBytes } from 'node:crypto';
import { cpSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { unstable_readConfig as readConfig } from 'wrangler';
import { findFreePort } from '../../../scripts/free-port.ts';
import { readSnippets } from '../snippets.ts';
import { compile, PLATFORMS, RESOLUTIONS } from './compile.ts';
import { build, migrate, PLATFORM } from './deployment.ts';
import { ROOT, tool } from './shell.ts';

const { mounted } = inject('installed');
/** Where its wrangler.toml has it. */
const DEFAULT_ORIGIN = 'http://localhost:8787';
const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';
const CHROME =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36';

let miniflare: Miniflare;
let origin: string;
beforeAll(async () => {
  const { vars } = readConfig({ config: join(mounted, 'wrangler.toml') });
  const port = await findFreePort();
  origin = `http://localhost:${port}`;
  const settings = JSON.parse(JSON.stringify(vars).replaceAll(DEFAULT_ORIGIN, origin));
  miniflare = new Miniflare(
    convertV4MiniflareOptions({
      cf: false,
      host: '127.0.0.1',
      port,
      workers: [
        {
          ...PLATFORM,
          name: 'my-app',
          script: await build(mounted),
          d1Databases: { APP_DB: 'app' },
          bindings: { ...settings, SESSION_SECRET: randomBytes(32).toString('base64url') },
        },
      ],
    }),
  );
  const migrations = join(mounted, 'node_modules/edge-sessions/migrations');
  await migrate(miniflare, migrations, { worker: 'my-app', binding: 'APP_DB' });
});
afterAll(() => miniflare?.dispose());

/** With exactly these headers: `fetch` of Node adds some that only a browser may send. */
async function ask(
  method: string,
  path: string,
  headers: Record<string, string>,
  body = '',
): Promise<IncomingMessage> {
  await miniflare.ready;
  return new Promise((answered, failed) => {
    const sent = request(new URL(path, origin), { method, headers }, answered);
    sent.on('error', failed);
    sent.end(body);
  });
}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of response) text += chunk;
  return text;
}

/** A browser on the app's own pages: it keeps cookies, and says where a request comes from. */
function openBrowser(userAgent: string) {
  const jar = new Map<string, string>();
  const send = async (
    method: string,
    path: string,
    more: Record<string, string> = {},
    form?: object,
  ) => {
    const response = await ask(
      method,
      path,
      {
        'user-agent': userAgent,
        'sec-fetch-site': 'same-origin',
        'sec-fetch-mode': 'navigate',
        'sec-fetch-dest': 'document',
        cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; '),
        ...(method === 'POST' && { origin }),
        ...more,
      },
      form && new URLSearchParams(form as Record<string, string>).toString(),
    );
    for (const line of response.headers['set-cookie'] ?? []) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (/max-age=0/i.test(line)) jar.delete(name);
      else jar.set(name, value);
    }
    const { location = null } = response.headers;
    return { status: response.statusCode, location, text: await textOf(response) };
  };
  const signIn = async (password: string) => {
    const type = { 'content-type': 'application/x-www-form-urlencoded' };
    const answer = await send('POST', '/sign-in', type, { email: 'ann@example.com', password });
    return answer.location === null ? answer : send('GET', answer.location);
  };
  return { jar, send, signIn };
}

const PASSWORD = 'a long password of Ann';

describe('the app', () => {
  it('is under 120 lines', () => {
    const files = globSync('examples/mounted/src/*', { cwd: ROOT });
    const lines = files.flatMap((name) =>
      readFileSync(join(ROOT, name), 'utf8').trim().split('\n'),
    );
    expect(lines.length).toBeLessThan(120);
  });

  it('type-checks as it is installed', async () => {
    const options = { ...PLATFORMS.Workers, ...RESOLUTIONS.bundler };
    expect(await compile(mounted, 'mounted', options, ['src/index.ts'])).toEqual([]);
  });

  it('sends whoever has no session to sign in', async () => {
    const { status, location } = await openBrowser(FIREFOX).send('GET', '/');
    expect([status, location]).toEqual([303, '/sign-in']);
  });

  it('signs a person in by its own form, and shows their devices', async () => {
    const browser = openBrowser(FIREFOX);
    expect(await browser.signIn(PASSWORD)).toMatchObject({ status: 303, location: `${origin}/` });
    expect([...browser.jar.keys()]).toEqual(
      expect.arrayContaining(['__Host-session', '__Host-access']),
    );
    const { status, text } = await browser.send('GET', '/');
    expect([status, text]).toEqual([200, expect.stringContaining('Firefox on Linux')]);
  });

  it('refuses a wrong password', async () => {
    const browser = openBrowser(FIREFOX);
    expect((await browser.signIn('another long password')).status).toBe(401);
    expect(browser.jar.size).toBe(0);
  });

  it('lets a person end the session of another browser, which is then asked to sign in', async () => {
    const [here, there] = [openBrowser(FIREFOX), openBrowser(CHROME)];
    await here.signIn(PASSWORD);
    await there.signIn(PASSWORD);
    const { text } = await here.send('GET', '/');
    const [, action = ''] =
      /Chrome on Windows\s*<form method="post" action="([^"]+)">/.exec(text) ?? [];
    expect(action).toMatch(/^\/devices\/[0-9a-f-]{36}\/sign-out$/);
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    const forged = await here.send('POST', action, {
      ...form,
      origin: 'https://elsewhere.example',
      'sec-fetch-site': 'cross-site',
    });
    expect(forged.status).toBe(403);
    expect((await there.send('GET', '/')).status).toBe(200);
    expect((await here.send('POST', action, form)).status).toBe(303);
    expect((await there.send('GET', '/')).location).toBe('/sign-in');
    expect((await here.send('GET', '/')).text).not.toContain('Chrome on Windows');
  });

  it('has the service’s own pages and calls under its path', async () => {
    const browser = openBrowser(FIREFOX);
    await browser.signIn(PASSWORD);
    expect((await browser.send('GET', '/auth/account')).text).toContain('Firefox on Linux');
    const before = browser.jar.get('__Host-access');
    const script = { 'x-requested-with': 'my-app', 'sec-fetch-mode': 'cors' };
    const refreshed = await browser.send('POST', '/auth/browser/refresh', script);
    expect([refreshed.status, refreshed.text]).toEqual([
      200,
      expect.stringContaining('refresh_at'),
    ]);
    expect(browser.jar.get('__Host-access')).not.toBe(before);
    expect((await browser.send('GET', '/')).status).toBe(200);
  });

  it('has migrations of its own beside the package’s, as the page says', async () => {
    const [bindings] = readSnippets('docs/mounting.md').filter(
      ({ language }) => language === 'toml',
    );
    const folder = join(mounted, '..', 'migrated');
    cpSync(mounted, folder, { recursive: true });
    const settings = readFileSync(join(folder, 'wrangler.toml'), 'utf8');
    const [above] = settings.split('[[d1_databases]]');
    writeFileSync(join(folder, 'wrangler.toml'), `${above}${bindings?.text}`);
    mkdirSync(join(folder, 'migrations'));
    // Of the same name as the package's first.
    const own = join(folder, 'migrations/0000_user_sessions.sql');
    writeFileSync(own, 'CREATE TABLE accounts (email TEXT PRIMARY KEY);');
    const run = (...args: string[]) => tool('wrangler', ['d1', ...args], folder, { CI: 'true' });
    for (const binding of ['APP_DB', 'SESSIONS_DB'])
      await run('migrations', 'apply', binding, '--local');
    const tables = "SELECT name FROM sqlite_master WHERE type = 'table'";
    const printed = await run('execute', 'APP_DB', '--local', '--json', '--command', tables);
    const [{ results }] = JSON.parse(printed) as [{ results: { name: string }[] }];
    expect(results.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['accounts', 'user_sessions', 'edge_sessions_migrations']),
    );
  });

  it('does the service’s part of its cron', async () => {
    const worker = await miniflare.getWorker('my-app');
    expect(await worker.scheduled()).toMatchObject({ outcome: 'ok' });
  });
});
