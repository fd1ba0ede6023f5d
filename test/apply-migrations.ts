import { applyD1Migrations } from 'cloudflare:test';
import { env } from 'cloudflare:workers';

for (const binding of [env.DB, env.DB_APAC, env.DB_WEUR])
  await applyD1Migrations(binding, env.TEST_MIGRATIONS);
