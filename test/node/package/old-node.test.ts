/** A machine whose Node is too old for the scripts, and one that installs with pnpm. */
import { execFile } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { install, ROOT, shell } from './shell.ts';

const { nodes } = inject('installed');
const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
// `prepare` is a part of `npm ci`, which no Node may fail.
const commands = Object.entries<string>(scripts).filter(
  ([name, command]) => command.startsWith('node ') && name !== 'prepare',
);

describe.skipIf(nodes[20] === undefined)('with Node 20', () => {
  it.each(commands)('npm run %s says which Node it needs', async (script, command) => {
    const said = await new Promise((ended) => {
      const env = { ...process.env, npm_lifecycle_event: script };
      execFile(
        nodes[20] as string,
        command.split(' ').slice(1),
        { cwd: ROOT, env },
        (_, stdout, stderr) => ended(stdout + stderr),
      );
    });
    const name = script === 'start' ? 'npm start' : `npm run ${script}`;
    expect(said).toMatch(
      new RegExp(
        `^${name} needs Node 22\\.18 or later, and this is v20\\.[^\\n]*nodejs\\.org[^\\n]*\\n$`,
      ),
    );
  });
});

describe('pnpm', () => {
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'edge-sessions-pnpm-'));
    await install(folder, ['pnpm@12.21.0']);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('installs packages that have scripts, runs none, and is content', async () => {
    const esbuild = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')).packages[
      'node_modules/esbuild'
    ];
    writeFileSync(
      join(folder, 'package.json'),
      JSON.stringify({ private: true, dependencies: { esbuild: esbuild.version } }),
    );
    copyFileSync(join(ROOT, 'pnpm-workspace.yaml'), join(folder, 'pnpm-workspace.yaml'));
    const pnpm = join(folder, 'node_modules/.bin/pnpm');
    const args = ['install', '--store-dir', join(folder, 'store')];
    expect(await shell(pnpm, args, folder, { CI: 'true' })).not.toContain('Ignored build scripts');
  });
});
