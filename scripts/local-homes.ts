/**
 * `LOCAL_HOMES=3 npm start`: a configuration of wrangler with more homes than wrangler.toml has, to
 * see how several behave.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Beside wrangler.toml, because wrangler takes paths, secrets and local databases from where its
 * configuration is.
 */
const FILE = '.wrangler.homes.toml';

const REGIONS = [
  ['DB', ['enam', 'wnam']],
  ['DB_WEUR', ['weur', 'eeur']],
  ['DB_APAC', ['apac', 'oc']],
] as const;

export interface LocalHomes {
  /** For wrangler. */
  config: string;
  bindings: string[];
  /** The variable HOMES. */
  homes: string;
}

/**
 * Writes the configuration for `count` homes of an environment ('' is the top level). null: those
 * that it has. Throws on a number that is not 1, 2 or 3, and where it has several already.
 */
export function configureHomes(
  root: string,
  count: string,
  environment: string,
  databases: readonly string[],
): LocalHomes | null {
  if (!/^[1-3]$/.test(count)) throw new Error(`LOCAL_HOMES must be 1, 2 or 3, not "${count}"`);
  if (count === '1') return null;
  if (databases.join() !== 'DB')
    throw new Error(`LOCAL_HOMES is for DB alone, and wrangler.toml has ${databases.join(', ')}`);
  const block =
    environment === '' ? 'd1_databases' : `env.${JSON.stringify(environment)}.d1_databases`;
  const homes = REGIONS.slice(0, Number(count));
  const more = homes.slice(1).map(
    ([binding], index) => `
[[${block}]]
binding = "${binding}"
database_name = "edge-sessions-${index + 2}"
database_id = "00000000-0000-0000-0000-00000000000${index + 1}"
migrations_dir = "migrations"
`,
  );
  const config = join(root, FILE);
  writeFileSync(config, readFileSync(join(root, 'wrangler.toml'), 'utf8') + more.join(''));
  return {
    config,
    bindings: homes.map(([binding]) => binding),
    homes: JSON.stringify(homes.map(([home, regions]) => ({ home, regions }))),
  };
}
