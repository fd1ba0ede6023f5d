/** Installs the new folder's dependencies, by the package manager that ran this. */
import { spawn } from 'node:child_process';
import { Failure } from '../failure.ts';

/** `npx`, `pnpm dlx` and their like say who they are. */
export function findPackageManager(agent = process.env.npm_config_user_agent ?? ''): string {
  const [name = ''] = agent.split('/');
  return ['pnpm', 'yarn', 'bun'].includes(name) ? name : 'npm';
}

/** Throws with what it printed where it fails. */
export function installPackages(folder: string, manager: string): Promise<void> {
  const quiet = manager === 'npm' ? ['--no-audit', '--no-fund'] : [];
  const child = spawn(manager, ['install', ...quiet], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    shell: process.platform === 'win32',
  });
  const printed: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => printed.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => printed.push(chunk));
  return new Promise((done, reject) => {
    child.once('error', reject);
    child.once('close', (code) =>
      code === 0
        ? done()
        : reject(new Failure(`${manager} install failed:\n${Buffer.concat(printed)}`)),
    );
  });
}
