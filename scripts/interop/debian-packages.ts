/** Debian's packages, for parts that try programs of them. */
import { execFileSync } from 'node:child_process';

/** Installs those that are missing. Throws where that takes another user than root. */
export function installPackages(names: readonly string[]): void {
  const missing = names.filter((name) => findVersion(name) === null);
  if (missing.length === 0) return;
  if (process.getuid?.() !== 0)
    throw new Error(`these packages are missing: apt-get install ${missing.join(' ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  for (const args of [['update'], ['install', '-y', '--no-install-recommends', ...missing]])
    execFileSync('apt-get', ['-qq', ...args], { env, stdio: ['ignore', 'ignore', 'inherit'] });
}

/** The version of the program itself, without Debian's own parts of it. */
export function versionOf(name: string): string {
  const version = findVersion(name);
  if (version === null) throw new Error(`${name} is not installed`);
  return version
    .replace(/^\d+:/, '')
    .replace(/[+-][^-]*$/, '')
    .replace(/[+~]dfsg.*$/, '');
}

function findVersion(name: string): string | null {
  try {
    const status = execFileSync('dpkg-query', ['--status', name], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    if (!/^Status: install ok installed$/m.test(status)) return null;
    return /^Version: (\S+)$/m.exec(status)?.[1] ?? null;
  } catch {
    return null;
  }
}
