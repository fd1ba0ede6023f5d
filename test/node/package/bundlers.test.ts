/** The client for apps, as their bundlers take it up. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeAll, expect, inject, it } from 'vitest';
import { ROOT } from './shell.ts';

const { newest } = inject('installed');
const APP = `import { createSessionClient } from 'edge-sessions/browser';
globalThis.session = createSessionClient({ baseUrl: '/', mode: 'cookie' });`;

beforeAll(() => writeFileSync(join(newest, 'app.js'), APP));

/** A tool that one of this repository's own tools brings. */
function requireFrom(name: string): NodeJS.Require {
  return createRequire(join(ROOT, 'node_modules', name, 'package.json'));
}

function expectWhole(code: string): void {
  expect(code).toMatch(/["'`]browser\/refresh["'`]/);
  expect(code).not.toMatch(/\bimport\b|\brequire\(/);
}

it('esbuild', async () => {
  const esbuild = requireFrom('wrangler')('esbuild');
  const { outputFiles, warnings } = await esbuild.build({
    entryPoints: [join(newest, 'app.js')],
    bundle: true,
    format: 'esm',
    write: false,
  });
  expect(warnings).toEqual([]);
  expectWhole(outputFiles[0].text);
});

it('Vite', async () => {
  const vite = await import(pathToFileURL(requireFrom('vitest').resolve('vite')).href);
  const outDir = join(newest, 'built');
  await vite.build({
    root: newest,
    configFile: false,
    logLevel: 'silent',
    build: { outDir, lib: { entry: 'app.js', formats: ['es'], fileName: 'app' } },
  });
  const [built = ''] = readdirSync(outDir);
  expectWhole(readFileSync(join(outDir, built), 'utf8'));
});

it('nothing of it is left where nothing of it is used', async () => {
  const esbuild = requireFrom('wrangler')('esbuild');
  const { outputFiles } = await esbuild.build({
    stdin: { contents: `import 'edge-sessions/browser';`, resolveDir: newest },
    bundle: true,
    format: 'esm',
    write: false,
    logLevel: 'silent',
  });
  expect(outputFiles[0].text.trim()).toBe('');
});
