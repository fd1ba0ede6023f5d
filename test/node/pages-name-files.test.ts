/** The pages about the source name files: each is there, by its path or by its name alone. */
import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');
const PAGES = ['docs/architecture.md', 'CONTRIBUTING.md'];
const files = globSync(
  ['{src,test,scripts,migrations,docs,assets,examples,.ci,.github}/**/*', '*.*'],
  { cwd: ROOT, exclude: (name) => name.includes('node_modules') },
);

/** What stands in backticks and looks like a file of the tree, or a folder of it. */
function namedIn(page: string): string[] {
  const text = readFileSync(join(ROOT, page), 'utf8').replaceAll(/^```[\s\S]*?^```$/gm, '');
  return [...text.matchAll(/`([^`\s]+)`/g)]
    .map(([, name]) => name as string)
    .filter((name) => /^(?:[\w.-]+\/)*[\w.-]*(?:\/|\.(?:ts|tsx|md|json|txt|toml|sql))$/.test(name));
}

const isThere = (name: string) =>
  files.some((file) =>
    name.endsWith('/') ? `/${file}`.includes(`/${name}`) : `/${file}`.endsWith(`/${name}`),
  );

describe.each(PAGES)('%s', (page) => {
  it('names files and folders that are there', () => {
    const named = namedIn(page);
    expect(named.length).toBeGreaterThan(1);
    expect(named.filter((name) => !isThere(name))).toEqual([]);
  });
});
