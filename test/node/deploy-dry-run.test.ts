/** `npm run deploy -- --dry-run` says all that the real one would refuse, and changes nothing. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type DeploymentFolder, makeDeploymentFolder } from './deployment-folder.ts';

const PLACEHOLDER = '00000000-0000-0000-0000-000000000000';
const UNKNOWN_ID = '7a4f8e0b-2f64-4f0d-8a25-3c3f3a5b9e01';

let folder: DeploymentFolder;
beforeEach(async () => {
  folder = await makeDeploymentFolder();
});
afterEach(() => folder.remove());

const changes = () =>
  folder.api.takeRequests().filter((request) => !request.startsWith('GET ')).length;

it.each([
  ['--dry-run', ['--dry-run'], {}],
  ['npm run deploy --dry-run, which npm takes for itself', [], { npm_config_dry_run: 'true' }],
] as const)('%s prints the commands, in order, and runs none', async (_, args, variables) => {
  folder.configure((toml) => toml.replace('http://localhost:8787"', 'https://auth.example.com"'));
  const toml = folder.toml();
  const { code, stdout, output } = await folder.deploy(args, variables);
  expect({ code, output }).toEqual({ code: 0, output: expect.any(String) });
  expect(stdout.trim().split('\n')).toEqual([
    'wrangler d1 create edge-sessions --env=',
    'wrangler d1 migrations apply DB --remote --env=',
    'wrangler secret put SESSION_SECRET --env= < (random), unless it has one',
    'wrangler deploy --minify --env=',
    'GET https://auth.example.com/.well-known/jwks.json',
  ]);
  expect(changes()).toBe(0);
  expect(folder.toml()).toBe(toml);
});

it('--json is one document on stdout, with what it would run', async () => {
  folder.configure((toml) => toml.replace('http://localhost:8787"', 'https://auth.example.com"'));
  const { code, stdout } = await folder.deploy(['--dry-run', '--json']);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    worker: 'edge-sessions',
    dry_run: true,
    commands: expect.arrayContaining(['wrangler deploy --minify --env=']),
    databases: [],
    jwks_url: 'https://auth.example.com/.well-known/jwks.json',
  });
});

it('says at once what is wrong with the file, the code and the account', async () => {
  folder.configure((toml) =>
    toml
      .replace('src/index.ts', 'src/indexx.ts')
      .replace('CLIENTS = "[]"', `CLIENTS = '[{"client_id":"web","allow":["everything"]}]'`)
      .replace(
        '[triggers]',
        `[[d1_databases]]\nbinding = "DB_WEUR"\ndatabase_id = "${UNKNOWN_ID}"\n\n[triggers]`,
      ),
  );
  // Another clone has made it, and its wrangler.toml was not committed.
  await fetch(`${folder.api.origin}/accounts/test/d1/database`, {
    method: 'POST',
    body: JSON.stringify({ name: 'edge-sessions' }),
  });
  folder.api.takeRequests();
  const { code, stdout, output } = await folder.deploy(['--dry-run']);
  expect(code).toBe(1);
  for (const fault of [
    '- ISSUER in wrangler.toml is "http://localhost:8787"',
    '- CLIENTS: 0.allow.0: expected',
    '- wrangler deploy --minify --dry-run',
    '- DB: the account has a database edge-sessions already',
    `- DB_WEUR: the account has no database ${UNKNOWN_ID}`,
  ])
    expect(output).toContain(fault);
  expect(output).toMatch(/indexx\.ts/);
  expect(stdout).toContain('wrangler d1 create edge-sessions');
  expect(changes()).toBe(0);
});

it('a deployment that its dry run would refuse makes nothing', async () => {
  folder.configure((toml) =>
    toml
      .replace('http://localhost:8787"', `${folder.api.origin}"`)
      .replace(
        '[triggers]',
        `[[d1_databases]]\nbinding = "DB_WEUR"\ndatabase_id = "${UNKNOWN_ID}"\n\n[triggers]`,
      ),
  );
  const { code, output } = await folder.deploy();
  expect({ code, output }).toEqual({ code: 1, output: expect.any(String) });
  expect(output).toContain(`- DB_WEUR: the account has no database ${UNKNOWN_ID}`);
  expect(changes()).toBe(0);
  expect(folder.toml()).toContain(PLACEHOLDER);
});

it('says that nobody is signed in', async () => {
  folder.configure((toml) => toml.replace('http://localhost:8787"', 'https://auth.example.com"'));
  const { code, output } = await folder.deploy(['--dry-run'], {
    CLOUDFLARE_API_TOKEN: '',
    CLOUDFLARE_ACCOUNT_ID: '',
    CI: 'true',
  });
  expect(code).toBe(1);
  expect(output).toContain('sign in with `npx wrangler login`, or set CLOUDFLARE_API_TOKEN');
});
