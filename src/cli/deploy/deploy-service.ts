/**
 * `edge-sessions deploy`: everything from an empty Cloudflare account to a service that answers,
 * and the same again for every later release. Databases that are missing are made where HOMES says;
 * migrations are applied home by home, before the code that needs them (the release before works
 * with them too); the secret is made once; then the Worker is deployed, and its health checked. A
 * mistake that would stop it on the way is refused before anything is made.
 */
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import type { Environment } from '../environment.ts';
import { Failure } from '../failure.ts';
import { reach } from '../reach-url.ts';
import { findMistakes } from '../service-rules.ts';
import { openSettings } from '../settings/settings-file.ts';
import type { Progress, Terminal } from '../terminal.ts';
import { findAccountFaults, findBuildFaults } from './account-checks.ts';
import { withDatabaseId } from './database-id.ts';
import { findNotInherited, findShared } from './environment-checks.ts';
import { findFaults, findWarnings } from './file-checks.ts';
import { type DatabasePlan, DEPLOY, PUT_SECRET, planDatabases, toMigrate } from './plan.ts';
import { type Wrangler, wranglerIn } from './wrangler.ts';

export interface Deployment {
  /** The folder of the deployment. */
  folder: string;
  environment: Environment;
  terminal: Terminal;
  wrangler: Wrangler;
}

/** The result: what was done, or would be. */
export interface Deployed {
  worker: string;
  environment: string;
  dry_run: boolean;
  commands: string[];
  /** Made by this run. */
  databases: { binding: string; database_id: string }[];
  jwks_url: string;
  signing_keys?: number;
}

export async function deploy(
  folder: string,
  environment: Environment,
  isDryRun: boolean,
  terminal: Terminal,
): Promise<Deployed> {
  const { title, config, fileName } = environment;
  const wrangler = wranglerIn(folder, fileName, environment.name);
  const deployment = { folder, environment, terminal, wrangler };
  terminal.note(`deploy: ${config.name}, as ${title} of ${fileName} has it`);
  for (const warning of [...findWarnings(config), ...findNotInherited(environment)])
    terminal.note(`deploy: note: ${warning}`);

  const faults = findFaultsOfFile(deployment);
  const databases = plan(deployment, faults);
  const deployed: Deployed = {
    worker: String(config.name),
    environment: environment.name,
    dry_run: isDryRun,
    commands: toCommands(deployment, databases),
    databases: [],
    jwks_url: toJwksUrl(config.vars),
  };
  if (isDryRun && !terminal.isJson)
    for (const command of [...deployed.commands, `GET ${deployed.jwks_url}`]) console.log(command);
  // A mistake in the file is told at once; a dry run has the time to look at everything.
  if (isDryRun || faults.length === 0) {
    faults.push(...findBuildFaults(wrangler));
    faults.push(...findAccountFaults(wrangler, config.d1_databases, fileName));
  }
  if (faults.length > 0)
    throw new Failure(
      `${title} of ${fileName} cannot be deployed:\n${faults.map((fault) => `- ${fault}`).join('\n')}`,
    );
  return isDryRun ? deployed : { ...deployed, ...(await make(deployment, databases)) };
}

function findFaultsOfFile({ folder, environment }: Deployment): string[] {
  const { config, fileName } = environment;
  const bindings = config.d1_databases.map(({ binding }) => binding);
  return [
    ...findFaults(config, folder, fileName),
    ...findShared(environment),
    ...findMistakes(config.vars, bindings),
  ];
}

/**
 * Plans the databases; one that is missing comes with the command that makes it. One that cannot be
 * made is a fault.
 */
