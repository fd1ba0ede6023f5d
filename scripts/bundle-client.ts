/** Clients as one minified ES module, made with the esbuild that wrangler brings. */
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');

interface Esbuild {
  build(options: Record<string, unknown>): Promise<{ outputFiles: { text: string }[] }>;
}

/** The client for apps. */
export const bundleClient = (): Promise<string> => bundleModule('src/client/browser/index.ts');

export async function bundleModule(entry: string): Promise<string> {
  const fromWrangler = createRequire(join(root, 'node_modules/wrangler/package.json'));
  const esbuild = fromWrangler('esbuild') as Esbuild;
  const { outputFiles } = await esbuild.build({
    entryPoints: [join(root, entry)],
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    write: false,
  });
  return outputFiles[0]?.text ?? '';
}
