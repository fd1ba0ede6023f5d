/** Commands of the tools that users of the package have, run where a user would run them. */
import { execFile } from 'node:child_process';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

export const ROOT = resolve(import.meta.dirname, '../../..');

const TOOLS = {
  attw: '@arethetypeswrong/cli/dist/index.js',
  publint: 'publint/src/cli.js',
  tsc: 'typescript/bin/tsc',
  wrangler: 'wrangler/bin/wrangler.js',
};

const run = promisify(execFile);

/** Resolves to what it printed; rejects with that when it fails. */
export async function shell(
  command: string,
  args: readonly string[],
  cwd: string,
  env: Record<string, string> = {},
): Promise<string> {
  try {
    const { stdout } = await run(command, args, {
      cwd,
      env: { ...process.env, WRANGLER_SEND_METRICS: 'false', WRANGLER_HIDE_BANNER: 'true', ...env },
      maxBuffer: 64 * 1024 * 1024,
    });
    return stdout;
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`${command} ${args.join(' ')}\n${stdout}\n${stderr}`);
  }
}

/** One of this repository's own tools. */
export function tool(
  name: keyof typeof TOOLS,
  args: readonly string[],
  cwd: string,
  env: Record<string, string> = {},
): Promise<string> {
  return shell(process.execPath, [join(ROOT, 'node_modules', TOOLS[name]), ...args], cwd, env);
}

/** Installs into a folder, with nothing that is for development alone. */
export function install(folder: string, packages: readonly string[]): Promise<string> {
  const quiet = ['--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline', '--omit=dev'];
  return shell('npm', ['install', ...quiet, ...packages], folder);
}
