/** The repository on a machine that is not like the one it was written on. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');
const read = (name: string) => readFileSync(join(ROOT, name), 'utf8');
const manifest = JSON.parse(read('package.json'));

it('every script that Node runs looks at its version first', () => {
  const scripts = Object.entries<string>(manifest.scripts);
  const without = scripts.filter(
    ([, command]) =>
      /\bnode /.test(command) && !command.startsWith('node -r ./scripts/node-version.cjs '),
  );
  // Run by `npm ci`, which no Node may fail: it is JavaScript that any of them reads.
  expect(without).toEqual([['prepare', 'node scripts/docs-page.cjs']]);
  // Of the tools that would start by themselves, these say so too, or do with any Node.
  expect(scripts.filter(([, command]) => !/^(node|npm run|biome|tsc|knip) /.test(command))).toEqual(
    [
      ['check:unused', 'knip'],
      ['build', expect.stringContaining('wrangler deploy --dry-run')],
      ['build:console', expect.stringContaining('wrangler deploy --dry-run')],
      ['db:generate', 'drizzle-kit generate'],
    ],
  );
});

it('whoever installs the repository has no other Node in front of theirs', () => {
  const { packages } = JSON.parse(read('package-lock.json')) as {
    packages: Record<string, { bin?: Record<string, string>; dev?: boolean }>;
  };
  const nodes = Object.entries(packages).filter(([, { bin }]) => bin?.node !== undefined);
  expect(nodes.map(([, { dev }]) => dev)).toEqual([true, true]);
});

it('pnpm is told of the same scripts of dependencies as npm, and that none runs', () => {
  const names = Object.keys(manifest.allowScripts).sort();
  expect(names.map((name) => manifest.allowScripts[name])).toEqual(names.map(() => false));
  const workspace = read('pnpm-workspace.yaml');
  expect([...workspace.matchAll(/^ {2}(\S+): false$/gm)].map(([, name]) => name)).toEqual(names);
  expect(workspace).toContain(`ignoredBuiltDependencies: [${names.join(', ')}]`);
});
