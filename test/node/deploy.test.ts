/**
 * `npm run deploy` with the real wrangler, against a stand-in for Cloudflare's API
 * (scripts/deploy/).
 */
import { readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { CloudflareApi } from './cloudflare-api.ts';
import { type DeploymentFolder, makeDeploymentFolder } from './deployment-folder.ts';

const MIGRATIONS = readdirSync(resolve(import.meta.dirname, '../../migrations')).filter((name) =>
  name.endsWith('.sql'),
);

let folder: DeploymentFolder;
let api: CloudflareApi;
beforeEach(async () => {
  folder = await makeDeploymentFolder();
  ({ api } = folder);
  configure((toml) =>
    toml
      .replace('http://localhost:8787"', `${api.origin}"`)
      .replace('CLIENTS = "[]"', `CLIENTS = "[]"\nHOMES = '${JSON.stringify(HOMES)}'`)
      .replace('[triggers]', `${EUROPE}\n[triggers]`),
  );
});
afterEach(() => folder.remove());

const configure = (change: (toml: string) => string) => folder.configure(change);
const deploy = () => folder.deploy();

const HOMES = [
  { home: 'DB', regions: ['enam'] },
  { home: 'DB_WEUR', regions: ['weur'], jurisdiction: 'eu' },
];
const EUROPE = `[[d1_databases]]
binding = "DB_WEUR"
database_name = "sessions-europe"
migrations_dir = "migrations"
`;

const migrated = (name: string) =>
  api.databases
    .get(name)
    ?.prepare('SELECT name FROM d1_migrations ORDER BY id')
    .all()
    .map((row) => row.name);

const secretOf = (worker: string) => api.workers.get(worker)?.secrets.get('SESSION_SECRET');

it('makes all of it from nothing, and the next time only what is new', async () => {
  const first = await deploy();
  expect(first).toMatchObject({ code: 0 });
  expect(first.output).toContain(`${api.origin} answers, with 1 signing key`);
  expect([...api.places]).toEqual([
    ['edge-sessions', 'enam'],
    ['sessions-europe', 'eu'],
  ]);
  for (const name of api.places.keys()) expect(migrated(name)).toEqual(MIGRATIONS);
  const secret = secretOf('edge-sessions') as string;
  expect(secret).toMatch(/^[\w-]{43}$/);
  expect(first.output).not.toContain(secret);
  const requests = api.takeRequests();
  const deployed = requests.indexOf('POST /workers/scripts/edge-sessions/deployments');
  expect(deployed).toBeGreaterThan(
    requests.findLastIndex((request) => request.includes('/d1/database')),
  );
  expect(deployed).toBeGreaterThan(
    requests.lastIndexOf('PUT /workers/scripts/edge-sessions/secrets'),
  );
  expect(requests).toContain('PUT /workers/scripts/edge-sessions/schedules');
  expect(api.assets).toContain('/edge-sessions/languages/de.json');

  expect(await deploy()).toMatchObject({ code: 0 });
  expect(secretOf('edge-sessions')).toBe(secret);
  for (const name of api.places.keys()) expect(migrated(name)).toEqual(MIGRATIONS);
  const again = api.takeRequests();
  expect(again).not.toContain('POST /d1/database');
  expect(again).not.toContain('PUT /workers/scripts/edge-sessions/secrets');
  expect(again).toContain('POST /workers/scripts/edge-sessions/deployments');
});

it('deploys no code when a home could not be migrated, and goes on from there', async () => {
  api.refused = /query$/;
  const failed = await deploy();
  expect(failed.code).toBe(1);
  expect(failed.output).toContain('deploy: wrangler d1 migrations apply DB --remote --env= failed');
  // wrangler asked nobody but this stand-in.
  expect(failed.output).not.toContain('newer version of Wrangler');
  expect(api.takeRequests().filter((request) => request.includes('/workers/'))).toEqual([]);
  api.refused = null;
  expect(await deploy()).toMatchObject({ code: 0 });
  expect(api.places.size).toBe(2);
  for (const name of api.places.keys()) expect(migrated(name)).toEqual(MIGRATIONS);
});

it('names all that is wrong with wrangler.toml before it makes anything, and repeats no secret', async () => {
  const secret = 'whsec_c2VjcmV0LW9mLXRoZS10ZXN0cy0wMTIzNDU2Nzg5';
  const id = '5d9a1c52-6c1e-4e4b-9f0e-2f6f4a1f0c11';
  configure((toml) =>
    toml
      .replace('http://localhost:8787"', `${api.origin}"`)
      .replace('00000000-0000-0000-0000-000000000000', id)
      .replace(
        'CLIENTS = "[]"',
        `CLIENTS = '${JSON.stringify([{ client_id: 'é'.repeat(2_600) }])}'
SESSION_SECRET = "${secret}"
SESSION_SECRET_PREVIOUS = "${secret}"
WEBHOOKS = '[{"secret":"${secret}"}]'`,
      )
      .replace(
        '[triggers]',
        `${EUROPE}database_id = "${id}"
[[d1_databases]]
binding = "DB_ENAM"
database_name = "america"
[[d1_databases]]
binding = "america"
[triggers]`,
      ),
  );
  const { code, output } = await deploy();
  expect(code).toBe(1);
  for (const fault of [
    'CLIENTS has 5218 bytes, and Cloudflare takes 5120',
    'SESSION_SECRET stands in [vars]',
    'SESSION_SECRET_PREVIOUS stands in [vars]',
    'WEBHOOKS stands in [vars]',
    'DB and DB_WEUR have one database_id',
    'DB_ENAM and america have one database_name',
  ])
    expect(output).toContain(fault);
  expect(output.match(/ have one /g)).toHaveLength(2);
  expect(output).not.toContain(secret);
  expect(api.takeRequests()).toEqual([]);
});

it('takes a variable of 5 KB, and databases that have still to be made', async () => {
  const clients = JSON.stringify([{ client_id: 'web' }]).padEnd(5_120);
  configure((toml) =>
    toml
      .replace('CLIENTS = "[]"', `CLIENTS = '${clients}'`)
      .replace('[triggers]', `${EUROPE}\n[triggers]`),
  );
  const { output } = await deploy();
  // Faults of other kinds are told in one go.
  expect(output).toContain('- ISSUER in wrangler.toml');
  expect(output).not.toMatch(/5120|ha(s|ve) one database|d1 create/);
});

it.each([
  ['route = "sessions.example/*"', true],
  ['routes = [{ pattern = "sessions.example", custom_domain = true }]', true],
  ['', false],
])('tells that workers_dev = true leaves a second way in: beside %o, %o', async (route, isTold) => {
  configure((toml) => toml.replace('workers_dev = true', `workers_dev = true\n${route}`));
  expect((await deploy()).output.includes('workers_dev = true stands beside a route')).toBe(isTold);
  configure((toml) => toml.replace('workers_dev = true', `workers_dev = false\n${route}`));
  expect((await deploy()).output).not.toContain('stands beside a route');
});

it.each([
  ['', 'workers_dev = true', true],
  ['', 'workers_dev = false', false],
  ['preview_urls = true', 'workers_dev = false', true],
])('tells of preview URLs: where there is "%s" beside %s, %o', async (setting, dev, isTold) => {
  configure((toml) =>
    toml.replace('preview_urls = false', setting).replace('workers_dev = true', dev),
  );
  expect((await deploy()).output.includes('preview URL of its own')).toBe(isTold);
});

it('tells nothing of preview URLs where there are none', async () => {
  expect((await deploy()).output).not.toContain('preview URL');
});

it('refuses a mistake in a client’s entry, which would refuse that client once it is deployed', async () => {
  const clients = [
    { client_id: 'web', allow: ['everything'] },
    { client_id: 'app', origins: ['x'] },
  ];
  configure((toml) =>
    toml
      .replace('http://localhost:8787"', `${api.origin}"`)
      .replace('CLIENTS = "[]"', `CLIENTS = '${JSON.stringify(clients)}'`),
  );
  const { code, output } = await deploy();
  expect(code).toBe(1);
  expect(output).toContain('CLIENTS: 0.allow.0: expected');
  expect(output).toContain('CLIENTS: 1.origins.0: must be an origin');
  expect(api.takeRequests()).toEqual([]);
});

it('refuses an ISSUER that only this machine can reach, before it makes anything', async () => {
  for (const issuer of ['http://localhost:8787', 'http://auth.app.localhost:8787']) {
    configure((toml) => toml.replace('http://localhost:8787', issuer));
    const { code, output } = await deploy();
    expect(code).toBe(1);
    expect(output).toContain(`- ISSUER in wrangler.toml is "${issuer}"`);
  }
  expect(api.takeRequests()).toEqual([]);
});
