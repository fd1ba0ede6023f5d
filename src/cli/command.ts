/** The common parts of commands: their options, and how they are shown. */
import { resolve } from 'node:path';
import { Command, Option } from 'commander';

/** A file of `commands/` exports one. */
export type MakeCommand = () => Command;

export interface CommonOptions {
  /** An absolute path. */
  cwd: string;
  json?: boolean;
}

export interface EnvironmentOptions extends CommonOptions {
  env?: string;
}

/** Parses an option that may be repeated, and whose values may be separated by commas. */
export const several = (given: string, before: string[] = []) => [...before, ...given.split(',')];

/** A command with the options that each has. `examples` are shown by `--help`. */
export function newCommand(name: string, description: string, examples: readonly string[]) {
  return new Command(name)
    .description(description)
    .option('--json', 'answer as JSON, and ask nothing')
    .addOption(
      new Option('--cwd <folder>', 'the folder of the deployment')
        .argParser((folder) => resolve(folder))
        .default(process.cwd(), 'this one'),
    )
    .addHelpText('after', `\nExamples:\n${examples.map((line) => `  ${line}\n`).join('')}`);
}

/** A command that is about an environment of the settings. */
export function newEnvironmentCommand(
  name: string,
  description: string,
  examples: readonly string[],
) {
  return newCommand(name, description, examples).option(
    '-e, --env <name>',
    'an environment of the settings (default: CLOUDFLARE_ENV, else the top level)',
  );
}

/** A command that only holds others. */
export function newGroup(name: string, description: string, commands: readonly Command[]) {
  const group = new Command(name).description(description);
  for (const command of commands) group.addCommand(command);
  return group;
}
