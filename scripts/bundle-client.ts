/** The client for apps as one minified ES module, made with the esbuild that wrangler brings. */
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');

interface Esbuild {
  build(options: Record<string, unknown>): Promise<{ outputFiles: { text: string }[] }>;
}

export async function bundleClient(): Promise<string> {
  const fromWrangler = createRequire(join(root, 'node_modules/wrangler/package.json'));
  const esbuild = fromWrangler('esbuild') as Esbuild;
  const { outputFiles } = await esbuild.build({
    entryPoints: [join(root, 'src/client/browser/index.ts')],
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    write: false,
  });
  return outputFiles[0]?.text ?? '';
}
