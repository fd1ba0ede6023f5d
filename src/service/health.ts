/**
 * The health of the service, for monitoring: whether its database answers, and whether the cron
 * runs. Both follow from the signing keys that an isolate keeps for a minute, so that asking costs
 * a database no more than one read of each isolate in that time.
 */
import { KEY_CACHE_SECONDS } from '../config/signing-key-policy';
import type { D1Access } from '../db/d1-access';
import { DatabaseUnavailableError } from '../faults';
import { isCronLate } from './late-cron';
import type { Service } from './service';

export interface Health {
  /** Clients whose entry has a mistake. */
  refusedClients: number;
  isDatabaseAway: boolean;
  isCronLate: boolean;
  /** When the last clean-up ended; null: never, or no database answers. */
  lastCleanupAt: Date | null;
}

export async function checkHealth(
  { config, now, keySet, defaultHome }: Service,
  access: D1Access,
): Promise<Health> {
  const known = await keySet(defaultHome(access)).catch((fault) => {
    if (fault instanceof DatabaseUnavailableError) return null;
    throw fault;
  });
  return {
    refusedClients: config.refusedClients.size,
    // Older keys are kept only while no database answers.
    isDatabaseAway: known === null || now() - known.loadedAt >= KEY_CACHE_SECONDS * 1000,
    isCronLate: known !== null && isCronLate(known, now()),
    lastCleanupAt: known?.cleanedUpAt ?? null,
  };
}
