/** One module of several, by the esbuild that wrangler brings. */
import { loadEsbuild } from '../bundle-client.ts';
import { ROOT } from './entries.ts';

/** Returns the names of the packages that went into it. */
export async function bundle(options: Record<string, unknown>): Promise<string[]> {
  const { metafile } = await loadEsbuild().build({
    absWorkingDir: ROOT,
    bundle: true,
    format: 'esm',
    // They are in THIRD-PARTY.md.
    legalComments: 'none',
    metafile: true,
    ...options,
  });
  const packages = Object.keys(metafile.inputs).map(
    (input) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input)?.[1],
  );
  return [...new Set(packages.filter((name) => name !== undefined))].sort();
}
