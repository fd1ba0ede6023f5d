/**
 * Finds the mistakes of an environment of the settings by itself, as far as the file shows them.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { isPlaceholder } from './plan.ts';

export interface DeployConfig {
  workers_dev?: boolean | undefined;
  preview_urls?: boolean | undefined;
  route?: unknown;
  routes?: readonly unknown[] | undefined;
  vars: Record<string, unknown>;
  d1_databases: readonly {
    binding: string;
    database_name?: string | undefined;
    database_id?: string | undefined;
    migrations_dir?: string | undefined;
  }[];
}

/** Cloudflare refuses a larger variable, but only once databases and migrations are made. */
export const MAX_VARIABLE_BYTES = 5_120;
/** Values in the settings are in the repository, and in the dashboard for all to read. */
const SECRETS = ['SESSION_SECRET', 'SESSION_SECRET_PREVIOUS', 'WEBHOOKS'];

/** The mistakes that must be mended first, each in a sentence that repeats no value. */
export function findFaults(
  { vars, d1_databases: databases }: DeployConfig,
  root: string,
  fileName: string,
): string[] {
  const faults: string[] = [];
  for (const [name, value] of Object.entries(vars)) {
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    const size = Buffer.byteLength(text);
    if (SECRETS.includes(name)) {
      if (text !== '' && text !== '[]')
        faults.push(
          `${name} stands in [vars], where it is no secret: take it out, replace what has leaked, and set it with \`wrangler secret put ${name}\``,
        );
    } else if (size > MAX_VARIABLE_BYTES)
      faults.push(
        `${name} has ${size} bytes, and Cloudflare takes ${MAX_VARIABLE_BYTES} (5 KB) for a variable${/^CLIENTS/.test(name) ? ': put some of its entries into another array, CLIENTS_2, CLIENTS_3 …' : ''}`,
      );
  }
  for (const [index, database] of databases.entries()) {
    const folder = join(root, database.migrations_dir ?? 'migrations');
    if (!existsSync(folder) || !readdirSync(folder).some((file) => file.endsWith('.sql')))
      faults.push(`${database.binding}: there are no migrations in ${folder} (migrations_dir)`);
    for (const other of databases.slice(0, index)) {
      const what = sharedBy(database, other);
      if (what !== null)
        faults.push(
          `${other.binding} and ${database.binding} have one ${what}: each binding needs a database of its own`,
        );
    }
  }
  return [...faults, ...findUnreachable(vars, fileName)];
}

/**
 * Finds an ISSUER on this machine: nobody else would reach it, and the check after the deployment
 * would find whatever runs here.
 */
function findUnreachable({ ISSUER: issuer }: Record<string, unknown>, fileName: string): string[] {
  const host = URL.parse(String(issuer ?? ''))?.hostname ?? '';
  return /^(.+\.)?localhost$/.test(host)
    ? [
        `ISSUER in ${fileName} is "${issuer}": set it to the public URL of this Worker, and AUDIENCE too`,
      ]
    : [];
}

/** Settings that may be meant, but should be known. */
export function findWarnings(config: DeployConfig): string[] {
  const { workers_dev: workersDev, preview_urls: previewUrls, route, routes = [] } = config;
  const hasRoute = route !== undefined || routes.length > 0;
  const warnings: string[] = [];
  if (workersDev === true && hasRoute)
    warnings.push(
      'workers_dev = true stands beside a route: the service also answers at its workers.dev address, where no rule of your zone (firewall, rate limits) protects it; set workers_dev = false unless you mean that',
    );
  // Unless it is set, Cloudflare begins with what workers_dev is.
  if (previewUrls ?? workersDev ?? !hasRoute)
    warnings.push(
      'each version that is uploaded, a branch that Workers Builds tries too, answers at a preview URL of its own, with these databases and secrets; set preview_urls = false unless you mean that',
    );
  return warnings;
}

type Database = DeployConfig['d1_databases'][number];

function sharedBy(a: Database, b: Database): 'database_id' | 'database_name' | null {
  if (isPlaceholder(a.database_id) || isPlaceholder(b.database_id)) {
    // A database that deploy made is found by its name.
    const isOne = (a.database_name ?? a.binding) === (b.database_name ?? b.binding);
    return isOne ? 'database_name' : null;
  }
  return a.database_id === b.database_id ? 'database_id' : null;
}
