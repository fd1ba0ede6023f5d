/**
 * `npm run deploy`: everything from an empty Cloudflare account to a service that answers, and the
 * same again for every later release. Databases that are missing are made where HOMES says;
 * migrations are applied home by home, before the code that needs them (the release before works
 * with them too); the secret is made once; then the Worker is deployed and asked whether it is
 * well.
 *
 * `npm run deploy -- --dry-run` prints the commands and runs none.
 */
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { unstable_readConfig as readConfig } from 'wrangler';
import { findClientMistakes } from './client-mistakes.ts';
import { findFaults, findWarnings } from './deploy-checks.ts';
import { planDatabases, withDatabaseId } from './deploy-plan.ts';
import { reach } from './reach.ts';

const root = resolve(import.meta.dirname, '..');
const file = join(root, 'wrangler.toml');
const { values: options } = parseArgs({
  options: { 'dry-run': { type: 'boolean', default: false } },
});
const isDryRun = options['dry-run'];

try {
  await deploy();
} catch (error) {
  console.error(`deploy: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}

async function deploy(): Promise<void> {
  const config = readConfig({ config: file });
  for (const warning of findWarnings(config)) console.warn(`deploy: note: ${warning}`);
  const vars = config.vars as Record<string, string>;
  const faults = [...findFaults(config), ...(await findClientMistakes(vars.CLIENTS))];
  if (faults.length > 0)
    throw new Error(`wrangler.toml has to be mended first:\n${faults.join('\n')}`);
  const databases = planDatabases(config.d1_databases, vars.HOMES);
  const { ISSUER: issuer = '' } = vars;
  const host = URL.parse(issuer)?.hostname ?? 'localhost';
  if (!isDryRun && /^(.+\.)?localhost$/.test(host))
    throw new Error(
      `ISSUER in wrangler.toml is "${issuer}": set it to the public URL of this Worker, and AUDIENCE too`,
    );

  for (const { binding, create } of databases) {
    if (create === null) continue;
    const output = wrangler(create);
    if (isDryRun) continue;
    const id = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/.exec(output)?.[0];
    if (id === undefined)
      throw new Error(`${binding}: wrangler did not tell the id of the database that it made`);
    writeFileSync(file, withDatabaseId(readFileSync(file, 'utf8'), binding, id));
    console.log(`${binding}: ${id} is in wrangler.toml now; commit it`);
  }
  for (const { binding } of databases) wrangler(['d1', 'migrations', 'apply', binding, '--remote']);
  if (isDryRun || !hasSecret())
    wrangler(['secret', 'put', 'SESSION_SECRET'], randomBytes(32).toString('base64url'));
  wrangler(['deploy', '--minify']);
  await check(issuer);
}

/** Runs a command of wrangler, or prints it. `input` is never printed. Returns what it said. */
function wrangler(args: string[], input?: string): string {
  console.log(
    `${isDryRun ? '' : '> '}wrangler ${args.join(' ')}${input === undefined ? '' : ' < (random)'}`,
  );
  if (isDryRun) return '';
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(root, 'node_modules/wrangler/bin/wrangler.js'), ...args],
    {
      cwd: root,
      encoding: 'utf8',
      stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      ...(input !== undefined && { input }),
      env: { ...process.env, WRANGLER_SEND_METRICS: 'false', WRANGLER_HIDE_BANNER: 'true' },
    },
  );
  if (status !== 0) throw new Error(`wrangler ${args.join(' ')} failed:\n${stdout}${stderr}`);
  process.stderr.write(stderr);
  return stdout;
}

function hasSecret(): boolean {
  try {
    return /"name":\s*"SESSION_SECRET"/.test(wrangler(['secret', 'list', '--format', 'json']));
  } catch (error) {
    // Before the first deployment there is no Worker that could have one.
    if (error instanceof Error && /Worker "[^"]*" not found/.test(error.message)) return false;
    throw error;
  }
}

/** The service has to answer, and to have keys. */
async function check(issuer: string): Promise<void> {
  const url = `${issuer}/.well-known/jwks.json`;
  console.log(`${isDryRun ? '' : '> '}GET ${url}`);
  if (isDryRun) return;
  const response = await reach(url);
  if (!response.ok)
    throw new Error(`${url} answered ${response.status}; \`wrangler tail\` shows why`);
  const { keys } = (await response.json()) as { keys: unknown[] };
  console.log(`${issuer} answers, with ${keys.length} signing key${keys.length === 1 ? '' : 's'}`);
}
