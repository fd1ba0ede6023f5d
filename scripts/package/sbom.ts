/**
 * `npm run sbom`: what the Worker and the clients are made of, as CycloneDX. `npm sbom --omit=dev`
 * of the repository leaves out what one of its tools needs as well (jose), so npm is asked about a
 * copy of the manifest and its lock file that has no tools.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT, readManifest } from './entries.ts';

/** How a lock file marks what is not needed at run time; a link is a folder of the repository. */
const TOOLS = ['dev', 'devOptional', 'optional', 'peer', 'link'] as const;

interface Lock {
  packages: Record<string, Partial<Record<(typeof TOOLS)[number], true>>>;
}

const parent = mkdtempSync(join(tmpdir(), 'sbom-'));
try {
  const { name, version, description, license, type, dependencies } = readManifest();
  const manifest = { name, version, description, license, type, dependencies };
  const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as Lock;
  const needed = Object.entries(lock.packages).filter(
    ([path, entry]) => path.startsWith('node_modules/') && !TOOLS.some((mark) => entry[mark]),
  );
  const packages = { '': manifest, ...Object.fromEntries(needed) };
  // npm calls the whole by the name of its folder.
  const folder = join(parent, String(name));
  mkdirSync(folder);
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  writeFileSync(join(folder, 'package-lock.json'), JSON.stringify({ ...lock, packages }));
  const args = [
    'sbom',
    '--package-lock-only',
    '--sbom-format=cyclonedx',
    '--sbom-type=application',
  ];
  process.stdout.write(execFileSync('npm', args, { cwd: folder, encoding: 'utf8' }));
} finally {
  rmSync(parent, { recursive: true });
}
