/**
 * Statements whose SQL is written once. Drizzle writes a query's SQL anew for every run, which
 * costs a refresh more CPU than its signatures do; here a run brings its values alone, by the names
 * of the placeholders.
 */
import { fillPlaceholders, type Placeholder, sql } from 'drizzle-orm';
import type { BatchItem } from 'drizzle-orm/batch';
import { type DrizzleD1Database, drizzle } from 'drizzle-orm/d1';
import type { Home, Replica } from './d1';

/** What Drizzle makes of a query before it runs it in a batch. */
interface Prepared {
  getQuery(): { sql: string; params: unknown[] };
  mapResult(result: unknown, isFromBatch: true): unknown;
}

export type Values = Record<string, string | number | null>;

/** What stands for a value in a statement that is written once. */
export const given = sql.placeholder;

/** A value, or what stands for it. */
export type Given = string | number | null | Placeholder;

/** A binding that nothing is ever asked of. */
const nowhere = { prepare: () => null } as unknown as D1Database;

/**
 * The statement that `build` gives, to be run by `transact`. A placeholder's value is what D1 is to
 * store or compare, whatever the type of its column is here. Throws, when it is run, for a
 * placeholder without a value.
 */
export function writtenOnce<Query extends BatchItem<'sqlite'>>(
  build: (db: DrizzleD1Database) => Query,
): (copy: Home | Replica, values: Values) => Query {
  const query = build(drizzle(nowhere)) as unknown as { _prepare(): Prepared };
  const prepared = query._prepare();
  const { sql, params } = prepared.getQuery();
  return ({ db }, values) => {
    const { $client } = db as DrizzleD1Database & { $client: D1Database };
    const bound = {
      getQuery: () => ({ params: fillPlaceholders(params, values) }),
      stmt: $client.prepare(sql),
      mapResult: (result: unknown) => prepared.mapResult(result, true),
    };
    return { _prepare: () => bound } as unknown as Query;
  };
}

/** The same for a statement whose SQL depends on an object that lives as long as the isolate. */
export function writtenOncePer<Key extends object, Query extends BatchItem<'sqlite'>>(
  build: (db: DrizzleD1Database, key: Key) => Query,
): (copy: Home | Replica, key: Key, values: Values) => Query {
  const written = new WeakMap<Key, (copy: Home | Replica, values: Values) => Query>();
  return (copy, key, values) => {
    const statement = written.get(key) ?? writtenOnce((db) => build(db, key));
    written.set(key, statement);
    return statement(copy, values);
  };
}
