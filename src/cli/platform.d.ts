/**
 * The names of the platform's types that `../env.ts` mentions. The command line reads settings by
 * the service's own rules, runs on Node, and never holds a binding.
 */
type D1Database = unknown;
type RateLimit = unknown;
type AnalyticsEngineDataset = unknown;
type Fetcher = unknown;
type CryptoKey = import('node:crypto').webcrypto.CryptoKey;

declare module 'crypto' {
  namespace webcrypto {
    interface SubtleCrypto {
      timingSafeEqual(a: ArrayBufferView, b: ArrayBufferView): boolean;
    }
  }
}
