/** The pages about the source name files: each is there, by its path or by its name alone. */
import { execFileSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');
const PAGES = [
  'docs/architecture.md',
  'docs/standards.md',
  'AGENTS.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
];
const files = globSync(
  ['{src,test,scripts,migrations,docs,assets,examples,.ci,.github}/**/*', '*.*'],
  { cwd: ROOT, exclude: (name) => name.includes('node_modules') },
);

const read = (page: string) => readFileSync(join(ROOT, page), 'utf8');

/** What stands in backticks and looks like a file of the tree, or a folder of it. */
function namedIn(page: string): string[] {
  const text = read(page).replaceAll(/^```[\s\S]*?^```$/gm, '');
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

/** The cells of each row of the tables of a page that has so many. */
const rowsOf = (page: string, columns: number) =>
  read(page)
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.startsWith('|---'))
    .map((line) => line.slice(2, -2).split(' | '))
    .filter((cells) => cells.length === columns && !/^tests?$/.test(cells.at(-1) ?? ''));

const TEST = /`(?:test|scripts)\/[\w/.-]+\.ts`/;

it('SECURITY.md names a test for every threat', () => {
  const rows = rowsOf('SECURITY.md', 3);
  expect(rows.length).toBeGreaterThan(40);
  expect(rows.filter((cells) => !TEST.test(cells[2] ?? '')).map(([threat]) => threat)).toEqual([]);
});

describe('docs/standards.md', () => {
  const rows = rowsOf('docs/standards.md', 4);

  it('says of every spec whether it is there, and names a test where any of it is', () => {
    expect(rows.length).toBeGreaterThan(30);
    const isRight = ([, has = '', , tests = '']: string[]) =>
      has === 'no' ? !TEST.test(tests) : /^(full|partly)$/.test(has) && TEST.test(tests);
    expect(rows.filter((cells) => !isRight(cells)).map(([spec]) => spec)).toEqual([]);
  });

  it('names every test of conformance', () => {
    const tests = files.filter((file) => /^test\/(?:node\/)?conformance\/.*\.test\.ts$/.test(file));
    expect(tests.length).toBeGreaterThan(10);
    const page = read('docs/standards.md');
    expect(tests.filter((file) => !page.includes(`\`${file}\``))).toEqual([]);
  });
});

it('npm run sbom lists what the Worker and the clients are made of, and none of the tools', () => {
  const printed = execFileSync('npm', ['run', '--silent', 'sbom'], { cwd: ROOT, encoding: 'utf8' });
  const { bomFormat, components } = JSON.parse(printed) as {
    bomFormat: string;
    components: { name: string; version: string }[];
  };
  const { dependencies } = JSON.parse(read('package.json')) as {
    dependencies: Record<string, string>;
  };
  expect(bomFormat).toBe('CycloneDX');
  const listed = Object.fromEntries(components.map(({ name, version }) => [name, version]));
  expect(listed).toMatchObject(dependencies);
  const { packages } = JSON.parse(read('package-lock.json')) as {
    packages: Record<string, { dependencies?: Record<string, string> }>;
  };
  // What these need in their turn.
  const needed = Object.keys(listed).flatMap((name) =>
    Object.keys(packages[`node_modules/${name}`]?.dependencies ?? {}),
  );
  expect(
    Object.keys(listed).filter((name) => !(name in dependencies) && !needed.includes(name)),
  ).toEqual([]);
});
