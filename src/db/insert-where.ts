/**
 * INSERT … SELECT … WHERE condition ON CONFLICT DO NOTHING, so that running it twice is as good as
 * once. Columns that no value is given for are NULL.
 */
import { getTableColumns, type SQL, sql } from 'drizzle-orm';
import type { SQLiteTable } from 'drizzle-orm/sqlite-core';
import type { Home } from './d1';
import type { Given } from './prepared';

export function insertWhere<T extends SQLiteTable>(
  db: Home['db'],
  table: T,
  row: Partial<Record<keyof T['$inferSelect'], Given>>,
  condition: SQL | undefined,
) {
  return selectInto(db, table, row, condition).onConflictDoNothing();
}

/** The same, without an ON CONFLICT clause. */
export function selectInto<T extends SQLiteTable>(
  db: Home['db'],
  table: T,
  row: Partial<Record<keyof T['$inferSelect'], Given>>,
  condition: SQL | undefined,
) {
  const values = Object.keys(getTableColumns(table)).map((name) => {
    const value = row[name as keyof typeof row];
    return value === undefined ? sql`null` : sql`${value}`;
  });
  return db.insert(table).select(sql`select ${sql.join(values, sql`, `)} where ${condition}`);
}
