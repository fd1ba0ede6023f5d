/** Commands of wrangler for the environment that is deployed. */
import { spawnSync } from 'node:child_process';
import { Failure } from '../failure.ts';
import { findWranglerProgram } from '../wrangler-package.ts';
import { wranglerVariables } from '../wrangler-variables.ts';

export interface Wrangler {
  /** The command as it would be typed. */
  spell(args: readonly string[]): string;
  /** Runs it and returns what it printed. `input` goes to its stdin. Throws when it fails. */
  run(args: readonly string[], input?: string): string;
}

/** `fileName` is that of the settings, `environment` '' for the top level. */
export function wranglerIn(root: string, fileName: string, environment: string): Wrangler {
  // Said each time: CLOUDFLARE_ENV, or a configuration that a build tool left in .wrangler, would
  // else decide what this folder's settings are read as.
  const spell = (args: readonly string[]) => `wrangler ${args.join(' ')} --env=${environment}`;
  return {
    spell,
    run(args, input) {
      const { status, stdout, stderr } = spawnSync(
        process.execPath,
        [findWranglerProgram(root), ...args, `--env=${environment}`, `--config=${fileName}`],
        {
          cwd: root,
          encoding: 'utf8',
          stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
          ...(input !== undefined && { input }),
          env: wranglerVariables(root),
        },
      );
      if (status !== 0) throw new Failure(`${spell(args)} failed:\n${stdout}${stderr}`);
      process.stderr.write(stderr);
      return stdout;
    },
  };
}
