/** `edge-sessions`: reads the command line, runs what it says, and tells how that ended. */
import { Command, CommanderError } from 'commander';
import { COMMANDS } from './commands/index.ts';
import { chooseEnvironment, takeEnvironment } from './environment.ts';
import { EXIT, Failure } from './failure.ts';
import { guardKeyIds } from './key-ids.ts';
import { toPlainText } from './plain-text.ts';

/** Resolves to the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const program = new Command('edge-sessions')
    .description('Login sessions on Cloudflare Workers and D1: make, deploy and run a service.')
    .addHelpText('after', HELP);
  for (const make of COMMANDS) program.addCommand(make());
  tellErrorsAs(program, args[0]);
  try {
    // Throws where npm has kept `--env` for itself, and left its value behind.
    chooseEnvironment(takeEnvironment(args).option);
    await program.parseAsync(guardKeyIds(args), { from: 'user' });
    return typeof process.exitCode === 'number' ? process.exitCode : EXIT.done;
  } catch (error) {
    // commander has said it already: its help, or what is wrong with the command line.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    const message = error instanceof Error ? error.message : `${error}`;
    console.error(`${nameOf(program, args[0])}: ${toPlainText(message)}`);
    return error instanceof Failure ? error.exitCode : EXIT.failed;
  }
}

const HELP = `
Answers go to stdout, everything else to stderr; --json is for scripts. Exit codes: 0 done, 1 failed,
2 wrong command line, 3 doctor found something, 4 the service does not answer.
`;

/** The name of the command that a sentence comes from. */
const nameOf = (program: Command, name: string | undefined) =>
  program.commands.some((command) => command.name() === name) ? name : program.name();

function tellErrorsAs(program: Command, first: string | undefined): void {
  const adapt = (command: Command) => {
    command.exitOverride().configureOutput({
      outputError: (text, write) =>
        write(
          `${nameOf(program, first)}: ${text.replace(/^error: /, '')}Usage: ${fullName(command)} ${command.usage()}\n`,
        ),
    });
    for (const child of command.commands) adapt(child);
  };
  adapt(program);
}

function fullName(command: Command): string {
  return command.parent === null ? command.name() : `${fullName(command.parent)} ${command.name()}`;
}
