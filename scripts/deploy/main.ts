/**
 * `npm run deploy`: everything from an empty Cloudflare account to a service that answers, and the
 * same again for every later release. Databases that are missing are made where HOMES says;
 * migrations are applied home by home, before the code that needs them (the release before works
 * with them too); the secret is made once; then the Worker is deployed and asked whether it is
 * well. What would be refused on the way is refused before anything is made.
 *
 * `npm run deploy -- --env staging`, or CLOUDFLARE_ENV, deploys an environment of wrangler.toml.
 * `npm run deploy -- --dry-run` changes nothing: it prints the commands, and all that is refused.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { chooseEnvironment, type Environment, readEnvironment } from '../environment.ts';
import { reach } from '../reach.ts';
import { findAccountFaults, findBuildFaults } from './account-checks.ts';
import { withDatabaseId } from './database-id.ts';
import { findNotInherited, findShared } from './environment-checks.ts';
import { findFaults, findWarnings } from './file-checks.ts';
import { type DatabasePlan, DEPLOY, PUT_SECRET, planDatabases, toMigrate } from './plan.ts';
import { findMistakes } from './service-rules.ts';
import { type Wrangler, wranglerIn } from './wrangler.ts';

const root = resolve(import.meta.dirname, '../..');
const file = join(root, 'wrangler.toml');

try {
  const { values: options } = parseArgs({
    options: {
      'dry-run': { type: 'boolean', default: false },
      env: { type: 'string', short: 'e' },
    },
  });
  const environment = readEnvironment(file, chooseEnvironment(options.env));
  // Before `--`, npm takes the option for its own, and hands on that it was there.
  const isDryRun = options['dry-run'] || process.env.npm_config_dry_run === 'true';
  await deploy(environment, isDryRun);
} catch (error) {
  console.error(`deploy: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}

async function deploy(environment: Environment, isDryRun: boolean): Promise<void> {
  const { name, title, config } = environment;
  const wrangler = wranglerIn(root, name);
  console.error(`deploy: ${config.name}, as ${title} of wrangler.toml has it`);
  for (const warning of [...findWarnings(config), ...findNotInherited(environment)])
    console.error(`deploy: note: ${warning}`);

  const faults = await findFaultsOfFile(environment);
  const databases = plan(environment, faults);
  if (isDryRun) printCommands(environment, databases, wrangler);
  // A mistake in the file is told at once; a dry run has the time to look at everything.
  if (isDryRun || faults.length === 0) {
    faults.push(...findBuildFaults(wrangler));
    faults.push(...findAccountFaults(wrangler, config.d1_databases));
  }
  if (faults.length > 0)
    throw new Error(
      `${title} of wrangler.toml cannot be deployed:\n${faults.map((fault) => `- ${fault}`).join('\n')}`,
    );
  if (!isDryRun) await make(environment, databases, wrangler);
}

async function findFaultsOfFile(environment: Environment): Promise<string[]> {
  const { config } = environment;
  const bindings = config.d1_databases.map(({ binding }) => binding);
  return [
    ...findFaults(config, root),
    ...findShared(environment),
    ...(await findMistakes(config.vars, bindings)),
  ];
}

/** The databases, those that are missing with what makes them. What cannot be is a fault. */
function plan({ name, config }: Environment, faults: string[]): DatabasePlan[] {
  const { HOMES: homes } = config.vars as { HOMES?: string };
  try {
    const databases = planDatabases(config.d1_databases, homes);
    const toml = readFileSync(file, 'utf8');
    for (const { binding, create } of databases) {
      // An id that could not be written down would be of a database that nobody finds again.
      if (create !== null)
        withDatabaseId(toml, name, binding, '5e551005-0000-4000-8000-000000000000');
    }
    return databases;
  } catch (error) {
    faults.push((error as Error).message);
    return [];
  }
}

function printCommands({ config }: Environment, databases: DatabasePlan[], wrangler: Wrangler) {
  for (const { create } of databases) if (create !== null) console.log(wrangler.spell(create));
  for (const database of databases) console.log(wrangler.spell(toMigrate(database)));
  console.log(`${wrangler.spell(PUT_SECRET)} < (random), unless it has one`);
  console.log(wrangler.spell(DEPLOY));
  console.log(`GET ${toJwksUrl(config.vars)}`);
}

async function make({ name, config }: Environment, databases: DatabasePlan[], wrangler: Wrangler) {
  const run = (args: readonly string[], input?: string) => {
    console.log(`> ${wrangler.spell(args)}${input === undefined ? '' : ' < (random)'}`);
    return wrangler.run(args, input);
  };
  for (const { binding, create } of databases) {
    if (create === null) continue;
    const id = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/.exec(run(create))?.[0];
    if (id === undefined)
      throw new Error(`${binding}: wrangler did not tell the id of the database that it made`);
    writeFileSync(file, withDatabaseId(readFileSync(file, 'utf8'), name, binding, id));
    console.log(`${binding}: ${id} is in wrangler.toml now; commit it`);
  }
  for (const database of databases) run(toMigrate(database));
  if (!hasSecret(run)) run(PUT_SECRET, randomBytes(32).toString('base64url'));
  run(DEPLOY);
  await check(toJwksUrl(config.vars));
}

function hasSecret(run: (args: readonly string[]) => string): boolean {
  try {
    return /"name":\s*"SESSION_SECRET"/.test(run(['secret', 'list', '--format', 'json']));
  } catch (error) {
    // Before the first deployment there is no Worker that could have one.
    if (error instanceof Error && /Worker "[^"]*"( \(env: .*\))? not found/.test(error.message))
      return false;
    throw error;
  }
}

function toJwksUrl({ ISSUER: issuer }: Record<string, unknown>): string {
  return `${String(issuer).replace(/\/+$/, '')}/.well-known/jwks.json`;
}

/** The service has to answer, and to have keys. */
async function check(url: string): Promise<void> {
  console.log(`> GET ${url}`);
  const response = await reach(url);
  if (!response.ok)
    throw new Error(`${url} answered ${response.status}; \`wrangler tail\` shows why`);
  const { keys } = (await response.json()) as { keys: unknown[] };
  const issuer = url.replace('/.well-known/jwks.json', '');
  console.log(`${issuer} answers, with ${keys.length} signing key${keys.length === 1 ? '' : 's'}`);
}
