/** What becomes of a database as a whole: D1's Time Travel, and its loss. */

/** All tables as they are now; what is returned makes them so again. */
export async function takeBackup(binding: D1Database): Promise<() => Promise<void>> {
  const tables = await tablesOf(binding);
  const rows = await binding.batch<Record<string, unknown>>(
    tables.map((table) => binding.prepare(`SELECT * FROM ${table}`)),
  );
  const inserts = tables.flatMap((table, index) =>
    (rows[index]?.results ?? []).map((row) => {
      const columns = Object.keys(row);
      return binding
        .prepare(`INSERT INTO ${table} (${columns}) VALUES (${columns.map(() => '?')})`)
        .bind(...Object.values(row));
    }),
  );
  return () => write(binding, tables, inserts);
}

/** A new database, which has the migrations and nothing else, takes its place. */
export async function replaceByEmpty(binding: D1Database): Promise<void> {
  await write(binding, await tablesOf(binding), []);
}

async function tablesOf(binding: D1Database): Promise<string[]> {
  const { results } = await binding
    .prepare("SELECT name FROM sqlite_master WHERE type = 'table'")
    .all<{ name: string }>();
  return results
    .map(({ name }) => name)
    .filter((name) => !/^(sqlite_|_cf_|d1_migrations$)/.test(name));
}

async function write(
  binding: D1Database,
  tables: readonly string[],
  inserts: readonly D1PreparedStatement[],
): Promise<void> {
  await binding.batch([
    binding.prepare('PRAGMA defer_foreign_keys = on'),
    ...tables.map((table) => binding.prepare(`DELETE FROM ${table}`)),
    ...inserts,
  ]);
}
