/** The tables as plain SQL sees them. */
import { env } from 'cloudflare:test';
import { eq, is, type SQL } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import { getTableConfig, SQLiteSyncDialect, SQLiteTable } from 'drizzle-orm/sqlite-core';
import { describe, expect, it } from 'vitest';
import * as schema from '../../src/db/schema';
import { userSessions } from '../../src/db/schema';
import { startService } from '../fixtures';

const USER = '3f6c1f0e-7a53-4a4c-9d5e-2b1c8f0a6d11';
const sample = {
  id: '0b8f2f3e-1111-4222-8333-944445555666',
  user_id: USER,
  refresh_token: 'AbCdEf0123456789AbCdEf0123456789AbCdEf01234',
  user_agent: 'Mozilla/5.0 (Windows NT 10.0; Win64; x64)',
  ip_address: '192.168.0.103',
  created_at: Date.UTC(2025, 5, 21, 9, 35) / 1000,
  expires_at: Date.UTC(2025, 6, 21, 9, 35) / 1000,
};

const insertUser = (id: string) =>
  env.DB.prepare('INSERT INTO users (id) VALUES (?)').bind(id).run();
const insert = (row: Record<string, unknown>) =>
  env.DB.prepare(
    `INSERT INTO user_sessions (${Object.keys(row)}) VALUES (${Object.keys(row).map(() => '?')}) RETURNING *`,
  )
    .bind(...Object.values(row))
    .first<Record<string, unknown>>();

