/**
 * A Worker of one's own without a fork (examples/own-worker), and every runtime's clients against
 * it.
 */
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { unstable_readConfig as readConfig } from 'wrangler';
import { USER } from '../../people';
import { AUDIENCE, type Deployment, deploy } from './deployment.ts';
import { ROOT, shell, tool } from './shell.ts';

const { newest, oldest, ownWorker, nodes } = inject('installed');

let deployment: Deployment;
beforeAll(async () => {
  deployment = await deploy(ownWorker);
});
afterAll(() => deployment?.miniflare.dispose());

it('has the settings of this repository’s own, but for its names and where things are', () => {
  const settings = (folder: string) => {
    const config = readConfig({ config: join(folder, 'wrangler.toml') });
    const { name, topLevelName, main, configPath, userConfigPath, minify, ...same } = config;
    const databases = same.d1_databases.map(({ binding }: { binding: string }) => binding);
    return { ...same, d1_databases: databases, assets: { ...same.assets, directory: null } };
  };
  expect(settings(ownWorker)).toEqual(settings(ROOT));
});

it('has a source map that goes on to the lines of the service', async () => {
  const outdir = mkdtempSync(join(ownWorker, 'mapped-'));
  await tool('wrangler', ['deploy', '--dry-run', '--minify', '--outdir', outdir], ownWorker);
  const { sources } = JSON.parse(readFileSync(join(outdir, 'index.js.map'), 'utf8'));
  expect(sources).toContainEqual(expect.stringMatching(/src\/service\/throttle\.ts$/));
});

it('finds the migrations in the package', async () => {
  const state = ['--persist-to', join(ownWorker, '.state')];
  const migrations = ['d1', 'migrations', 'list', 'DB', '--local', ...state];
  expect(await tool('wrangler', migrations, ownWorker)).toContain('0000_user_sessions.sql');
});

it('has the page for people, and no page to try it out', async () => {
  const { origin } = deployment;
  expect((await fetch(`${origin}/healthz`)).status).toBe(200);
  const account = await fetch(`${origin}/account`, { redirect: 'manual' });
  expect(account.headers.get('content-type')).toContain('text/html');
  expect((await fetch(`${origin}/`)).status).toBe(404);
});

it('speaks the languages of the package, whose files have no address of their own', async () => {
  const { origin } = deployment;
  const headers = { 'accept-language': 'ar-EG' };
  const page = await fetch(`${origin}/account/signed-out`, { headers });
  expect(page.headers.get('content-language')).toBe('ar');
  expect((await fetch(`${origin}/edge-sessions/languages/ar.json`)).status).toBe(404);
});

it('does what the cron asks of it', async () => {
  const worker = await deployment.miniflare.getWorker('my-sessions');
  expect(await worker.scheduled()).toMatchObject({ outcome: 'ok' });
});

describe('the clients', () => {
  beforeAll(async () => {
    for (const folder of [newest, oldest]) await emit(folder);
  });

  const runs = Object.entries(nodes).flatMap(([version, node]) => [
    { version, node, dependencies: 'newest', folder: newest },
    { version, node, dependencies: 'oldest', folder: oldest },
  ]);
  it('are tried in each Node that is maintained', () => {
    if (process.platform === 'linux') expect(Object.keys(nodes)).toEqual(['20', '22', '24']);
  });

  it.each(runs)(
    'live a whole session in Node $version with the $dependencies jose and Hono',
    async ({ node, folder }) => {
      const { origin, clientId, clientSecret } = deployment;
      const setting = { origin, audience: AUDIENCE, clientId, clientSecret, userId: USER };
      const printed = await shell(node, ['run.js'], folder, { SETTING: JSON.stringify(setting) });
      expect(JSON.parse(printed)).toEqual({
        created: 201,
        refreshed: 'active',
        subject: USER,
        forged: 'invalid_token',
        me: USER,
        challenged: 'Bearer',
        devices: 200,
        after: 'signed_out',
        ended: ['signed_out'],
      });
    },
  );
});

/** As JavaScript, which each version runs. */
async function emit(folder: string): Promise<void> {
  const options =
    '--module nodenext --target es2022 --lib es2023,dom --skipLibCheck --ignoreConfig';
  await tool('tsc', [...options.split(' '), 'consumer.ts'], folder);
  writeFileSync(
    join(folder, 'run.js'),
    `import { live } from './consumer.js';
     console.log(JSON.stringify(await live(JSON.parse(process.env.SETTING))));`,
  );
}
