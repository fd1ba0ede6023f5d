/**
 * `npm run deploy` of one environment of wrangler.toml among several: a Worker of its own, with
 * databases, secrets and counters of its own (scripts/deploy/).
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type DeploymentFolder, makeDeploymentFolder } from './deployment-folder.ts';

const PRODUCTION_ID = '5d9a1c52-6c1e-4e4b-9f0e-2f6f4a1f0c11';
const PLACEHOLDER = '00000000-0000-0000-0000-000000000000';

let folder: DeploymentFolder;
beforeEach(async () => {
  folder = await makeDeploymentFolder();
});
afterEach(() => folder.remove());

/** wrangler.toml of a production that is there, and of a staging that is not. */
function configure(staging: string, production: (toml: string) => string = (toml) => toml): string {
  folder.configure((toml) =>
    production(
      `${toml
        .replace('http://localhost:8787"', 'https://auth.example.com"')
        .replace(PLACEHOLDER, PRODUCTION_ID)}\n${staging}`,
    ),
  );
  return folder.toml();
}

const stagingOf = (issuer: string) => `# The one to try things in.
[env.staging]

[env.staging.vars]
ISSUER = "${issuer}"
AUDIENCE = "https://api.staging.example.com"
CLIENTS = "[]"

[[env.staging.d1_databases]]
binding = "DB" # as everywhere
database_name = "staging"
database_id = "${PLACEHOLDER}"

[[env.staging.ratelimits]]
name = "RATE_LIMIT_SESSION_REFRESHES"
namespace_id = "2001"
simple = { limit = 300, period = 60 }

[[env.staging.ratelimits]]
name = "RATE_LIMIT_FAILED_REFRESHES"
namespace_id = "2002"
simple = { limit = 60, period = 60 }
`;

describe.each([
  ['CLOUDFLARE_ENV', [], { CLOUDFLARE_ENV: 'staging' }],
  ['--env, which goes before CLOUDFLARE_ENV', ['--env', 'staging'], { CLOUDFLARE_ENV: 'other' }],
] as const)('by %s', (_, args, variables) => {
  it('deploys staging, and leaves production’s database id alone', async () => {
    const toml = configure(stagingOf(folder.api.origin));
    const { code, output } = await folder.deploy(args, variables);
    expect({ code, output }).toEqual({ code: 0, output: expect.any(String) });
    expect(output).toContain('deploy: edge-sessions-staging, as [env.staging] of wrangler.toml');
    const [, id = ''] = /^DB: (\S+) is in wrangler\.toml now/m.exec(output) ?? [];
    expect(folder.toml()).toBe(toml.replace(PLACEHOLDER, id));
    expect(folder.toml()).toContain(PRODUCTION_ID);
    expect([...folder.api.places.keys()]).toEqual(['staging']);
    expect([...folder.api.workers.keys()]).toEqual(['edge-sessions-staging']);
    expect(folder.api.workers.get('edge-sessions-staging')?.secrets.size).toBe(1);
  });
});

describe('refuses, before it makes anything,', () => {
  afterEach(() => {
    expect(folder.api.takeRequests()).toEqual([]);
  });
  const refuse = async (args: string[], variables: Record<string, string> = {}) => {
    const { code, output } = await folder.deploy(args, variables);
    expect({ code, output }).toEqual({ code: 1, output: expect.any(String) });
    return output;
  };

  it('an environment that is not there', async () => {
    configure(stagingOf('https://staging.example.com'));
    expect(await refuse([], { CLOUDFLARE_ENV: 'stagging' })).toContain(
      'wrangler.toml has no [env.stagging]; it has [env.staging]',
    );
    configure('');
    // wrangler itself would deploy the top level under another name, with its databases.
    expect(await refuse(['-e', 'staging'])).toContain('wrangler.toml has no [env.staging]');
  });

  it('an option that npm has kept for itself', async () => {
    configure(stagingOf('https://staging.example.com'));
    // As `npm run deploy --env=staging` starts it: the top level would be deployed.
    expect(
      await refuse([], { npm_config_env: 'staging', npm_lifecycle_event: 'deploy' }),
    ).toContain('npm run deploy -- --env staging');
    const { code, output } = await folder.deploy(['staging']);
    expect({ code, output }).toEqual({ code: 2, output: expect.stringContaining('too many') });
  });

  it('what belongs to production, each by its name', async () => {
    configure(
      stagingOf('https://auth.example.com/')
        .replace('[env.staging]', '[env.staging]\nname = "edge-sessions"')
        .replace(PLACEHOLDER, PRODUCTION_ID)
        .replace('2001', '1002'),
      (toml) => toml.replace('[vars]', 'route = "auth.example.com/*"\n[vars]'),
    );
    const output = await refuse([], { CLOUDFLARE_ENV: 'staging' });
    for (const fault of [
      '[env.staging] has the route auth.example.com/* of the top level',
      '[env.staging] has the ISSUER of the top level',
      '[env.staging] has the name edge-sessions of the top level',
      '[env.staging] has for DB the database DB of the top level',
      'RATE_LIMIT_SESSION_REFRESHES of [env.staging] and RATE_LIMIT_FAILED_REFRESHES of the top level have one namespace_id',
    ])
      expect(output).toContain(`- ${fault}`);
    expect(output.match(/ of the top level/g)).toHaveLength(5);
  });

  it('a database that is not bound, and names all that an environment does not inherit', async () => {
    configure(
      '[env.staging.vars]\nISSUER = "https://staging.example.com"\nRISK_POLICY = "panic"',
      (toml) =>
        toml.replace(
          '[triggers]',
          '[[services]]\nbinding = "MAIL"\nservice = "mail"\n\n[triggers]',
        ),
    );
    const output = await refuse(['--env=staging']);
    expect(output).toContain(
      'note: [env.staging] inherits neither variables nor bindings, and is without AUDIENCE, CLIENTS, DB, RATE_LIMIT_SESSION_REFRESHES, RATE_LIMIT_FAILED_REFRESHES, MAIL of the top level',
    );
    expect(output).toContain('- DB is missing: bind a D1 database');
    expect(output).toContain('- AUDIENCE is missing');
    expect(output).toContain('- RISK_POLICY must be one of');
  });

  it('a database whose id it could not write down', async () => {
    configure(
      stagingOf('https://staging.example.com')
        .replace('[env.staging]', '[env.staging]\nd1_databases = [{ binding = "DB" }]')
        .replace(/\[\[env\.staging\.d1_databases[^[]*/, ''),
    );
    expect(await refuse(['--env=staging'])).toContain(
      '- the id of DB of [env.staging] cannot be written into wrangler.toml: give it a block [[env.staging.d1_databases]]',
    );
  });
});
