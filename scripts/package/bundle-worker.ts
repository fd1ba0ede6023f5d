/**
 * The Worker as one module that imports nothing, made as wrangler makes it, so that a deployment
 * runs the versions that were tested here, whatever else is installed beside it.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
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
export async function bundleWorker(source: string, outfile: string): Promise<string[]> {
  const fromWrangler = createRequire(join(ROOT, 'node_modules/wrangler/package.json'));
  const esbuild = fromWrangler('esbuild') as Esbuild;
  const { metafile } = await esbuild.build({
    absWorkingDir: ROOT,
    entryPoints: [source],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'browser',
    conditions: ['workerd', 'worker', 'browser'],
    target: 'es2024',
    external: ['cloudflare:*', 'node:*'],
    define: { 'process.env.NODE_ENV': '"production"' },
    // They are in THIRD-PARTY.md.
    legalComments: 'none',
    metafile: true,
  });
  const packages = Object.keys(metafile.inputs).map(
    (input) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input)?.[1],
  );
  return [...new Set(packages.filter((name) => name !== undefined))].sort();
}

/** The licenses that have to go with the code of others. */
export function toThirdParty(packages: readonly string[]): string {
  const sections = packages.map((name) => {
    const folder = join(ROOT, 'node_modules', name);
    const { version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const text = readLicense(folder, license);
    return `## ${name} ${version} (${license})\n\n\`\`\`\n${text.trim()}\n\`\`\`\n`;
  });
  return `# Third-party code\n\n\`edge-sessions/worker\` contains these packages.\n\n${sections.join('\n')}`;
}

/** Some packages name their license and leave out its text. */
function readLicense(folder: string, license: string): string {
  const file = readdirSync(folder).find((name) => /^licen[cs]e(\.(md|txt))?$/i.test(name));
  const path = file ? join(folder, file) : join(import.meta.dirname, 'licenses', `${license}.txt`);
  if (!existsSync(path)) throw new Error(`There is no text of the license of ${folder}`);
  return readFileSync(path, 'utf8');
}
