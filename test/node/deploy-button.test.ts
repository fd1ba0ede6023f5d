/**
 * What a "Deploy to Cloudflare" button asks of a repository, and of a folder of it
 * (https://developers.cloudflare.com/workers/platform/deploy-buttons/): its form shows variables,
 * secrets and databases with their descriptions, Workers Builds runs the `deploy` script, and
 * nobody is there to be asked.
 */
import { execFile, execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseEnv, promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Finding } from '../../src/cli/doctor/finding.ts';
import { openSettings } from '../../src/cli/settings/settings-file.ts';
import { type DeploymentFolder, makeDeploymentFolder } from './deployment-folder.ts';

const ROOT = resolve(import.meta.dirname, '../..');

describe.each(['.', 'examples/own-worker'])('%s', (name) => {
  const folder = join(ROOT, name);
  const { raw } = openSettings(folder);
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const secrets = Object.keys(parseEnv(readFileSync(join(folder, '.dev.vars.example'), 'utf8')));

  it('names the secrets of a deployment, and is what git has', () => {
    expect(secrets).toEqual(['SESSION_SECRET']);
    const tracked = ['ls-files', '--cached', '--others', '--exclude-standard', '.dev.vars.example'];
    expect(execFileSync('git', tracked, { cwd: folder, encoding: 'utf8' })).toContain('.dev.vars');
  });

  it('describes each variable, secret and database', () => {
    const databases = (raw.d1_databases ?? []).map(({ binding }) => binding);
    expect(Object.keys(manifest.cloudflare.bindings).sort()).toEqual(
      [...Object.keys(raw.vars ?? {}), ...secrets, ...databases].sort(),
    );
  });

  it('has an id and a name for each database, which the button replaces', () => {
    for (const { database_id: id, database_name: name } of raw.d1_databases ?? [])
      expect([id, name]).toEqual([expect.stringMatching(/^0{8}-/), expect.any(String)]);
  });

  it('gives versions that are not deployed no public address', () => {
    // Workers Builds uploads each branch, with the databases and secrets of what is deployed.
    expect(raw.preview_urls).toBe(false);
  });

  it('uploads source maps', () => {
    expect(raw.upload_source_maps).toBe(true);
  });
});

/**
 * What `doctor` finds of a deployment's databases. In a process of its own, because it waits for
 * wrangler, which waits for the stand-in that runs in this one.
 */
async function remoteMigrations({ api, path }: DeploymentFolder, token = 'test') {
  const doctor = join(ROOT, 'src/cli/doctor');
  const code = `
    const { checkMigrations } = await import('${doctor}/database-checks.ts');
    const { examine } = await import('${doctor}/patient.ts');
    const patient = { ...examine('${path}', '', false), isLocal: false };
    console.log(JSON.stringify(checkMigrations(patient, undefined)));`;
  const args = ['--input-type=module', '-e', code];
  const { stdout } = await promisify(execFile)(process.execPath, args, {
    env: {
      ...process.env,
      CLOUDFLARE_API_BASE_URL: api.origin,
      CLOUDFLARE_API_TOKEN: token,
      CLOUDFLARE_ACCOUNT_ID: token,
      CI: 'true',
    },
  });
  return JSON.parse(stdout) as Finding[];
}

describe('Workers Builds', () => {
  let folder: DeploymentFolder;
  beforeAll(async () => {
    folder = await makeDeploymentFolder();
  });
  afterAll(() => folder.remove());

  it('deploys what the button has provisioned, twice, and is asked nothing', async () => {
    const made = await fetch(`${folder.api.origin}/accounts/test/d1/database`, {
      method: 'POST',
      body: JSON.stringify({ name: 'mine' }),
    });
    const { result } = (await made.json()) as { result: { uuid: string } };
    folder.configure((toml) =>
      toml
        .replace('http://localhost:8787"', `${folder.api.origin}"`)
        .replace('database_name = "edge-sessions"', 'database_name = "mine"')
        .replace('00000000-0000-0000-0000-000000000000', result.uuid),
    );
    const toml = folder.toml();
    for (const _ of ['first', 'second']) {
      const { code, output } = await folder.deploy([], { WORKERS_CI: '1', CI: 'true' });
      expect({ code, output }).toEqual({ code: 0, output: expect.stringContaining('answers') });
    }
    // Nothing is left to be committed, which nobody would do there.
    expect(folder.toml()).toBe(toml);
    expect([...folder.api.places.keys()]).toEqual(['mine']);

    const [found] = await remoteMigrations(folder);
    expect(found).toEqual({ check: 'migrations', status: 'ok', detail: 'DB has all of them' });
    const [nobody] = await remoteMigrations(folder, '');
    expect(nobody).toMatchObject({
      status: 'skipped',
      advice: expect.stringContaining('wrangler login'),
    });
  });
});
