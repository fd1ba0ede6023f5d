/**
 * Builders of INSERT, UPDATE and DELETE, with the methods of Drizzle's own and the SQL that those
 * write (test/db/dialect.test.ts). Drizzle's import its dialect, which dialect.ts is there to be
 * without.
 */
import { Column, getTableColumns, is, SQL, sql } from 'drizzle-orm';
import type { SelectResultFields } from 'drizzle-orm/query-builders/select.types';
import type {
  SelectedFieldsFlat,
  SelectedFieldsOrdered,
  SQLiteColumn,
  SQLiteInsertValue,
  SQLiteTable,
  SQLiteUpdateSetSource,
} from 'drizzle-orm/sqlite-core';
import { orderSelectedFields } from 'drizzle-orm/utils';
import { COMMA, clause, dialect, toSelection } from './dialect';
import { PreparedStatement, type Statement, type StatementOf } from './statements';

/** Each call adds its part to the end of the SQL, so parts are asked for in the order of SQL. */
class WriteStatement<T extends SQLiteTable> implements StatementOf<D1Result> {
  declare readonly _: StatementOf<D1Result>['_'];
  private returned: SelectedFieldsOrdered | undefined;

  constructor(
    protected readonly table: T,
    protected readonly text: SQL,
  ) {}

  where(condition: SQL | undefined): this {
    return this.append(clause('where', condition));
  }

  /** The answer is the rows that were written: all their columns, or `fields`. */
  returning(): StatementOf<T['$inferSelect'][]>;
  returning<F extends SelectedFieldsFlat>(fields: F): StatementOf<SelectResultFields<F>[]>;
  returning(fields: object = getTableColumns(this.table)): Statement {
    this.returned = orderSelectedFields(fields);
    return this.append(clause('returning', toSelection(this.returned, true)));
  }

  _prepare(): PreparedStatement {
    return new PreparedStatement(dialect.sqlToQuery(this.text), this.returned);
  }

  protected append(part: SQL | undefined): this {
    if (part !== undefined) this.text.append(part);
    return this;
  }
}

class InsertStatement<T extends SQLiteTable> extends WriteStatement<T> {
  onConflictDoNothing(): this {
    return this.append(sql` on conflict do nothing`);
  }

  onConflictDoUpdate({ target, set, setWhere }: Conflict<T>): this {
    const columns = Array.isArray(target) ? target : [target];
    this.append(sql` on conflict ${columns} do update set ${toSet(this.table, set)}`);
    return this.where(setWhere);
  }
}

interface Conflict<T extends SQLiteTable> {
  target: SQLiteColumn | SQLiteColumn[];
  set: SQLiteUpdateSetSource<T>;
  setWhere?: SQL | undefined;
}

export function insert<T extends SQLiteTable>(table: T) {
  const columns = Object.entries<Column>(getTableColumns(table));
  const names = columns.map(([, { name }]) => sql.identifier(name));
  const into = (rows: SQL) =>
    new InsertStatement(table, sql`insert into ${table} ${names} ${rows}`);
  return {
    /** A column without a value gets its default of db/tables. */
    values(row: SQLiteInsertValue<T>) {
      const given = row as Record<string, unknown>;
      const values = columns.map(([key, column]) =>
        toValue(given[key] === undefined ? (column.default ?? sql`null`) : given[key], column),
      );
      return into(sql`values ${values}`);
    },
    select: into,
  };
}

export const update = <T extends SQLiteTable>(table: T) => ({
  set: (values: SQLiteUpdateSetSource<T>) =>
    new WriteStatement(table, sql`update ${table} set ${toSet(table, values)}`),
});

export const deleteFrom = <T extends SQLiteTable>(table: T) =>
  new WriteStatement(table, sql`delete from ${table}`);

/** What has no value stays as it is. In the order of the table's columns. */
function toSet<T extends SQLiteTable>(table: T, values: SQLiteUpdateSetSource<T>): SQL {
  const set = Object.entries<Column>(getTableColumns(table)).flatMap(([key, column]) => {
    const value = (values as Record<string, unknown>)[key];
    return value === undefined
      ? []
      : sql`${sql.identifier(column.name)} = ${toValue(value, column)}`;
  });
  return sql.join(set, COMMA);
}

const toValue = (value: unknown, column: Column) =>
  is(value, SQL) || is(value, Column) ? value : sql.param(value, column);
