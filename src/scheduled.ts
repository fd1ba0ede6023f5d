/** What the Cron Trigger does: deletes what is dead and rotates the signing keys. One fails without stopping the other. */
import { type Config, parseConfig } from './config';
import { deriveKeyring } from './crypto';
import { DEFAULT_HOME, newMeter, openHome } from './db/homes';
import type { Env } from './env';
import { ConfigError, DatabaseUnavailableError } from './errors';
import { type CleanupBounds, type CleanupPolicy, cleanUp } from './sessions/cleanup';
import { rotateSigningKeys } from './tokens/keys';

/** Far below the 15 minutes that a cron run may take, so that runs do not pile up; what is left is for the next one. */
const BOUNDS: CleanupBounds = { sliceRows: 500, walkSlices: 40, budgetMs: 20_000, clock: Date.now };

/** `now` in ms. Throws when a part failed, so that the run is marked failed. */
export async function runScheduled(env: Env, now: number, bounds = BOUNDS): Promise<void> {
  const config = parseConfig(env);
  const meter = newMeter();
  const home = openHome(DEFAULT_HOME, env.DB, config.d1TimeoutMs, meter);
  const keyring = await deriveKeyring(config.sessionSecret, config.previousSessionSecret);

  const [keys, cleanup] = await Promise.allSettled([
    rotateSigningKeys(home, keyring, config.signingKeys, now),
    cleanUp(home, toCleanupPolicy(config), bounds, now),
  ]);
  const isLate = cleanup.status === 'fulfilled' && !cleanup.value.finished && cleanup.value.isBacklogGrowing;
  const failed = [keys, cleanup].filter((part) => part.status === 'rejected');
  console[failed.length > 0 || isLate ? 'error' : 'log'](
    JSON.stringify({
      level: failed.length > 0 || isLate ? 'error' : 'info',
      event: isLate ? 'cleanup_backlog_growing' : 'scheduled',
      cleanup: cleanup.status === 'fulfilled' ? toSnakeCase(cleanup.value) : toCause(cleanup.reason),
      signing_keys: keys.status === 'fulfilled' ? keys.value : toCause(keys.reason),
      d1_round_trips: meter.roundTrips,
      d1_rows_read: meter.rowsRead,
      d1_rows_written: meter.rowsWritten,
    }),
  );
  const fault = failed[0]?.reason;
  if (fault !== undefined) throw fault;
}

function toCleanupPolicy({ sessions, cleanupRetentionSeconds, risk }: Config): CleanupPolicy {
  const { eventRetentionSeconds } = risk;
  return { sessions, retentionSeconds: cleanupRetentionSeconds, eventRetentionSeconds };
}

function toSnakeCase(report: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(report).map(([name, value]) => [
      name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      value,
    ]),
  );
}

function toCause(fault: unknown): { failed: string } {
  if (fault instanceof DatabaseUnavailableError) return { failed: `${fault.code}: ${fault.detail}` };
  return { failed: fault instanceof ConfigError ? fault.code : 'internal_error' };
}
