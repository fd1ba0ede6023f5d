/** What the Cron Trigger does: deletes what is dead, rotates the signing keys, and tells the webhooks what they missed. One fails without stopping the others. */
import { type Config, parseConfig } from './config';
import { deriveKeyring, type Keyring } from './crypto';
import { DEFAULT_HOME, type Home, newMeter, openHome } from './db/homes';
import type { Env } from './env';
import { ConfigError, DatabaseUnavailableError } from './errors';
import { type CleanupBounds, type CleanupPolicy, cleanUp } from './sessions/cleanup';
import { findSigningKey, type KeySet, loadKeySet, rotateSigningKeys } from './tokens/keys';
import { type DeliveryBounds, deliver } from './webhooks/deliver';
import { logFailedAttempts } from './webhooks/log';
import { giveUpOnOthers } from './webhooks/outbox';

/**
 * Far below the 15 minutes that a cron run may take, so that runs do not pile up; what is left is for the next one. A slice holds the
 * database for as long as it takes, so it is small: with 500 rows, refreshes beside it waited nine times as long at worst, with 100 twice.
 */
const BOUNDS: CleanupBounds = {
  sliceRows: 100,
  maxSlices: 400,
  walkRows: 500,
  walkSlices: 40,
  budgetMs: 20_000,
  clock: Date.now,
};

/** `now` in ms. Throws when a part failed, so that the run is marked failed. */
export async function runScheduled(
  env: Env,
  now: number,
  bounds = BOUNDS,
  send: typeof fetch = (input, init) => fetch(input, init),
): Promise<void> {
  const config = parseConfig(env);
  const meter = newMeter();
  const home = openHome(DEFAULT_HOME, env.DB, config.d1TimeoutMs, meter);
  const keyring = await deriveKeyring(config.sessionSecret, config.previousSessionSecret);

  const [keys, cleanup, webhooks] = await Promise.allSettled([
    rotateSigningKeys(home, keyring, config.signingKeys, now),
    cleanUp(home, toCleanupPolicy(config), bounds, now),
    tellWebhooks(home, config, keyring, send, now),
  ]);
  const isLate = cleanup.status === 'fulfilled' && !cleanup.value.finished && cleanup.value.isBacklogGrowing;
  const failed = [keys, cleanup, webhooks].filter((part) => part.status === 'rejected');
  console[failed.length > 0 || isLate ? 'error' : 'log'](
    JSON.stringify({
      level: failed.length > 0 || isLate ? 'error' : 'info',
      event: isLate ? 'cleanup_backlog_growing' : 'scheduled',
      cleanup: cleanup.status === 'fulfilled' ? toSnakeCase(cleanup.value) : toCause(cleanup.reason),
      signing_keys: keys.status === 'fulfilled' ? keys.value : toCause(keys.reason),
      webhooks: webhooks.status === 'fulfilled' ? webhooks.value : toCause(webhooks.reason),
      d1_round_trips: meter.roundTrips,
      d1_rows_read: meter.rowsRead,
      d1_rows_written: meter.rowsWritten,
    }),
  );
  const fault = failed[0]?.reason;
  if (fault !== undefined) throw fault;
}

/** A run may make 1,000 queries: a round trip settles five attempts and claims five more, with seven. */
const DELIVERY_BOUNDS: DeliveryBounds = { maxAttempts: 250, budgetMs: 20_000, clock: Date.now };

async function tellWebhooks(
  home: Home,
  { webhooks, issuer, signingKeys }: Config,
  keyring: Keyring,
  send: typeof fetch,
  now: number,
): Promise<{ delivered: number; failed: number; given_up: number }> {
  const names = webhooks.map(({ name }) => name);
  const givenUp = await giveUpOnOthers(home, names, now);
  let keySet: KeySet | null = null;
  const signingKey = async () => {
    keySet ??= await loadKeySet(home, keyring, signingKeys, now);
    return findSigningKey(keySet, now);
  };
  const postman = { webhooks, transmitter: { issuer, signingKey }, fetch: send };
  const { delivered, failed } = await deliver(home, postman, null, DELIVERY_BOUNDS, now);
  logFailedAttempts(failed);
  return { delivered, failed: failed.length, given_up: givenUp };
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
