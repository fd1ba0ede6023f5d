/** One module of several, by the esbuild that wrangler brings. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { ROOT } from './entries.ts';

interface Metafile {
  inputs: Record<string, unknown>;
}

interface Esbuild {
  build(options: Record<string, unknown>): Promise<{ metafile: Metafile }>;
}

/** Returns the names of the packages that went into it. */
export async function bundle(options: Record<string, unknown>): Promise<string[]> {
  const fromWrangler = createRequire(join(ROOT, 'node_modules/wrangler/package.json'));
  const esbuild = fromWrangler('esbuild') as Esbuild;
  const { metafile } = await esbuild.build({
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
