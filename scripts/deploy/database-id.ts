/** The id of a database that was made, written into wrangler.toml where its environment has it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { experimental_readRawConfig as readRawConfig, type Unstable_RawConfig } from 'wrangler';
import { titleOf } from '../environment.ts';

/**
 * wrangler.toml with the id in the block of this environment ('' is the top level) and binding.
 * Everything else stays as it is, comments too. Throws where that cannot be done, which is known by
 * reading the result: it may differ from what was there in this one id, and in nothing else.
 */
export function withDatabaseId(
  toml: string,
  environment: string,
  binding: string,
  id: string,
): string {
  const written = replaceId(toml, environment, binding, id);
  const wanted = parse(toml);
  const own = environment === '' ? wanted : wanted.env?.[environment];
  const database = own?.d1_databases?.find((candidate) => candidate.binding === binding);
  if (written === null || database === undefined || !isParsedAs(written, wanted, database, id))
    throw new Error(
      `the id of ${binding} of ${titleOf(environment)} cannot be written into wrangler.toml: give it a block ${headerOf(environment)} of its own, with binding = "${binding}" on a line`,
    );
  return written;
}

function isParsedAs(
  written: string,
  wanted: Unstable_RawConfig,
  database: { database_id?: string | undefined },
  id: string,
): boolean {
  database.database_id = id;
  return isDeepStrictEqual(parse(written), wanted);
}

const headerOf = (environment: string) =>
  environment === '' ? '[[d1_databases]]' : `[[env.${environment}.d1_databases]]`;

/** null: there is no block that looks as such blocks are written. */
function replaceId(toml: string, environment: string, binding: string, id: string): string | null {
  const blocks = toml.split(/(?=^[ \t]*\[)/m);
  const [header, pattern] = [headerOf(environment), lineOf('binding', escapePattern(binding))];
  const index = blocks.findIndex((block) => toHeader(block) === header && pattern.test(block));
  const block = blocks[index];
  if (block === undefined) return null;
  const idLine = lineOf('database_id', '[^"\']*');
  blocks[index] = idLine.test(block)
    ? block.replace(idLine, `$1"${id}"$3`)
    : block.replace(pattern, `$&${toml.includes('\r\n') ? '\r\n' : '\n'}database_id = "${id}"`);
  return blocks.join('');
}

/** `[[ env."eu".d1_databases ]] # mine` is `[[env.eu.d1_databases]]`. */
function toHeader(block: string): string {
  const [, header = ''] = /^[ \t]*(\[\[[^\]\n]*\]\])/.exec(block) ?? [];
  return header.replaceAll(/["'\s]/g, '');
}

/** A line `key = "value"`: what is before the value, the value, what is after it. */
const lineOf = (key: string, value: string) =>
  new RegExp(`^([ \\t]*${key}[ \\t]*=[ \\t]*)(["']${value}["'])([ \\t]*(?:#.*)?)$`, 'm');

const escapePattern = (text: string) => text.replaceAll(/[^\w]/g, '\\$&');

function parse(toml: string): Unstable_RawConfig {
  const folder = mkdtempSync(join(tmpdir(), 'wrangler-toml-'));
  try {
    const config = join(folder, 'wrangler.toml');
    writeFileSync(config, toml);
    return readRawConfig({ config }).rawConfig;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