describe('user_sessions', () => {
  it('has the columns that were asked for, with their nullability and defaults', async () => {
    const { results } = await env.DB.prepare(
      'SELECT name, type, "notnull", dflt_value, pk FROM pragma_table_info(\'user_sessions\')',
    ).all();
    const columns = Object.fromEntries(results.map((column) => [column.name, column]));
    expect(columns).toMatchObject({
      id: { type: 'TEXT', notnull: 1, pk: 1, dflt_value: expect.stringContaining('randomblob') },
      user_id: { type: 'TEXT', notnull: 0, dflt_value: null },
      refresh_token: { type: 'TEXT', notnull: 1, dflt_value: null },
      user_agent: { type: 'TEXT', notnull: 0, dflt_value: null },
      ip_address: { type: 'TEXT', notnull: 0, dflt_value: null },
      created_at: { type: 'INTEGER', notnull: 1, dflt_value: 'unixepoch()' },
      expires_at: { type: 'INTEGER', notnull: 0, dflt_value: null },
    });
  });

  it('has an index on user_id', async () => {
    const { results } = await env.DB.prepare(
      "SELECT name FROM pragma_index_info('idx_user_sessions_uid')",
    ).all();
    expect(results).toEqual([{ name: 'user_id' }]);
  });

  it('gives rows of plain SQL a UUID v4 each and a creation time', async () => {
    const { results } = await env.DB.prepare(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
       INSERT INTO user_sessions (refresh_token) SELECT 'x' FROM n RETURNING *`,
    ).all<{ id: string; created_at: number }>();
    const ids = results.map(({ id }) => id);
    expect(new Set(ids).size).toBe(1000);
    for (const id of ids)
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(new Set(ids.map((id) => id[19])).size).toBe(4);
    for (const { created_at } of results)
      expect(Math.abs(created_at - Date.now() / 1000)).toBeLessThan(60);
    expect(results[0]).toMatchObject({
      user_id: null,
      user_agent: null,
      ip_address: null,
      expires_at: null,
    });
  });

  it('needs a refresh_token', async () => {
    await expect(insert({ user_agent: 'x' })).rejects.toThrow(
      'NOT NULL constraint failed: user_sessions.refresh_token',
    );
  });

  it.each([
    ['SQL', () => insert(sample)],
    [
      'Drizzle',
      () =>
        drizzle(env.DB)
          .insert(userSessions)
          .values({
            id: sample.id,
            userId: USER,
            refreshToken: sample.refresh_token,
            userAgent: sample.user_agent,
            ipAddress: sample.ip_address,
            createdAt: new Date('2025-06-21T09:35:00Z'),
            expiresAt: new Date('2025-07-21T09:35:00Z'),
          }),
    ],
  ])(
    'takes the sample row by %s and gives it back unchanged, through SQL, Drizzle and the API',
    async (_, add) => {
      await env.DB.prepare('DELETE FROM users WHERE id = ?').bind(USER).run();
      await insertUser(USER);
      await add();
      const stored = await env.DB.prepare('SELECT * FROM user_sessions WHERE user_id = ?')
        .bind(USER)
        .all();
      expect(stored.results).toEqual([expect.objectContaining(sample)]);
      const rows = await drizzle(env.DB)
        .select()
        .from(userSessions)
        .where(eq(userSessions.userId, USER));
      expect(rows).toEqual([
        expect.objectContaining({
          id: sample.id,
          userId: USER,
          refreshToken: sample.refresh_token,
          userAgent: sample.user_agent,
          ipAddress: sample.ip_address,
          createdAt: new Date('2025-06-21T09:35:00Z'),
          expiresAt: new Date('2025-07-21T09:35:00Z'),
        }),
      ]);
      const service = await startService();
      const response = await service.backend('GET', `/v1/users/${USER}/sessions?include=ended`);
      const { sessions } = (await response.json()) as { sessions: object[] };
      const { refresh_token, ...shown } = sample;
      expect(sessions).toEqual([
        expect.objectContaining({
          ...shown,
          created_at: '2025-06-21T09:35:00Z',
          expires_at: '2025-07-21T09:35:00Z',
        }),
      ]);
      expect(JSON.stringify(sessions)).not.toContain(refresh_token);
    },
  );

  it('loses its rows with their user', async () => {
    const id = crypto.randomUUID();
    await insertUser(id);
    await insert({ refresh_token: 'x', user_id: id });
    await env.DB.prepare('DELETE FROM users WHERE id = ?').bind(id).run();
    expect(
      await env.DB.prepare('SELECT id FROM user_sessions WHERE user_id = ?').bind(id).first(),
    ).toBeNull();
  });

  it('refuses a user who does not exist', async () => {
    await expect(insert({ refresh_token: 'x', user_id: crypto.randomUUID() })).rejects.toThrow(
      'FOREIGN KEY constraint failed',
    );
  });
});

describe('users', () => {
  it('are unique by issuer and subject', async () => {
    const add = () =>
      env.DB.prepare(
        "INSERT INTO users (issuer, subject) VALUES ('https://idp.example', 'a')",
      ).run();
    await add();
    await expect(add()).rejects.toThrow('UNIQUE constraint failed');
  });
});

describe('db/tables', () => {
  const dialect = new SQLiteSyncDialect();
  const byName = (a: { name: string | undefined }, b: { name: string | undefined }) =>
    String(a.name) < String(b.name) ? -1 : 1;
  const inline = (value: SQL) => dialect.sqlToQuery(value.inlineParams()).sql;
  const toDefault = (value: unknown) =>
    value === undefined
      ? null
      : typeof value === 'object'
        ? inline(value as SQL).replace(/^\((.*)\)$/s, '$1')
        : typeof value === 'string'
          ? `'${value}'`
          : String(value);
  const tables = Object.values(schema)
    .filter((value) => is(value, SQLiteTable))
    .map((table) => getTableConfig(table));

  it('names every table that the migrations make', async () => {
    const { results } = await env.DB.prepare(
      "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB '_cf_*' AND name NOT GLOB 'sqlite_*' AND name <> 'd1_migrations'",
    ).all();
    expect(results.map(({ name }) => name).sort()).toEqual(tables.map(({ name }) => name).sort());
  });

  it.each(tables.map((table) => [table.name, table] as const))(
    'has %s as the migrations make it',
    async (name, table) => {
      // A column that came later stands last in the table, wherever it is declared.
      const { results: columns } = await env.DB.prepare(
        'SELECT name, lower(type) AS type, "notnull", dflt_value, pk FROM pragma_table_info(?) ORDER BY name',
      )
        .bind(name)
        .all();
      const composite = table.primaryKeys.flatMap(({ columns }) =>
        columns.map((column) => column.name),
      );
      expect(columns).toEqual(
        table.columns.toSorted(byName).map((column) => ({
          name: column.name,
          type: column.getSQLType(),
          notnull: Number(column.notNull),
          dflt_value: toDefault(column.default),
          pk: Number(column.primary) || composite.indexOf(column.name) + 1,
        })),
      );

      const { results: indexes } = await env.DB.prepare(
        `SELECT list.name, list."unique", master.sql
       FROM pragma_index_list(?) AS list, sqlite_master AS master
       WHERE master.name = list.name AND list.origin = 'c' ORDER BY list.name`,
      )
        .bind(name)
        .all<{ name: string; unique: number; sql: string }>();
      const uniqueColumns = table.columns
        .filter(({ isUnique }) => isUnique)
        .map((column) => ({
          name: column.uniqueName,
          unique: 1,
          columns: column.name,
          where: null,
        }));
      const declared = table.indexes.map(({ config }) => ({
        name: config.name,
        unique: Number(config.unique),
        columns: config.columns
          .map((column) => ('name' in column ? column.name : inline(column)))
          .join(),
        where: config.where ? inline(config.where) : null,
      }));
      expect(
        indexes.map(({ sql, ...index }) => {
          const [definition = '', where = null] = sql.split(' WHERE ');
          const columns = definition.slice(definition.indexOf('(') + 1, -1).replaceAll('`', '');
          return { ...index, columns, where };
        }),
      ).toEqual([...uniqueColumns, ...declared].sort(byName));

      const { results: foreignKeys } = await env.DB.prepare(
        'SELECT "table", "from", "to", lower(on_delete) AS on_delete FROM pragma_foreign_key_list(?)',
      )
        .bind(name)
        .all();
      expect(foreignKeys).toEqual(
        table.foreignKeys.map((key) => {
          const { columns, foreignTable, foreignColumns } = key.reference();
          return {
            table: getTableConfig(foreignTable).name,
            from: columns[0]?.name,
            to: foreignColumns[0]?.name,
            on_delete: key.onDelete,
          };
        }),
      );
    },
  );
});
