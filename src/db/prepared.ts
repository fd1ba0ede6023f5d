/**
 * Prepared statements: their SQL is written once an isolate. Drizzle writes a query's SQL anew for
 * every run, which costs a refresh more CPU than its signatures do; here a run brings its values
 * alone, by the names of the placeholders.
 */
import { fillPlaceholders, type Placeholder, sql } from 'drizzle-orm';
import {
  type Builders,
  builders,
  type Prepared,
  prepare,
  type Statement,
  toStatement,
} from './statements';

export type Values = Record<string, string | number | null>;

/** A placeholder in a prepared statement: `given('id')` stands for the value `id` of each run. */
export const given = sql.placeholder;

/** A value, or the placeholder for it. */
export type Given = string | number | null | Placeholder;

/**
 * A prepared statement, to be run by `transact`. `build` is called when it is first run, because to
 * write the SQL of all statements would be a third of the Worker's start-up. A placeholder's value
 * is what D1 is to store or compare, whatever the type of its column is here. Throws, when it is
 * run, for a placeholder without a value.
 */
export function prepareOnce<Query extends Statement>(
  build: (db: Builders) => Query,
): (values: Values) => Query {
  let once: Prepared | undefined;
  return (values) => {
    once ??= prepare(build(builders));
    const prepared = once;
    return toStatement({
      sql: prepared.sql,
      params: fillPlaceholders(prepared.params, values),
      toAnswer: (result) => prepared.toAnswer(result),
    });
  };
}

/** The same for a statement whose SQL depends on an object that lives as long as the isolate. */
export function prepareOncePer<Key extends object, Query extends Statement>(
  build: (db: Builders, key: Key) => Query,
): (key: Key, values: Values) => Query {
  const statements = new WeakMap<Key, (values: Values) => Query>();
  return (key, values) => {
    const statement = statements.get(key) ?? prepareOnce((db) => build(db, key));
    statements.set(key, statement);
    return statement(values);
  };
}
