/** The exports beside this file as they would be today, in the forms that exports have. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';

type Row = Record<string, unknown>;

export interface Recorded {
  secret?: string;
  /** Of the table that the rows are of. */
  schema: string;
  /** The first session lives, the second is over. */
  rows: Row[];
  /** What the browser, or app, of each has. */
  presented: string[];
}

/** As record-exports.mjs made it, with all times so much later as it is now. */
export function readRecorded(system: string): Recorded {
  const text = readFileSync(join(import.meta.dirname, `${system}.json`), 'utf8');
  const { recorded_at, rows, ...recorded } = JSON.parse(text);
  const later = Date.now() - recorded_at * 1000;
  return { ...recorded, rows: rows.map((row: Row) => delay(row, later) as Row) };
}

const TIMES = /^(expires?|expires?_?at|not_after|(created|updated)_?at)$/i;

function delay(value: unknown, ms: number, name = ''): unknown {
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(
      Object.entries(value).map(([key, one]) => [key, delay(one, ms, key)]),
    );
  if (!TIMES.test(name)) return value;
  if (typeof value === 'number') return value + (value > 1e11 ? ms : Math.floor(ms / 1000));
  return typeof value === 'string' ? new Date(Date.parse(value) + ms).toISOString() : value;
}

export function writeJson(file: string, rows: readonly Row[]): string {
  writeFileSync(file, JSON.stringify(rows));
  return file;
}

export function writeJsonLines(file: string, rows: readonly Row[]): string {
  writeFileSync(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  return file;
}

export function writeDatabase(file: string, { schema, rows }: Recorded): string {
  const database = new DatabaseSync(file);
  database.exec(schema);
  for (const row of rows) {
    const marks = Object.keys(row).map(() => '?');
    const values = Object.values(row) as SQLInputValue[];
    database.prepare(`insert into session (${Object.keys(row)}) values (${marks})`).run(...values);
  }
  database.close();
  return file;
}
