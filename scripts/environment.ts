/**
 * Which environment of wrangler.toml a command is for: what `--env` says, else CLOUDFLARE_ENV, else
 * the top level, as wrangler has it. wrangler itself is always told by `--env`, so that it and what
 * a script reads or writes never differ.
 */
import { relative } from 'node:path';
import {
  unstable_readConfig as readConfig,
  experimental_readRawConfig as readRawConfig,
  type Unstable_Config,
  type Unstable_RawConfig,
} from 'wrangler';

export interface Environment {
  /** '' is the top level. */
  name: string;
  /** As a sentence names it. */
  title: string;
  /** As wrangler reads it: with what is inherited from the top level, and without what is not. */
  config: Unstable_Config;
  /** The top level, read in the same way. */
  above: Unstable_Config;
  /** The whole file, as it is written. */
  raw: Unstable_RawConfig;
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
    throw new Error(
      `npm keeps an option for itself that stands before \`--\`: npm run ${variables.npm_lifecycle_event ?? 'deploy'} -- --env ${variables.npm_config_env}`,
    );
  return option ?? variables.CLOUDFLARE_ENV ?? '';
}

/** Throws when the file cannot be read, or has no such environment. */
export function readEnvironment(file: string, name: string): Environment {
  const { rawConfig: raw } = readRawConfig({ config: file });
  const names = Object.keys(raw.env ?? {});
  // Where there is none at all, wrangler would take the top level for it, databases included.
  if (name !== '' && !names.includes(name))
    throw new Error(
      `${relative(process.cwd(), file)} has no [env.${name}]${names.length === 0 ? '' : `; it has ${names.map(titleOf).join(', ')}`}`,
    );
  const read = (env: string) => readConfig({ config: file, env }, { hideWarnings: true });
  return { name, title: titleOf(name), config: read(name), above: read(''), raw };
}

/** What `--env NAME`, `--env=NAME` or `-e NAME` says, and the arguments without it. */
export function takeEnvironment(args: readonly string[]): {
  option: string | undefined;
  rest: string[];
} {
  // No parser of options, because a key's id, which is an argument too, may begin with a dash.
  const index = args.findIndex((arg) => /^(-e|--env)$|^--env=/.test(arg));
  const arg = args[index];
  if (arg === undefined) return { option: undefined, rest: [...args] };
  const isOne = arg.startsWith('--env=');
  const option = isOne ? arg.slice('--env='.length) : args[index + 1];
  if (option === undefined) throw new Error(`${arg} needs the name of an environment`);
  return { option, rest: args.toSpliced(index, isOne ? 1 : 2) };
}
