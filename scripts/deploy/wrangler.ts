/** Commands of wrangler for the environment that is deployed. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { wranglerVariables } from '../wrangler-variables.ts';

export interface Wrangler {
  /** The command as it would be typed. */
  spell(args: readonly string[]): string;
  /** Runs it and returns what it printed. `input` goes to its stdin. Throws when it fails. */
  run(args: readonly string[], input?: string): string;
}

/** `environment` is '' for the top level. */
export function wranglerIn(root: string, environment: string): Wrangler {
  // Said each time: CLOUDFLARE_ENV, or a configuration that a build tool left in .wrangler, would
  // else decide what this folder's wrangler.toml is read as.
  const spell = (args: readonly string[]) => `wrangler ${args.join(' ')} --env=${environment}`;
  return {
    spell,
    run(args, input) {
      const { status, stdout, stderr } = spawnSync(
        process.execPath,
        [
          join(root, 'node_modules/wrangler/bin/wrangler.js'),
          ...args,
          `--env=${environment}`,
          '--config=wrangler.toml',
        ],
        {
          cwd: root,
          encoding: 'utf8',
          stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
          ...(input !== undefined && { input }),
          env: wranglerVariables(root),
        },
      );
      if (status !== 0) throw new Error(`${spell(args)} failed:\n${stdout}${stderr}`);
      process.stderr.write(stderr);
      return stdout;
    },
  };
}
