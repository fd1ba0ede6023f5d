/**
 * Drizzle's builders of statements, without its ways of running them: `transact` alone runs what
 * they build. Those ways (results cached, logged, by transactions that D1 does not have) would also
 * be a fiftieth of the Worker.
 *
 * This file alone uses parts of Drizzle that are not public: a statement's `_prepare`, the
 * `prepareOneTimeQuery` of a builder's session, and `mapResultRow`.
 */
import type { BatchItem } from 'drizzle-orm/batch';
import type { DrizzleD1Database } from 'drizzle-orm/d1';
import type { Query } from 'drizzle-orm/sql';
import type { SelectedFieldsOrdered } from 'drizzle-orm/sqlite-core';
import {
  SQLiteAsyncDialect,
  SQLiteDeleteBase,
  SQLiteInsertBuilder,
  SQLiteSelectBuilder,
  SQLiteUpdateBuilder,
} from 'drizzle-orm/sqlite-core';
import { mapResultRow } from 'drizzle-orm/utils';

/** A statement to be run by `transact`. */
export type Statement = BatchItem<'sqlite'>;

export type Builders = Pick<DrizzleD1Database, 'select' | 'insert' | 'update' | 'delete'>;

/** SQL, and the answer that is made of D1's result. */
export interface Prepared extends Query {
  toAnswer(result: D1Result): unknown;
}

/** By table: whether a row has to have columns of it, as by an inner join. */
type Joins = Record<string, boolean> | undefined;

declare module 'drizzle-orm/utils' {
  function mapResultRow(fields: SelectedFieldsOrdered, row: unknown[], joins: Joins): unknown;
}

class PreparedStatement implements Prepared {
  /** A select sets this. */
  joinsNotNullableMap: Joins;
  readonly sql: string;
  readonly params: unknown[];

  constructor(
    query: Query,
    /** The fields in the order of a row's columns. Without them the statement gives no rows. */
    private readonly fields: SelectedFieldsOrdered | undefined,
  ) {
    this.sql = query.sql;
    this.params = query.params;
  }

  toAnswer(result: D1Result): unknown {
    const { fields } = this;
    if (fields === undefined) return result;
    return result.results.map((row) =>
      mapResultRow(fields, Object.values(row as object), this.joinsNotNullableMap),
    );
  }
}

const dialect = new SQLiteAsyncDialect();
const session = {
  prepareOneTimeQuery: (query: Query, fields?: SelectedFieldsOrdered) =>
    new PreparedStatement(query, fields),
} as never;

export const builders = {
  select: (fields?: never) => new SQLiteSelectBuilder({ fields, session, dialect }),
  insert: (table: never) => new SQLiteInsertBuilder(table, session, dialect),
  update: (table: never) => new SQLiteUpdateBuilder(table, session, dialect),
  delete: (table: never) => new SQLiteDeleteBase(table, session, dialect),
} as unknown as Builders;

export const prepare = (statement: Statement): Prepared =>
  (statement as unknown as { _prepare(): Prepared })._prepare();

/** A statement that is prepared already. */
export const toStatement = <Q extends Statement>(prepared: Prepared): Q =>
  ({ _prepare: () => prepared }) as unknown as Q;
