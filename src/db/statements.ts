/**
 * Statements, and what is made of D1's answers to them. `transact` alone runs them: Drizzle's ways
 * (results cached, logged, by transactions that D1 does not have) would be a fiftieth of the Worker.
 *
 * What Drizzle keeps to itself of that (`_prepare` of a statement, `mapResultRow`) stands in this
 * file and in no other.
 */
import type { RunnableQuery } from 'drizzle-orm/runnable-query';
import type { Query } from 'drizzle-orm/sql';
import type { SelectedFieldsOrdered } from 'drizzle-orm/sqlite-core';
import { mapResultRow } from 'drizzle-orm/utils';

/** A statement to be run by `transact`, and what it gives. */
export type StatementOf<Result> = RunnableQuery<Result, 'sqlite'>;

// biome-ignore lint/suspicious/noExplicitAny: whatever it gives, as Drizzle's BatchItem has it.
export type Statement = StatementOf<any>;

/** SQL, and what is made of D1's answer to it. */
export interface Prepared extends Query {
  toAnswer(result: D1Result): unknown;
}

/** By table: whether a row has to have something of it, as an inner join's does. */
type Joins = Record<string, boolean> | undefined;

declare module 'drizzle-orm/utils' {
  function mapResultRow(fields: SelectedFieldsOrdered, row: unknown[], joins: Joins): unknown;
}

export class PreparedStatement implements Prepared {
  /** Set by a select. */
  joinsNotNullableMap: Joins;
  readonly sql: string;
  readonly params: unknown[];

  constructor(
    query: Query,
    /** In the order of a row's columns. Without: the statement gives no rows. */
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

export const prepare = (statement: Statement): Prepared =>
  (statement as unknown as { _prepare(): Prepared })._prepare();

/** A statement that is prepared already. */
export const toStatement = <Q extends Statement>(prepared: Prepared): Q =>
  ({ _prepare: () => prepared }) as unknown as Q;
