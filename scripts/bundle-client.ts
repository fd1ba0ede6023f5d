/** Clients as one minified ES module, made with the esbuild that wrangler brings. */
import { realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');

interface Esbuild {
  build(options: Record<string, unknown>): Promise<{
    outputFiles: { text: string }[];
    /** With the option of its name. */
    metafile: { inputs: Record<string, unknown> };
  }>;
}

/** The client for apps. */
export const bundleClient = (): Promise<string> => bundleModule('src/client/browser/index.ts');

/** The esbuild that wrangler brings. */
export function loadEsbuild(): Esbuild {
  // pnpm links packages, and what one brings is found from where it really is.
  const wrangler = realpathSync(join(root, 'node_modules/wrangler/package.json'));
  const fromWrangler = createRequire(wrangler);
  return fromWrangler('esbuild') as Esbuild;
}

/** What only workerd has stays an import. */
export async function bundleModule(entry: string): Promise<string> {
  const { outputFiles } = await loadEsbuild().build({
    entryPoints: [join(root, entry)],
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    external: ['cloudflare:*'],
    write: false,
  });
  return outputFiles[0]?.text ?? '';
}
