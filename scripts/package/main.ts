/** `npm run package`: makes `dist/package`, from which `npm pack` and `npm publish` are run. */
import { execFileSync } from 'node:child_process';
import { globSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleCli } from './bundle-cli.ts';
import { bundleWorker } from './bundle-worker.ts';
import { BIN, PACKAGE, ROOT, readManifest, toModule, WORKERS } from './entries.ts';
import { toPublishedManifest } from './manifest.ts';
import { copyFiles, copyModules } from './modules.ts';
import { toThirdParty } from './third-party.ts';

/** What is published as it is. Named one by one, so that no developer's secrets go along. */
const COPIED = [
  '{README,CHANGELOG}.md',
  'LICENSE',
  'migrations/*.sql',
  'assets/edge-sessions/languages/*.json',
  'assets/edge-sessions/{openapi.json,docs/*}',
  'docs/*.md',
  'examples/*/{package.json,wrangler.toml,README.md,.dev.vars.example,src/**/*.ts}',
];
const TSC = join(ROOT, 'node_modules/typescript/bin/tsc');

await makePackage(PACKAGE);

async function makePackage(folder: string): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  const manifest = readManifest();
  const dist = join(folder, 'dist');
  const modules = Object.entries(manifest.exports).flatMap(([entry, source]) => {
    const module = toModule(source);
    return module === null ? [] : [{ entry, module }];
  });
  const clients = modules.filter(({ entry }) => !WORKERS.includes(entry));
  const workers = modules.filter(({ entry }) => WORKERS.includes(entry));
  if (workers.length !== WORKERS.length) throw new Error(`package.json lacks one of ${WORKERS}`);

  compile('tsconfig.clients.json', (compiled) => {
    for (const { module } of clients)
      for (const kind of ['.js', '.d.ts'] as const) copyModules(compiled, dist, module, kind);
  });
  compile('tsconfig.worker.json', (compiled) => {
    for (const { module } of workers) copyModules(compiled, dist, module, '.d.ts');
  });
  const packages: Record<string, string[]> = {
    'the command line, edge-sessions': await bundleCli(BIN.source, join(folder, BIN.built)),
  };
  for (const { entry, module } of workers)
    packages[entry.replace('.', 'edge-sessions')] = await bundleWorker(
      `src/${module}.ts`,
      join(dist, `${module}.js`),
    );

  writeFileSync(join(folder, 'THIRD-PARTY.md'), toThirdParty(packages));
  writeFileSync(
    join(folder, 'package.json'),
    `${JSON.stringify(toPublishedManifest(manifest), null, 2)}\n`,
  );
  copyFiles(ROOT, folder, globSync(COPIED, { cwd: ROOT }));
  console.log(`${folder}: ${manifest.name} ${manifest.version}`);
}

function compile(project: string, use: (compiled: string) => void): void {
  const compiled = mkdtempSync(join(tmpdir(), 'edge-sessions-'));
  try {
    const args = ['--project', join(import.meta.dirname, project), '--outDir', compiled];
    execFileSync(process.execPath, [TSC, ...args], { stdio: 'inherit' });
    use(compiled);
  } finally {
    rmSync(compiled, { recursive: true });
  }
}
