/** How a command ends, as a shell or a script sees it. */

/** The exit codes, which docs/cli.md lists. */
export const EXIT = {
  done: 0,
  /** The command was refused, or failed on the way. */
  failed: 1,
  /** The command line is wrong: nothing was tried. */
  usage: 2,
  /** `doctor` found something that has to be mended. */
  unhealthy: 3,
  /** The service, or what a check needs, does not answer: try again later. */
  unreachable: 4,
  /** The person stopped it: 128 + SIGINT. */
  interrupted: 130,
} as const;

/** Ends a command with a sentence for the person who ran it, and no stack. */
export class Failure extends Error {
  readonly exitCode: number;
  constructor(message: string, exitCode: number = EXIT.failed) {
    super(message);
    this.name = 'Failure';
    this.exitCode = exitCode;
  }
}
