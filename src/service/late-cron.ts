/**
 * Whether the cron runs. Only it could say so, and it says nothing when it does not run; so each
 * isolate reads with its signing keys when the last clean-up ended.
 */
import type { Config } from '../config/config';
import { isLocalHost } from '../origins';
import type { KeySet } from '../tokens/signing-keys';

/** Eight runs of the cron that did not come. A cron that is set to run each hour is not late. */
const LATE_MS = 7_200_000;

/** A service whose cron never ran is as old as its first key, which nothing but the cron purges. */
export function isCronLate({ cleanedUpAt, keys }: KeySet, now: number): boolean {
  const since = cleanedUpAt ?? Math.min(...keys.map(({ createdAt }) => +createdAt));
  return now - +since > LATE_MS;
}

/**
 * Each isolate logs a line when it reads its keys, once a minute, while the cron is late. On a
 * developer's machine the cron runs by hand alone.
 */
export function logLateCron({ issuer }: Config, keySet: KeySet, now: number): void {
  if (!isCronLate(keySet, now) || isLocalHost(new URL(issuer).hostname)) return;
  console.error(
    JSON.stringify({ level: 'error', event: 'cron_late', last_cleanup_at: keySet.cleanedUpAt }),
  );
}
