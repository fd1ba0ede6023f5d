/**
 * `npm run check:previous`: the release before on these migrations, as it is between the migration and the deployment, and in a gradual one.
 * Runs that release's own tests over the tables of now. It needs the history of the repository.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/** The last commit before the homes. */
const PREVIOUS = 'ae0d5d9571ff9d679f6b46c97ab28ab0d22f6772';
/** All that asks the database; what a table looks like is for this release to say. */
const TESTS = [
  'test/sessions',
  'test/conformance',
  'test/http',
  'test/risk',
  'test/webhooks',
  'test/tokens',
  'test/counts.test.ts',
];

/** That release's model forgets that signing out others also marks sessions that had expired, and fails now and then on any tables. */
const MISTAKEN = 'test/sessions/model.test.ts';

const root = resolve(import.meta.dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'previous-release-'));
try {
  const archive = execFileSync('git', ['archive', PREVIOUS], { cwd: root, maxBuffer: 100 * 1024 * 1024 });
  execFileSync('tar', ['x', '-C', folder], { input: archive });
  rmSync(join(folder, MISTAKEN));
  rmSync(join(folder, 'migrations'), { recursive: true });
  cpSync(join(root, 'migrations'), join(folder, 'migrations'), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const { status } = spawnSync(process.execPath, [vitest, 'run', '--project', 'workers', ...TESTS], {
    cwd: folder,
    stdio: 'inherit',
  });
  process.exitCode = status ?? 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