function plan({ folder, environment }: Deployment, faults: string[]): DatabasePlan[] {
  const { name, config, fileName } = environment;
  const { HOMES: homes } = config.vars as { HOMES?: string };
  try {
    const databases = planDatabases(config.d1_databases, homes, fileName);
    const file = openSettings(folder);
    for (const { binding, create } of databases) {
      // An id that could not be written down would be of a database that nobody finds again.
      if (create !== null)
        withDatabaseId(file, name, binding, '5e551005-0000-4000-8000-000000000000');
    }
    return databases;
  } catch (error) {
    faults.push((error as Error).message);
    return [];
  }
}

function toCommands({ wrangler }: Deployment, databases: DatabasePlan[]): string[] {
  return [
    ...databases.flatMap(({ create }) => (create === null ? [] : wrangler.spell(create))),
    ...databases.map((database) => wrangler.spell(toMigrate(database))),
    `${wrangler.spell(PUT_SECRET)} < (random), unless it has one`,
    wrangler.spell(DEPLOY),
  ];
}

/** How a command of wrangler is run; `input` goes to its stdin. */
type Run = (args: readonly string[], input?: string) => string;

async function make(
  deployment: Deployment,
  databases: DatabasePlan[],
): Promise<Pick<Deployed, 'databases' | 'signing_keys'>> {
  const { environment, terminal, wrangler } = deployment;
  const missing = databases.filter(({ create }) => create !== null);
  // Each migration, the secret's two commands, the deployment, and the look at the result.
  const steps = missing.length + databases.length + 4;
  const progress = terminal.progress(`deploying ${environment.config.name}`, steps);
  const run: Run = (args, input) => {
    const command = `${wrangler.spell(args)}${input === undefined ? '' : ' < (random)'}`;
    showProgress(deployment, progress, `> ${command}`);
    return wrangler.run(args, input);
  };
  try {
    const made = missing.map((database) => create(deployment, progress, database, run));
    for (const database of databases) run(toMigrate(database));
    if (!hasSecret(run)) run(PUT_SECRET, randomBytes(32).toString('base64url'));
    run(DEPLOY);
    const url = toJwksUrl(environment.config.vars);
    showProgress(deployment, progress, `> GET ${url}`);
    const keys = await countKeys(url);
    progress.done(`${environment.config.name} is deployed`);
    const issuer = url.replace('/.well-known/jwks.json', '');
    if (!terminal.isJson)
      console.log(`${issuer} answers, with ${keys} signing key${keys === 1 ? '' : 's'}`);
    return { databases: made, signing_keys: keys };
  } catch (error) {
    progress.failed(`${environment.config.name} is not deployed: run it again to go on`);
    throw error;
  }
}

/** A bar for a person, lines for a log. */
function showProgress({ terminal }: Deployment, progress: Progress, text: string): void {
  if (terminal.isInteractive) progress.step(text);
  else if (terminal.isJson) terminal.note(text);
  else console.log(text);
}

function create(
  { folder, environment, terminal }: Deployment,
  progress: Progress,
  { binding, create: args }: DatabasePlan,
  run: Run,
): { binding: string; database_id: string } {
  const id = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/.exec(run(args ?? []))?.[0];
  if (id === undefined)
    throw new Failure(`${binding}: wrangler did not tell the id of the database that it made`);
  const file = openSettings(folder);
  writeFileSync(file.path, withDatabaseId(file, environment.name, binding, id));
  const done = `${binding}: ${id} is in ${file.name} now; commit it`;
  if (terminal.isJson) terminal.note(done);
  else showProgress({ folder, environment, terminal } as Deployment, progress, done);
  return { binding, database_id: id };
}

function hasSecret(run: Run): boolean {
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
async function countKeys(url: string): Promise<number> {
  const response = await reach(url);
  if (!response.ok)
    throw new Failure(`${url} answered ${response.status}; \`wrangler tail\` shows why`);
  const answer = (await response.json().catch(() => null)) as { keys?: unknown } | null;
  if (!Array.isArray(answer?.keys))
    throw new Failure(`${url} is answered by something else: does ISSUER lead to this Worker?`);
  return answer.keys.length;
}
