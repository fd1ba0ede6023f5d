/**
 * `npm run mutants`: removes each rule of the source once, one at a time, and says which no test
 * noticed. Works on a copy of the last commit, so the working tree is left alone. A rule's own
 * folder of tests is tried first, and all others where it survives those. Options: --only (part of
 * a file's path, may be repeated), --every (of so many rules, one), --from (the number of the first
 * one), --minutes (stop then), --quick (a rule's own folder of tests alone).
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { findMutants, type Mutant } from './find.ts';

const root = resolve(import.meta.dirname, '../..');
/** Where the rules are. */
const RULES = ['http/middleware', 'http/auth', 'service', 'sessions', 'tokens', 'client'];
/** A rule whose removal makes a test wait for ever is noticed too. */
const TIMEOUT_MS = 10 * 60_000;

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true, default: [''] },
    every: { type: 'string', default: '1' },
    from: { type: 'string', default: '0' },
    minutes: { type: 'string', default: 'Infinity' },
    quick: { type: 'boolean', default: false },
  },
});

const copy = join(mkdtempSync(join(tmpdir(), 'mutants-')), 'copy');
git('worktree', 'add', '--quiet', '--detach', copy, 'HEAD');
symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
try {
  const failed = run(Number(values.every), Number(values.from), Number(values.minutes));
  process.exitCode = failed ? 1 : 0;
} finally {
  git('worktree', 'remove', '--force', copy);
  rmSync(dirname(copy), { recursive: true, force: true });
}

/** Returns whether any survived. */
function run(every: number, from: number, minutes: number): boolean {
  const until = Date.now() + minutes * 60_000;
  const mutants = findAll();
  const survivors: Mutant[] = [];
  let tried = 0;
  for (let at = from; at < mutants.length && Date.now() < until; at += every) {
    const mutant = mutants[at] as Mutant;
    const noticed = isNoticed(mutant);
    tried += 1;
    if (!noticed) survivors.push(mutant);
    console.log(`${at} ${noticed ? 'noticed' : 'SURVIVED'} ${describe(mutant)}`);
  }
  console.log(`${tried} of ${mutants.length} rules removed, ${survivors.length} survived`);
  for (const survivor of survivors) console.log(`- ${describe(survivor)}`);
  return survivors.length > 0;
}

function findAll(): Mutant[] {
  const files = git('ls-files', ...RULES.map((folder) => `src/${folder}`))
    .split('\n')
    .filter((file) => values.only.some((part) => /\.tsx?$/.test(file) && file.includes(part)));
  return files.flatMap((file) => findMutants(file, readFileSync(join(copy, file), 'utf8')));
}

function isNoticed({ file, source }: Mutant): boolean {
  const original = readFileSync(join(copy, file), 'utf8');
  writeFileSync(join(copy, file), source);
  try {
    return stages(file).some((tests) => !passes(tests));
  } finally {
    writeFileSync(join(copy, file), original);
  }
}

/** The tests of the file's own folder, the file's own first; then all that run in workerd. */
function stages(file: string): string[][] {
  const folder = file.replace(/^src/, 'test').replace(/\/[^/]+$/, '/');
  const own = file.replace(/^src/, 'test').replace(/\.tsx?$/, '.test.ts');
  const near = existsSync(join(copy, folder)) ? [folder] : [dirname(folder)];
  const first = existsSync(join(copy, own)) ? [[own], near] : [near];
  return values.quick ? first : [...first, ['test/']];
}

function passes(tests: string[]): boolean {
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const { status } = spawnSync(
    process.execPath,
    [vitest, 'run', '--project', 'workers', '--bail', '1', ...tests],
    { cwd: copy, stdio: 'ignore', timeout: TIMEOUT_MS, env: { ...process.env, MODEL_RUNS: '30' } },
  );
  return status === 0;
}

function describe({ file, line, rule }: Mutant): string {
  return `${file}:${line} ${rule}`;
}

function git(...args: string[]): string {
  const { status, stdout, stderr } = spawnSync('git', args, { cwd: root, encoding: 'utf8' });
  if (status !== 0) throw new Error(`git ${args[0]}: ${stderr}`);
  return stdout.trim();
}
