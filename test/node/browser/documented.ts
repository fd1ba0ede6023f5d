/** The code of the pages for people, as an app's own bundler would build it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { loadEsbuild } from '../../../scripts/bundle-client.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const CLIENT = join(ROOT, 'src/client');

/**
 * One script of `entry`, which imports `./app` (this text). For browsers, of the development builds
 * of what it uses, which check the most, unless `options` of esbuild say otherwise.
 */
export async function bundleDocumented(
  text: string,
  entry: string,
  options: object = { format: 'esm', target: 'es2022' },
): Promise<string> {
  return inFolder(async (folder) => {
    writeFileSync(join(folder, 'app.tsx'), text);
    const { outputFiles } = await loadEsbuild().build({
      stdin: { contents: entry, resolveDir: folder },
      bundle: true,
      write: false,
      nodePaths: [join(ROOT, 'node_modules')],
      alias: {
        'edge-sessions/browser': join(CLIENT, 'browser/index.ts'),
        'edge-sessions/react': join(CLIENT, 'react/index.ts'),
        'edge-sessions/accounts': join(CLIENT, 'browser/accounts.ts'),
        'edge-sessions/step-up': join(CLIENT, 'browser/step-up.ts'),
      },
      define: { 'process.env.NODE_ENV': '"development"' },
      tsconfigRaw: { compilerOptions: { jsx: 'react-jsx' } },
      logLevel: 'silent',
      ...options,
    });
    return outputFiles[0]?.text ?? '';
  });
}

/** Gives `act` a folder for as long as it takes. */
export async function inFolder<T>(act: (folder: string) => T | Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'edge-sessions-documented-'));
  try {
    return await act(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
