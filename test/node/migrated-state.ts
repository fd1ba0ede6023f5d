/**
 * A local database with every migration, made once for all services that tests start. `npm start`
 * still asks wrangler to migrate, which then finds that nothing is due: to apply them, wrangler
 * starts a workerd for each migration, which took two thirds of the time of every start.
 */
import { execFile } from 'node:child_process';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { wranglerVariables } from '../../src/cli/wrangler-variables.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const WRANGLER = join(ROOT, 'node_modules/wrangler/bin/wrangler.js');

export interface MigratedState {
  /** From now on, `copyMigratedState` copies it, here and in processes that start later. */
  use(): void;
  remove(): Promise<void>;
}

/** Makes it by the command of `npm start`. */
export async function makeMigratedState(): Promise<MigratedState> {
  const folder = await mkdtemp(join(tmpdir(), 'edge-sessions-migrated-'));
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    await promisify(execFile)(
      process.execPath,
      [WRANGLER, 'd1', 'migrations', 'apply', 'DB', '--local', '--env=', '--persist-to', folder],
      // By CI, wrangler does not ask whether to go on.
      { cwd: ROOT, env: { ...wranglerVariables(ROOT), CI: 'true' } },
    );
  } catch (error) {
    await remove();
    throw error;
  }
  return {
    use() {
      process.env.MIGRATED_STATE = folder;
    },
    remove,
  };
}

/**
 * Copies it to where PERSIST_TO says that databases are kept. Where none was made, a service begins
 * with nothing, and migrates it all itself.
 */
export async function copyMigratedState(persistTo: string): Promise<void> {
  const folder = process.env.MIGRATED_STATE;
  if (folder === undefined) return;
  // The index of the write-ahead log is made anew; the log itself belongs to the database.
  await cp(folder, persistTo, { recursive: true, filter: (path) => !path.endsWith('-shm') });
}
