/**
 * `npm run interop`: tries programs that nobody here wrote against the service, and writes what
 * came of it into docs/compatibility.md. Needs npm's registry and, for Debian's programs, root and
 * apt-get. Options: --only NAME (of a part; repeatable; writes nothing), --print (writes nothing).
 */
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { SIGNING_ALGS } from '../../src/config/signing-key-policy.ts';
import type { Part, Row } from './part.ts';
import { type RunningService, startServiceUnderTest } from './service-under-test.ts';

const PAGE = resolve(import.meta.dirname, '../../docs/compatibility.md');
const MARKS = [
  '<!-- Made by `npm run interop`: change nothing from here -->',
  '<!-- to here -->',
] as const;

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true, default: [] },
    print: { type: 'boolean', default: false },
  },
});
const folder = mkdtempSync(join(tmpdir(), 'interop-'));
const running: RunningService[] = [];
try {
  process.exitCode = await run();
} catch (error) {
  console.error(`interop: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
} finally {
  await Promise.all(running.map((service) => service?.stop()));
  rmSync(folder, { recursive: true, force: true });
}

async function run(): Promise<number> {
  const all = await findParts();
  const parts = all.filter(({ name }) => values.only.length === 0 || values.only.includes(name));
  if (parts.length === 0) throw new Error(`--only takes ${all.map(({ name }) => name).join(', ')}`);
  for (const { name, prepare } of parts) {
    console.error(`installing: ${name}`);
    mkdirSync(join(folder, name));
    await prepare(join(folder, name));
  }
  console.error(`starting: a service for each of ${SIGNING_ALGS.join(', ')}`);
  await Promise.all(
    SIGNING_ALGS.map(async (alg, index) => {
      running[index] = await startServiceUnderTest(alg);
    }),
  );
  const services = running.map(({ tried }) => tried);
  const tables: string[] = [];
  const faults: string[] = [];
  for (const part of parts) {
    console.error(`trying: ${part.name}`);
    const rows = await part.try(services, join(folder, part.name));
    tables.push(toTable(part, rows));
    faults.push(...rows.flatMap((row) => row.faults));
  }
  const text = tables.join('\n\n');
  console.log(text);
  for (const fault of faults) console.error(fault);
  if (faults.length > 0) return 1;
  if (values.only.length === 0 && !values.print) write(text);
  return 0;
}

async function findParts(): Promise<Part[]> {
  const files = globSync('**/*.part.ts', { cwd: import.meta.dirname }).sort();
  const modules = files.map((file) => import(join(import.meta.dirname, file)));
  return (await Promise.all(modules)).map(({ part }: { part: Part }) => part);
}

function toTable({ heading, columns }: Part, rows: readonly Row[]): string {
  const toLine = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  const lines = [columns, columns.map(() => '---'), ...rows.map(({ cells }) => cells)].map(toLine);
  return [`### ${heading}`, '', ...lines].join('\n');
}

function write(text: string): void {
  const page = readFileSync(PAGE, 'utf8');
  const [begin, end] = [page.indexOf(MARKS[0]) + MARKS[0].length, page.indexOf(MARKS[1])];
  if (begin < MARKS[0].length || end < begin) throw new Error(`${PAGE} has lost its marks`);
  writeFileSync(PAGE, `${page.slice(0, begin)}\n\n${text}\n\n${page.slice(end)}`);
}
