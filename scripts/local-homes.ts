/**
 * `LOCAL_HOMES=3 npm start`: a configuration of wrangler with more homes than the settings have, to
 * see how several behave.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { plainEnvironment } from '../src/cli/environment.ts';
import type { SettingsFile } from '../src/cli/settings/settings-file.ts';

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
  file: SettingsFile,
  count: string,
  environment: string,
  port: number,
): LocalHomes | null {
  if (!/^[1-3]$/.test(count)) throw new Error(`LOCAL_HOMES must be 1, 2 or 3, not "${count}"`);
  if (count === '1') return null;
  const raw = structuredClone(file.raw);
  const { own, databases } = plainEnvironment({ ...file, raw }, environment);
  const bindings = databases.map(({ binding }) => binding);
  if (bindings.join() !== 'DB')
    throw new Error(`LOCAL_HOMES is for DB alone, and ${file.name} has ${bindings.join(', ')}`);
  const homes = REGIONS.slice(0, Number(count));
  const more = homes.slice(1).map(([binding], index) => ({
    binding,
    database_name: `edge-sessions-${index + 2}`,
    database_id: `00000000-0000-0000-0000-00000000000${index + 1}`,
    migrations_dir: 'migrations',
  }));
  own.d1_databases = [...databases, ...more];
  // Beside the settings, because wrangler takes paths, secrets and local databases from where its
  // configuration is; by the port, because wrangler would notice that another's changes.
  const config = join(dirname(file.path), `.wrangler.homes-${port}.json`);
  process.once('exit', () => rmSync(config, { force: true }));
  writeFileSync(config, JSON.stringify(raw));
  return {
    config,
    bindings: homes.map(([binding]) => binding),
    homes: JSON.stringify(homes.map(([home, regions]) => ({ home, regions }))),
  };
}
