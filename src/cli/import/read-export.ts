/** The rows of an export: a JSON array, JSON lines, or a table of an SQLite database. */
import { existsSync, readFileSync } from 'node:fs';
import { Failure } from '../failure.ts';
import type { Row } from './exported-session.ts';

/** The first bytes of an SQLite database. */
const SQLITE = 'SQLite format 3\0';

/** Throws a `Failure` for a file that is neither. */
export async function readExport(file: string, table: string): Promise<Row[]> {
  if (!existsSync(file)) throw new Failure(`there is no file ${file}`);
  const bytes = readFileSync(file);
  if (bytes.subarray(0, SQLITE.length).toString('latin1') === SQLITE) return readTable(file, table);
  const text = bytes.toString('utf8').trim();
  try {
    const rows: unknown = text.startsWith('[')
      ? JSON.parse(text)
      : text.split('\n').flatMap((line) => (line.trim() === '' ? [] : [JSON.parse(line)]));
    if (Array.isArray(rows) && rows.every((row) => typeof row === 'object' && row !== null))
      return rows;
  } catch {
    // Said below, without what is in the file.
  }
  throw new Failure(`${file} is no JSON array of rows, no JSON lines and no SQLite database`);
}

async function readTable(file: string, table: string): Promise<Row[]> {
  const { DatabaseSync } = await import('node:sqlite').catch(() => {
    throw new Failure('an SQLite database needs Node 22.13 or later: export its rows as JSON');
  });
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    const known = database
      .prepare("select name from sqlite_master where type in ('table', 'view')")
      .all()
      .map(({ name }) => String(name));
    if (!known.includes(table))
      throw new Failure(
        `${file} has no table ${table}, but ${known.join(', ')}: name one by --table`,
      );
    return database.prepare(`select * from "${table}"`).all();
  } finally {
    database.close();
  }
}
