/** `npm run package`: makes `dist/package`, from which `npm pack` and `npm publish` are run. */
import { execFileSync } from 'node:child_process';
import { globSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleCli } from './bundle-cli.ts';
import { bundleWorker } from './bundle-worker.ts';
import { BIN, PACKAGE, ROOT, readManifest, toModule, WORKER } from './entries.ts';
import { toPublishedManifest } from './manifest.ts';
import { copyFiles, copyModules } from './modules.ts';
import { toThirdParty } from './third-party.ts';

/** What is published as it is. Named one by one, so that no developer's secrets go along. */
const COPIED = [
  '{README,CHANGELOG}.md',
  'LICENSE',
  'migrations/*.sql',
  'assets/edge-sessions/languages/*.json',
  'assets/edge-sessions/openapi.json',
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
  const clients = modules.filter(({ entry }) => entry !== WORKER);
  const [worker] = modules.filter(({ entry }) => entry === WORKER);
  if (worker === undefined) throw new Error(`package.json has no entry ${WORKER}`);

  compile('tsconfig.clients.json', (compiled) => {
    for (const { module } of clients)
      for (const kind of ['.js', '.d.ts'] as const) copyModules(compiled, dist, module, kind);
  });
  compile('tsconfig.worker.json', (compiled) => {
    copyModules(compiled, dist, worker.module, '.d.ts');
  });
  const source = `src/${worker.module}.ts`;
  const packages = {
    'edge-sessions/worker': await bundleWorker(source, join(dist, `${worker.module}.js`)),
    'the command line, edge-sessions': await bundleCli(BIN.source, join(folder, BIN.built)),
  };

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
