/**
 * Statements whose SQL is written once. Drizzle writes a query's SQL anew for every run, which
 * costs a refresh more CPU than its signatures do; here a run brings its values alone, by the names
 * of the placeholders.
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

/** What stands for a value in a statement that is written once. */
export const given = sql.placeholder;

/** A value, or what stands for it. */
export type Given = string | number | null | Placeholder;

/**
 * The statement that `build` gives, to be run by `transact`. Its SQL is written when it is first
 * run: all of them together would be a third of the Worker's start-up. A placeholder's value is
 * what D1 is to store or compare, whatever the type of its column is here. Throws, when it is run,
 * for a placeholder without a value.
 */
export function writtenOnce<Query extends Statement>(
  build: (db: Builders) => Query,
): (values: Values) => Query {
  let written: Prepared | undefined;
  return (values) => {
    written ??= prepare(build(builders));
    const prepared = written;
    return toStatement({
      sql: prepared.sql,
      params: fillPlaceholders(prepared.params, values),
      toAnswer: (result) => prepared.toAnswer(result),
    });
  };
}

/** The same for a statement whose SQL depends on an object that lives as long as the isolate. */
export function writtenOncePer<Key extends object, Query extends Statement>(
  build: (db: Builders, key: Key) => Query,
): (key: Key, values: Values) => Query {
  const written = new WeakMap<Key, (values: Values) => Query>();
  return (key, values) => {
    const statement = written.get(key) ?? writtenOnce((db) => build(db, key));
    written.set(key, statement);
    return statement(values);
  };
}
