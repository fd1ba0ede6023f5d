import { randomBytes } from 'node:crypto';
import { cloudflareTest, readD1Migrations } from '@cloudflare/vitest-pool-workers';
import { defineConfig } from 'vitest/config';
import { unstable_readConfig as readConfig } from 'wrangler';

// Tests send nothing outside: no telemetry, no download of a sample request.cf.
process.env.WRANGLER_SEND_METRICS = 'false';
process.env.CLOUDFLARE_CF_FETCH_ENABLED = 'false';

// Not the pool's `configPath`: that would let the developer's `.dev.vars` into the tests.
const config = readConfig({ config: './wrangler.toml' });

/** Some tests take twenty seconds; a machine that is busy with ten times as much fails none. */
const PATIENCE = { testTimeout: 240_000, hookTimeout: 360_000 };

/** Tests that talk to the service over real HTTP. */
function nodeProject(test: { name: string; include: string[]; exclude?: string[] }) {
  return {
    test: {
      ...test,
      environment: 'node' as const,
      globalSetup: ['./test/node/start-service.ts'],
      ...PATIENCE,
      // What is waited for here is done by other processes, which a busy machine makes late.
      expect: { poll: { timeout: 60_000 } },
    },
  };
}

export default defineConfig({
  test: {
    // The log lines of the service matter where a test failed.
    silent: 'passed-only',
    // How long the service may take to end after the last test.
    teardownTimeout: 60_000,
    projects: [
      {
        plugins: [
          cloudflareTest(async () => ({
            main: config.main,
            miniflare: {
              compatibilityDate: config.compatibility_date,
              compatibilityFlags: config.compatibility_flags,
              // Two more homes, for the tests that ask for them.
              d1Databases: [
                ...config.d1_databases.map(({ binding }: { binding: string }) => binding),
                'DB_APAC',
                'DB_WEUR',
              ],
              assets: {
                directory: config.assets?.directory,
                binding: config.assets?.binding,
              },
              ratelimits: {
                ...Object.fromEntries(
                  config.ratelimits.map(
                    (limit: { name: string; namespace_id: string; simple: object }) => [
                      limit.name,
                      { namespace_id: limit.namespace_id, simple: limit.simple },
                    ],
                  ),
                ),
                // A low limit, for tests of what is counted together.
                RATE_LIMIT_OF_THREE: { namespace_id: '9003', simple: { limit: 3, period: 60 } },
              },
              bindings: {
                ...config.vars,
                SESSION_SECRET: randomBytes(32).toString('base64url'),
                // How many random histories test/sessions/model.test.ts tries.
                MODEL_RUNS: process.env.MODEL_RUNS ?? '50',
                // The seed of a failure that is to be repeated.
                MODEL_SEED: process.env.MODEL_SEED ?? '',
                // How many requests test/openapi/fuzz draws, and of which seed; '' is its own.
                FUZZ_RUNS: process.env.FUZZ_RUNS ?? '1000',
                FUZZ_SEED: process.env.FUZZ_SEED ?? '',
                TEST_MIGRATIONS: await readD1Migrations('./migrations'),
              },
            },
          })),
        ],
        test: {
          name: 'workers',
          include: ['test/**/*.test.{ts,tsx}'],
          exclude: ['test/node/**'],
          ...PATIENCE,
          setupFiles: ['./test/apply-migrations.ts'],
        },
      },
      nodeProject({
        name: 'node',
        include: ['test/node/**/*.test.ts'],
        exclude: ['test/node/browser/**', 'test/node/package/**'],
      }),
      // Needs Chromium, which npm does not bring.
      nodeProject({ name: 'browser', include: ['test/node/browser/**/*.test.ts'] }),
      // Builds, packs and installs the package first.
      {
        test: {
          name: 'package',
          include: ['test/node/package/**/*.test.ts'],
          environment: 'node' as const,
          globalSetup: ['./test/node/package/install-package.ts'],
          ...PATIENCE,
        },
      },
    ],
  },
});
