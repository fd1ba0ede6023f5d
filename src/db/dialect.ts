/**
 * How a SELECT that Drizzle's builder describes is written as SQL. Drizzle's own dialect writes the
 * same (test/db/dialect.test.ts), but it comes with relational queries, migrations and the columns
 * of PostgreSQL, which were a thirtieth of the Worker. Parts that no statement of the service has
 * are refused here, never left out.
 */
import { Column, getTableName, is, SQL, sql } from 'drizzle-orm';
import type { Query } from 'drizzle-orm/sql';
import type { SelectedFieldsOrdered, SQLiteSelectConfig } from 'drizzle-orm/sqlite-core';
import { getTableLikeName, orderSelectedFields } from 'drizzle-orm/utils';

// What Drizzle keeps to itself of that.
declare module 'drizzle-orm/utils' {
  function getTableLikeName(source: unknown): string | undefined;
  function orderSelectedFields(fields: object): SelectedFieldsOrdered;
}

/** Whether it has its name from a subquery that is read. */
interface FieldOfSubquery {
  isSelectionField?: boolean;
}

export const COMMA = sql.raw(', ');

export const dialect = {
  buildSelectQuery(config: SQLiteSelectConfig): SQL {
    const { fields, table, joins = [], where, groupBy, having, orderBy, limit, offset } = config;
    if (config.withList || config.distinct || config.setOperators.length > 0)
      throw new Error('no statement has WITH, DISTINCT or UNION');
    const selected = orderSelectedFields(fields);
    refuseStrangers(selected, [table, ...joins.map((join) => join.table)]);
    return sql.join([
      sql`select ${toSelection(selected, joins.length === 0)} from ${table}`,
      ...joins.map((join) => sql` ${sql.raw(join.joinType)} join ${join.table} on ${join.on}`),
      clause('where', where),
      clause('group by', toList(groupBy)),
      clause('having', having),
      clause('order by', toList(orderBy)),
      clause('limit', limit),
      clause('offset', offset || undefined),
    ]);
  },

  sqlToQuery: (statement: SQL): Query =>
    statement.toQuery({
      casing: { getColumnCasing: ({ name }: Column) => name } as never,
      escapeName: (name) => `"${name.replaceAll('"', '""')}"`,
      escapeParam: () => '?',
      escapeString: (text) => `'${text.replaceAll("'", "''")}'`,
    }),
};

/** A part of a statement, with a space before it; nothing where it is not asked for. */
export const clause = (name: string, what: unknown) =>
  what === undefined ? undefined : sql`${sql.raw(` ${name} `)}${what}`;

const toList = (parts: SQLiteSelectConfig['orderBy']) =>
  parts?.length ? sql.join(parts as SQL[], COMMA) : undefined;

/** Where columns are named alone, SQLite would take another table's for the own one's. */
function refuseStrangers(selected: SelectedFieldsOrdered, sources: unknown[]): void {
  const names = sources.map(getTableLikeName);
  for (const { field } of selected)
    if (is(field, Column) && !names.includes(getTableName(field.table)))
      throw new Error(`${field.name} is a column of no table that is read`);
}

/** `isBare`: there is one table, so its columns are named without it. */
export function toSelection(selected: SelectedFieldsOrdered, isBare: boolean): SQL {
  const toBare = (part: unknown) => (is(part, Column) ? sql.identifier(part.name) : part);
  const toField = (field: unknown): unknown => {
    if (is(field, SQL.Aliased)) {
      const { fieldAlias, isSelectionField } = field as SQL.Aliased & FieldOfSubquery;
      const alias = sql.identifier(fieldAlias);
      return isSelectionField ? alias : sql`${toField(field.sql)} as ${alias}`;
    }
    if (!isBare) return field;
    return is(field, SQL) ? new SQL(field.queryChunks.map(toBare) as SQL[]) : toBare(field);
  };
  return sql.join(selected.map(({ field }) => toField(field)) as SQL[], COMMA);
}
