/**
 * Modules as `tsc` writes them, made importable where there is no bundler: every relative import
 * gets the whole name of its file, which Node and `nodenext` ask for.
 */
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

/** After `from`, `import` or `import(`. */
const RELATIVE_IMPORT = /(\bfrom\s*|\bimport\s*\(?\s*)(['"])(\.{1,2}\/[^'"]+)\2/g;

/** Of a file that `tsc` wrote, and of one that a build of another kind put in its place. */
export type Kind = '.js' | '.d.ts';

/** Copies a module and all that it imports, and returns their names. */
export function copyModules(from: string, to: string, module: string, kind: Kind): string[] {
  const copied = new Set<string>();
  const copy = (name: string) => {
    if (copied.has(name)) return;
    copied.add(name);
    const file = join(from, name + kind);
    const text = readFileSync(file, 'utf8').replaceAll(
      RELATIVE_IMPORT,
      (_, before: string, quote: string, target: string) => {
        const found = findModule(join(dirname(file), target), kind);
        copy(relative(from, found));
        const path = relative(dirname(file), found);
        return `${before}${quote}${path.startsWith('.') ? path : `./${path}`}.js${quote}`;
      },
    );
    mkdirSync(dirname(join(to, name)), { recursive: true });
    writeFileSync(join(to, name + kind), text);
  };
  copy(module);
  return [...copied];
}

function findModule(path: string, kind: Kind): string {
  const found = [path, join(path, 'index')].find((name) => existsSync(name + kind));
  if (found === undefined) throw new Error(`There is no module ${path}${kind}`);
  return found;
}

/** Copies files into a folder that is made if need be. */
export function copyFiles(from: string, to: string, names: readonly string[]): void {
  for (const name of names) {
    mkdirSync(dirname(join(to, name)), { recursive: true });
    copyFileSync(join(from, name), join(to, name));
  }
}
