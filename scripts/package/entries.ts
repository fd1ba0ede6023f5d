/**
 * What the package lets others import: `exports` of the repository's own package.json, which name
 * sources. `src/a/b.ts` becomes `dist/a/b.js` and `dist/a/b.d.ts`.
 */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

export const ROOT = resolve(import.meta.dirname, '../..');
/** The folder that `npm pack` and `npm publish` are given. */
export const PACKAGE = join(ROOT, 'dist/package');

/** The entries that are bundled with all they need, because they are deployed and not imported. */
export const WORKERS: readonly string[] = ['./worker', './console'];

/** The command line: its source, and where it is in the package, as deep as in the repository. */
export const BIN = { source: 'src/cli/bin.ts', built: 'dist/cli/bin.js' };

export interface RepositoryManifest {
  version: string;
  exports: Record<string, string>;
  dependencies: Record<string, string>;
  [field: string]: unknown;
}

export function readManifest(): RepositoryManifest {
  return JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
}

/** `src/a/b.ts` as `a/b`; null for what is passed on as it is. */
export function toModule(source: string): string | null {
  return /^\.\/src\/(.+)\.ts$/.exec(source)?.[1] ?? null;
}
