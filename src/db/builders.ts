/** What builds statements for `transact`. */
import type { DrizzleD1Database } from 'drizzle-orm/d1';
import type { Query } from 'drizzle-orm/sql';
import { type SelectedFieldsOrdered, SQLiteSelectBuilder } from 'drizzle-orm/sqlite-core';
import { dialect } from './dialect';
import { PreparedStatement } from './statements';
import { deleteFrom, insert, update } from './write-statements';

const session = {
  prepareOneTimeQuery: (query: Query, fields?: SelectedFieldsOrdered) =>
    new PreparedStatement(query, fields),
} as never;

const select = ((fields?: never) =>
  new SQLiteSelectBuilder({
    fields,
    session,
    dialect: dialect as never,
  })) as unknown as DrizzleD1Database['select'];

export const builders = { select, insert, update, delete: deleteFrom };

export type Builders = typeof builders;
