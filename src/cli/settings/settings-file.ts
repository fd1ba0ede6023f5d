/**
 * The file with a deployment's settings: `wrangler.toml`, `wrangler.jsonc` or `wrangler.json`,
 * whichever wrangler itself would take. It is read, and single values are written into it;
 * everything else stays as it is written, comments too.
 */
import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { Failure } from '../failure.ts';
import { parseJsonc, withJsoncValue } from './jsonc-settings.ts';
import type { SettingPath } from './setting-path.ts';
import { parseToml, withTomlValue } from './toml-settings.ts';

/** The order in which wrangler looks for them. */
const NAMES = ['wrangler.json', 'wrangler.jsonc', 'wrangler.toml'];

/** The part of the file that the commands read, for the top level or an environment. */
export interface RawEnvironment {
  name?: string;
  account_id?: string;
  route?: Route;
  routes?: Route[];
  vars?: Record<string, unknown>;
  d1_databases?: RawDatabase[];
  services?: object[];
  ratelimits?: { name: string; namespace_id: string }[];
  assets?: { directory?: string; binding?: string; run_worker_first?: unknown };
  triggers?: { crons?: string[] };
  [setting: string]: unknown;
}

type Route = string | { pattern: string };

export interface RawDatabase {
  binding: string;
  database_name?: string;
  database_id?: string;
  migrations_dir?: string;
}

export interface RawSettings extends RawEnvironment {
  env?: Record<string, RawEnvironment>;
}

export interface SettingsFile {
  path: string;
  /** The name in sentences. */
  name: string;
  text: string;
  raw: RawSettings;
}

/** The path of the folder's settings; null: it has none. */
export function findSettingsPath(folder: string): string | null {
  const name = NAMES.find((candidate) => existsSync(join(folder, candidate)));
  return name === undefined ? null : join(folder, name);
}

/** Throws where the folder has no settings, or they cannot be read. */
export function openSettings(folder: string): SettingsFile {
  const path = findSettingsPath(folder);
  if (path === null)
    throw new Failure(
      `${folder} has no wrangler.toml and no wrangler.jsonc: go to the folder of your deployment, name it by --cwd, or make one with \`edge-sessions init\``,
    );
  return readSettings(path);
}

/** Throws where the file cannot be read as what its name says. */
export function readSettings(path: string): SettingsFile {
  return parseSettings(path, readFileSync(path, 'utf8'));
}

export function parseSettings(path: string, text: string): SettingsFile {
  const name = basename(path);
  return { path, name, text, raw: parse(name, text) };
}

/**
 * The text of the file with one value, which is added where it is not there yet: right behind
 * `after`, a key beside it, or as the last of its block. Throws where that cannot be done, which is
 * known by reading the result: it may differ in this one value, and in nothing else.
 */
export function withSetting(
  { name, text, raw }: SettingsFile,
  path: SettingPath,
  value: string,
  after?: string,
): string {
  const write = isToml(name) ? withTomlValue : withJsoncValue;
  const written = write(text, path, value, after);
  const wanted = setIn(raw, path, value);
  if (written === null || wanted === null || !isReadAs(name, written, wanted))
    throw new Failure(
      `${path.join('.')} cannot be written into ${name}: give ${path.slice(0, -1).join('.')} a block of its own there, and try again`,
    );
  return written;
}

const isToml = (name: string) => name.endsWith('.toml');

function parse(name: string, text: string): RawSettings {
  try {
    return (isToml(name) ? parseToml(text) : parseJsonc(text)) as RawSettings;
  } catch (error) {
    throw new Failure(`${name} cannot be read: ${(error as Error).message}`);
  }
}

function isReadAs(name: string, written: string, wanted: unknown): boolean {
  try {
    return isDeepStrictEqual(parse(name, written), wanted);
  } catch {
    return false;
  }
}

/** A copy with the value; null: the path goes through something that is there, and no container. */
function setIn(raw: RawSettings, path: SettingPath, value: string): RawSettings | null {
  const copy = structuredClone(raw);
  let at: Record<string | number, unknown> = copy;
  for (const key of path.slice(0, -1)) {
    at[key] ??= {};
    if (typeof at[key] !== 'object') return null;
    at = at[key] as Record<string | number, unknown>;
  }
  at[path.at(-1) as string] = value;
  return copy;
}
