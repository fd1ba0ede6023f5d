import { env } from 'cloudflare:workers';

// In one batch a database: `applyD1Migrations` takes a round trip or two for each migration.
const statements = env.TEST_MIGRATIONS.flatMap(({ queries }) => queries);
await Promise.all(
  [env.DB, env.DB_APAC, env.DB_WEUR].map((database) =>
    database.batch(statements.map((statement) => database.prepare(statement))),
  ),
);
