import type { D1Migration } from 'cloudflare:test';
import type { Env as WorkerEnv } from '../src/env';

declare global {
  namespace Cloudflare {
    interface Env extends WorkerEnv {
      DB_APAC: D1Database;
      DB_WEUR: D1Database;
      RATE_LIMIT_OF_THREE: RateLimit;
      ASSETS: Fetcher;
      TEST_MIGRATIONS: D1Migration[];
      MODEL_RUNS: string;
      MODEL_SEED: string;
      FUZZ_RUNS: string;
      FUZZ_SEED: string;
    }
    interface GlobalProps {
      mainModule: typeof import('../src/index');
    }
  }
  interface ImportMeta {
    /** Vite's, as far as the tests use it: whole files as text. */
    glob(
      pattern: string,
      options: { query: '?raw'; eager: true; import: 'default' },
    ): Record<string, string>;
  }
}
