/**
 * Copies rows from one database to another. One invocation reads and inserts them, so both ends
 * have the columns in one order: that of the schema.
 */
import { getTableColumns, type SQL, sql } from 'drizzle-orm';
import type { BatchItem } from 'drizzle-orm/batch';
import type { SQLiteTable } from 'drizzle-orm/sqlite-core';
import type { Home } from '../db/d1';

/**
 * Rows as SQLite has them, whatever types their columns have here: each the text of a JSON array.
 * `replaced` are columns that get other values.
 */
export function selectRaw(
  { db }: Home,
  table: SQLiteTable,
  condition: SQL | undefined,
  replaced: Record<string, SQL> = {},
) {
  const values = Object.entries(getTableColumns(table)).map(([key, column]) => {
    return replaced[key] ?? column;
  });
  const columns = sql.join(values, sql`, `);
  return db
    .select({ row: sql<string>`json_array(${columns})` })
    .from(table)
    .where(condition);
}

/** Rows of one parameter, which D1 bounds at 2 MB. */
const SLICE = 200;

/**
 * Inserts such rows; `replaced` are columns that get other values. Where the target has the row
 * already, the one of the later move stays; a table without moves keeps what it has.
 */
export function insertRaw(
  { db }: Home,
  table: SQLiteTable,
  rows: readonly { row: string }[],
  { condition, ...replaced }: { condition: SQL | undefined; [column: string]: unknown },
): BatchItem<'sqlite'>[] {
  const columns = Object.entries(getTableColumns(table));
  const values = columns.map(([key], index) =>
    key in replaced ? sql`${replaced[key]}` : sql.raw(`value ->> '$[${index}]'`),
  );
  const slices = Array.from({ length: Math.ceil(rows.length / SLICE) }, (_, slice) =>
    rows.slice(slice * SLICE, (slice + 1) * SLICE),
  );
  return slices.map((slice) => {
    const json = `[${slice.map(({ row }) => row).join(',')}]`;
    const insert = db
      .insert(table)
      .select(sql`select ${sql.join(values, sql`, `)} from json_each(${json}) where ${condition}`);
    const moves = columns.find(([key]) => key === 'moves')?.[1];
    if (moves === undefined) return insert.onConflictDoNothing();
    const set = Object.fromEntries(
      columns.map(([key, { name }]) => [key, sql.raw(`excluded."${name}"`)]),
    );
    return insert.onConflictDoUpdate({
      target: sql`id` as never,
      set,
      setWhere: sql`excluded.moves > ${moves}`,
    });
  });
}
