/**
 * `npm run mutants`: removes each rule of the source once, one at a time, and says which no test
 * noticed. Works on a copy of the last commit, so the working tree is left alone. All tests run
 * once to see which of them come past a rule, and then those alone, for each rule. Options: --only
 * (part of a file's path, may be repeated), --tests (the same of the tests, when not all of them
 * matter), --every (of so many rules, one), --from (the number of the first one), --minutes (stop
 * then), --jobs (how many rules are tried at the same time).
 */
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type Rule, withSwitches } from './find.ts';
import { type Passing, Tests } from './tests.ts';

const root = resolve(import.meta.dirname, '../..');
/** Where the rules are, in the order in which they are tried. */
const FOLDERS = ['tokens', 'sessions', 'http/middleware', 'http/auth', 'service', 'client'];

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true, default: [''] },
    tests: { type: 'string', multiple: true, default: [] },
    every: { type: 'string', default: '1' },
    from: { type: 'string', default: '0' },
    minutes: { type: 'string', default: 'Infinity' },
    jobs: { type: 'string', default: '1' },
  },
});

// What finds a fault in many random histories finds it in few, mostly.
process.env.MODEL_RUNS = '30';
const copy = join(mkdtempSync(join(tmpdir(), 'mutants-')), 'copy');
git('worktree', 'add', '--quiet', '--detach', copy, 'HEAD');
symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
try {
  const rules = putSwitches();
  process.chdir(copy);
  const survivors = await removeEach(rules);
  process.exitCode = survivors.length > 0 ? 1 : 0;
} finally {
  git('worktree', 'remove', '--force', copy);
  rmSync(dirname(copy), { recursive: true, force: true });
}

function putSwitches(): Rule[] {
  const all: Rule[] = [];
  const files = FOLDERS.flatMap((folder) => git('ls-files', `src/${folder}`).split('\n'));
  for (const file of files) {
    if (!/\.tsx?$/.test(file) || !values.only.some((part) => file.includes(part))) continue;
    const { rules, source } = withSwitches(
      file,
      readFileSync(join(copy, file), 'utf8'),
      all.length,
    );
    writeFileSync(join(copy, file), source);
    all.push(...rules);
  }
  copyFileSync(join(import.meta.dirname, 'switch.ts'), join(copy, 'test/switch.ts'));
  const setup = join(copy, 'test/apply-migrations.ts');
  writeFileSync(setup, `import './switch';\n${readFileSync(setup, 'utf8')}`);
  return all;
}

async function removeEach(rules: Rule[]): Promise<Rule[]> {
  const count = Number(values.jobs);
  const jobs = await Promise.all(Array.from({ length: count }, () => Tests.start(copy, count)));
  const until = Date.now() + Number(values.minutes) * 60_000;
  const { passings, failed } = await (jobs[0] as Tests).run(values.tests);
  for (const file of failed) console.log(`${file} fails with every rule in place`);
  const survivors: Rule[] = [];
  const numbers = numbersOf(rules);
  let tried = 0;
  const tryNext = async (tests: Tests): Promise<void> => {
    for (const at of numbers) {
      if (Date.now() > until) break;
      const rule = rules[at] as Rule;
      const near = passings[at]?.filter(({ file }) => !failed.includes(file)) ?? [];
      const isNoticed = await noticedBy(tests, at, nearestFirst(rule, near));
      tried += 1;
      if (!isNoticed) survivors.push(rule);
      const verdict = isNoticed ? 'noticed' : near.length === 0 ? 'NOT PASSED' : 'SURVIVED';
      console.log(`${at} ${verdict} ${describe(rule)}`);
    }
    await tests.close();
  };
  await Promise.all(jobs.map(tryNext));
  console.log(`${tried} of ${rules.length} rules removed, ${survivors.length} survived`);
  for (const survivor of survivors) console.log(`- ${describe(survivor)}`);
  return survivors;
}

/** One iterator for all jobs: each takes the next. */
function* numbersOf(rules: Rule[]): Generator<number> {
  for (let at = Number(values.from); at < rules.length; at += Number(values.every)) yield at;
}

async function noticedBy(tests: Tests, rule: number, passings: Passing[]): Promise<boolean> {
  for (const { file, tests: names } of passings)
    if (await tests.notice(rule, file, names)) return true;
  // What is made once, such as a statement, is passed by the first test alone that needs it.
  for (const { file, tests: names } of passings)
    if (names.length === 1 && (await tests.notice(rule, file))) return true;
  return false;
}

/** The rule's own test file, then its folder's, then the others; of each the quickest first. */
function nearestFirst({ file }: Rule, passings: Passing[]): Passing[] {
  const own = file.replace(/^src/, 'test').replace(/\.tsx?$/, '.test.ts');
  const distance = (passing: Passing) =>
    passing.file.endsWith(own) ? 0 : passing.file.includes(`/${dirname(own)}/`) ? 1 : 2;
  return passings.toSorted((a, b) => distance(a) - distance(b) || a.duration - b.duration);
}

function describe({ file, line, text }: Rule): string {
  return `${file}:${line} ${text}`;
}

function git(...args: string[]): string {
  const { status, stdout, stderr } = spawnSync('git', args, { cwd: root, encoding: 'utf8' });
  if (status !== 0) throw new Error(`git ${args[0]}: ${stderr}`);
  return stdout.trim();
}
