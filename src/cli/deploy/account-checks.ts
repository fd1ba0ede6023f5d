/**
 * Finds what Cloudflare would refuse, before anything is made, by questions that change nothing.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DeployConfig } from './file-checks.ts';
import { isPlaceholder } from './plan.ts';
import type { Wrangler } from './wrangler.ts';

/** A Worker that cannot be built, by building it. */
export function findBuildFaults(wrangler: Wrangler): string[] {
  const outdir = mkdtempSync(join(tmpdir(), 'deploy-build-'));
  try {
    wrangler.run(['deploy', '--minify', '--dry-run', `--outdir=${outdir}`]);
    return [];
  } catch (error) {
    return [(error as Error).message];
  } finally {
    rmSync(outdir, { recursive: true, force: true });
  }
}

/** Finds that nobody is signed in, that a name is taken, and that an id is not there. */
export function findAccountFaults(
  wrangler: Wrangler,
  databases: DeployConfig['d1_databases'],
  fileName: string,
): string[] {
  let there: { uuid: string; name: string }[];
  try {
    there = JSON.parse(wrangler.run(['d1', 'list', '--json']));
  } catch (error) {
    return [
      `Cloudflare does not say which databases there are; sign in with \`npx wrangler login\`, or set CLOUDFLARE_API_TOKEN (and CLOUDFLARE_ACCOUNT_ID where it is for several):\n${(error as Error).message}`,
    ];
  }
  return databases.flatMap(({ binding, database_name: name = binding, database_id: id = '' }) => {
    if (!isPlaceholder(id))
      return there.some(({ uuid }) => uuid === id)
        ? []
        : [`${binding}: the account has no database ${id}`];
    const taken = there.find((database) => database.name === name);
    return taken === undefined
      ? []
      : [
          `${binding}: the account has a database ${name} already; if it is this one, write database_id = "${taken.uuid}" into ${fileName}, else give it another database_name`,
        ];
  });
}
