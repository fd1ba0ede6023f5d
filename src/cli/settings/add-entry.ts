/** Writing an entry of a list into the settings, where the service takes it. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { MAX_VARIABLE_BYTES } from '../deploy/file-checks.ts';
import { chooseEnvironment, type PlainEnvironment, plainEnvironment } from '../environment.ts';
import { EXIT, Failure } from '../failure.ts';
import { findMistakes } from '../service-rules.ts';
import { addToList } from './json-lists.ts';
import { openSettings, withSetting } from './settings-file.ts';

export interface Written {
  file: string;
  environment: string;
  variable: string;
  bytes: number;
}

/** Tells the person who added an entry where it is now. */
export const toWhere = (name: string, { file, variable, bytes }: Written) =>
  `${name} is in ${variable} of ${file}, which has ${bytes} of ${MAX_VARIABLE_BYTES} bytes; deploy to make it known`;

type ListName = 'CLIENTS' | 'TRUSTED_ISSUERS';

/**
 * Adds the entry to the settings of the folder. Throws, and writes nothing, where the service would
 * refuse something that it does not refuse now.
 */
export function writeEntry(
  folder: string,
  env: string | undefined,
  list: ListName,
  entry: object,
): Written {
  const environment = plainEnvironment(openSettings(folder), chooseEnvironment(env));
  const { name, file, vars } = environment;
  const { variable, value, bytes } = addToList(environment, list, entry, list === 'CLIENTS');
  assertNothingWorse(environment, { ...vars, [variable]: value });
  const above = name === '' ? [] : ['env', name];
  writeFileSync(file.path, withSetting(file, [...above, 'vars', variable], value, list));
  return { file: file.name, environment: name, variable, bytes };
}

function assertNothingWorse(
  { vars, databases }: PlainEnvironment,
  changed: Record<string, unknown>,
): void {
  const bindings = databases.map(({ binding }) => binding);
  const before = new Set(findMistakes(vars, bindings));
  const mistakes = findMistakes(changed, bindings).filter((mistake) => !before.has(mistake));
  if (mistakes.length > 0) throw new Failure(mistakes.join('\n'), EXIT.usage);
}

/** The file that overrides the settings on this machine; null: none does. */
export function findLocalOverride(folder: string, list: ListName): string | null {
  const path = join(folder, '.dev.vars');
  if (!existsSync(path) || parseEnv(readFileSync(path, 'utf8'))[list] === undefined) return null;
  return `.dev.vars has ${list} of its own, which \`wrangler dev\` takes instead`;
}
