/**
 * Which environment of a deployment's settings a command is for: what `--env` says, else
 * CLOUDFLARE_ENV, else the top level, as wrangler has it. wrangler itself is always told by
 * `--env`, so that it and what a command reads or writes never differ.
 */
import type { Unstable_Config } from 'wrangler';
import { Failure } from './failure.ts';
import type {
  RawDatabase,
  RawEnvironment,
  RawSettings,
  SettingsFile,
} from './settings/settings-file.ts';
import { loadWrangler } from './wrangler-package.ts';

/** An environment as the settings file has it, without what wrangler makes of it. */
export interface PlainEnvironment {
  /** '' is the top level. */
  name: string;
  /** The name in a sentence. */
  title: string;
  file: SettingsFile;
  /** The settings that are written for this environment. */
  own: RawEnvironment;
  /** Variables and databases, which no environment inherits. */
  vars: Record<string, unknown>;
  databases: readonly RawDatabase[];
}

export interface Environment {
  name: string;
  title: string;
  /** The name of the settings file. */
  fileName: string;
  /** The settings as wrangler reads them, with those that are inherited from the top level. */
  config: Unstable_Config;
  /** The top level, read in the same way. */
  above: Unstable_Config;
  /** The whole file, as it is written. */
  raw: RawSettings;
}

export const titleOf = (name: string) => (name === '' ? 'the top level' : `[env.${name}]`);

/**
 * The name of the environment; '' is the top level. Throws where npm has kept the option for
 * itself: without that, `npm run deploy --env=staging` would deploy production.
 */
export function chooseEnvironment(
  option: string | undefined,
  variables: NodeJS.ProcessEnv = process.env,
): string {
  if (option === undefined && variables.npm_config_env !== undefined)
    throw new Failure(
      `npm keeps an option for itself that stands before \`--\`: npm run ${variables.npm_lifecycle_event ?? 'deploy'} -- --env ${variables.npm_config_env}`,
    );
  return option ?? variables.CLOUDFLARE_ENV ?? '';
}

/** Throws when the file has no such environment. */
export function plainEnvironment(file: SettingsFile, name: string): PlainEnvironment {
  const own = name === '' ? file.raw : file.raw.env?.[name];
  if (own === undefined) {
    // In a file without environments, wrangler would take the top level, databases included.
    const names = Object.keys(file.raw.env ?? {});
    throw new Failure(
      `${file.name} has no [env.${name}]${names.length === 0 ? '' : `; it has ${names.map(titleOf).join(', ')}`}`,
    );
  }
  const { vars = {}, d1_databases: databases = [] } = own;
  return { name, title: titleOf(name), file, own, vars, databases };
}

/** Reads an environment as wrangler does. Throws when it cannot, or when there is none. */
export async function readEnvironment(
  folder: string,
  file: SettingsFile,
  name: string,
): Promise<Environment> {
  const { title } = plainEnvironment(file, name);
  const { unstable_readConfig: readConfig } = await loadWrangler(folder);
  const read = (env: string) => readConfig({ config: file.path, env }, { hideWarnings: true });
  return { name, title, fileName: file.name, config: read(name), above: read(''), raw: file.raw };
}

/** Takes `--env NAME`, `--env=NAME` or `-e NAME` out of the arguments. */
export function takeEnvironment(args: readonly string[]): {
  option: string | undefined;
  rest: string[];
} {
  const index = args.findIndex((arg) => /^(-e|--env)$|^--env=/.test(arg));
  const arg = args[index];
  if (arg === undefined) return { option: undefined, rest: [...args] };
  const isOne = arg.startsWith('--env=');
  const option = isOne ? arg.slice('--env='.length) : args[index + 1];
  if (option === undefined) throw new Failure(`${arg} needs the name of an environment`);
  return { option, rest: args.toSpliced(index, isOne ? 1 : 2) };
}
