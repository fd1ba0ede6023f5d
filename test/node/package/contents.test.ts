/** What is in the archive that npm would publish. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, inject, it } from 'vitest';
import { PACKAGE } from '../../../scripts/package/entries.ts';
import { ROOT, tool } from './shell.ts';

const { archive, files, ownWorker, newest } = inject('installed');
const read = (folder: string, name: string) => readFileSync(join(folder, name), 'utf8');

it('the files are those that were agreed on: npm run check:package -- -u agrees', async () => {
  await expect(`${files.toSorted().join('\n')}\n`).toMatchFileSnapshot('packed-files.txt');
});

it('publint finds nothing to say', async () => {
  expect(await tool('publint', ['--strict', '--pack', 'npm', '.'], PACKAGE)).toContain('All good!');
});

it('each entry has types where nodenext and bundlers look for them', async () => {
  // Fails where there is none, or where the types tell of another kind of module.
  const said = await tool('attw', [archive, '--profile', 'esm-only', '--format', 'json'], ROOT);
  const { analysis } = JSON.parse(said) as { analysis: { entrypoints: object } };
  expect(Object.keys(analysis.entrypoints)).toEqual(
    expect.arrayContaining(['./browser', './react', './verify', './hono', './rpc', './worker']),
  );
});

it('installing it brings jose and nothing else', () => {
  const { packages } = JSON.parse(read(ownWorker, 'node_modules/.package-lock.json'));
  expect(Object.keys(packages).sort()).toEqual(['node_modules/edge-sessions', 'node_modules/jose']);
});

it('the examples ask for this version', () => {
  const { version } = JSON.parse(read(ROOT, 'package.json'));
  for (const example of readdirSync(join(ROOT, 'examples'))) {
    const { dependencies } = JSON.parse(read(ROOT, `examples/${example}/package.json`));
    expect([example, dependencies['edge-sessions']]).toEqual([example, `^${version}`]);
  }
});

it('the changelog has what comes next, and this version', () => {
  const { version } = JSON.parse(read(newest, 'node_modules/edge-sessions/package.json'));
  const [unreleased, latest] = read(PACKAGE, 'CHANGELOG.md').matchAll(/^## \[(.+?)\]/gm);
  expect([unreleased?.[1], latest?.[1]]).toEqual(['Unreleased', version]);
});

it('every link leads to a page and a heading that are packed', () => {
  const pages = files.filter((name) => name.endsWith('.md'));
  const broken = pages.flatMap((page) =>
    [...read(PACKAGE, page).matchAll(/\]\((?![a-z]+:)([^)#\s]*)(#[^)\s]*)?\)/g)].flatMap(
      ([, path = '', anchor]) => {
        const target = path === '' ? page : join(dirname(page), path);
        if (!existsSync(join(PACKAGE, target))) return [`${page}: ${path}`];
        if (anchor === undefined || toAnchors(read(PACKAGE, target)).includes(anchor)) return [];
        return [`${page}: ${path}${anchor}`];
      },
    ),
  );
  expect(pages).toContain('README.md');
  expect(broken).toEqual([]);
});

/** As GitHub and npm make them of headings. */
function toAnchors(markdown: string): string[] {
  return [...markdown.matchAll(/^#+ +(.+)$/gm)].map(([, heading = '']) => {
    const kept = heading.toLowerCase().replaceAll(/[^\p{L}\p{N} _-]/gu, '');
    return `#${kept.replaceAll(' ', '-')}`;
  });
}
