/** `edge-sessions stacks`: a log whose stacks name lines of the source. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type EnvironmentOptions, newEnvironmentCommand } from '../command.ts';
import { DEPLOY } from '../deploy/plan.ts';
import { wranglerIn } from '../deploy/wrangler.ts';
import { chooseEnvironment } from '../environment.ts';
import { EXIT, Failure } from '../failure.ts';
import { openSettings } from '../settings/settings-file.ts';
import { openTerminal } from '../terminal.ts';

interface Options extends EnvironmentOptions {
  map?: string;
}

/**
 * A place in the Worker's module, as V8 writes it into a stack. It begins where a path does, so
 * that a long text of a caller is matched once, and not from each of its characters.
 */
const PLACE = /(?<![\w./:-])(?:[\w./:-]*\/)?index\.js:(\d+):(\d+)/g;

export const stacksCommand = () =>
  newEnvironmentCommand('stacks', 'a log from stdin, whose stacks then name lines of the source', [
    'npx wrangler tail --format json | npx edge-sessions stacks',
    'npx edge-sessions stacks --map dist/index.js.map < log.txt',
  ])
    .option('--map <file>', 'the source map (default: that of what would be deployed now)')
    .action(run);

async function run({ cwd, env, map: path, json }: Options): Promise<void> {
  const terminal = openTerminal({ json });
  if (process.stdin.isTTY) throw new Failure('send it a log by a pipe', EXIT.usage);
  const map = new SourceMap(
    JSON.parse(path === undefined ? buildMap(cwd, env) : readFileSync(path, 'utf8')),
  );
  for await (const line of createInterface({ input: process.stdin })) {
    const text = nameSources(line, map);
    terminal.line({ line: text }, text);
  }
}

/**
 * Builds the source map of the bundle that `deploy` uploads: the same sources give the same bundle.
 */
function buildMap(folder: string, env: string | undefined): string {
  const outdir = mkdtempSync(join(tmpdir(), 'edge-sessions-map-'));
  try {
    const file = openSettings(folder);
    const wrangler = wranglerIn(folder, file.name, chooseEnvironment(env));
    wrangler.run([...DEPLOY, '--dry-run', `--outdir=${outdir}`]);
    return readFileSync(join(outdir, 'index.js.map'), 'utf8');
  } finally {
    rmSync(outdir, { recursive: true, force: true });
  }
}

/** Names the sources of a line's places. One that the map does not know stays as it is. */
function nameSources(line: string, map: SourceMap): string {
  return line.replaceAll(PLACE, (place, row: string, column: string) => {
    const found = map.findEntry(Number(row) - 1, Number(column) - 1);
    if (!('originalSource' in found)) return place;
    const source = found.originalSource.replace(/^(?:\.\.\/)+/, '').replace(/^file:\/\//, '');
    return `${source}:${found.originalLine + 1}:${found.originalColumn + 1}`;
  });
}
