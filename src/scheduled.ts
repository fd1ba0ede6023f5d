/**
 * The Cron Trigger. In every home it deletes dead rows, rotates the signing keys, delivers what the
 * webhooks missed, and finishes moves. A part that fails does not stop the others.
 */

import { type Config, parseConfig } from './config/config';
import { assertClientSecretsApart } from './config/secrets-apart';
import { deriveKeyring, type Keyring, keyringAt } from './crypto';
import { DEFAULT_HOME, type Home, openHome } from './db/d1';
import { newAccess } from './db/d1-access';
import { copyKeyRows } from './db/signing-key-rows';
import type { Env } from './env';
import { ConfigError, DatabaseUnavailableError } from './faults';
import { finishMove } from './homes/move';
import { listUnfinished } from './homes/residents';
import { namedAs } from './outgoing';
import { delivererOf } from './service/deliverer';
import { cleanUp } from './sessions/cleanup';
import { type CleanupBounds, type CleanupPolicy, LAST_QUERIES } from './sessions/cleanup-bounds';
import { toSnakeCase } from './snake-case';
import { rotateSigningKeys } from './tokens/rotate-signing-keys';
import { type KeySet, loadKeySet, readKeySet } from './tokens/signing-keys';
import { deliver } from './webhooks/deliver';
import { logFailedAttempts } from './webhooks/log';
import { giveUpOnOthers } from './webhooks/undelivered';

type Bounds = Omit<CleanupBounds, 'maxQueries'>;

/**
 * Far below the 15 minutes that a cron run may take, so that runs do not pile up; what is left is
 * for the next one. A slice holds the database for as long as it takes, so it is small: with 500
 * rows, refreshes beside it waited nine times as long at worst, with 100 twice.
 */
const BOUNDS: Bounds = {
  sliceRows: 100,
  walkRows: 500,
  walkSlices: 40,
  budgetMs: 20_000,
  clock: Date.now,
  rest: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
};

/**
 * `now` in ms. A home that fails stops no other; then the run throws, so that it is marked failed.
 */
export async function runScheduled(
  env: Env,
  now: number,
  bounds = BOUNDS,
  customFetch: typeof fetch = (input, init) => fetch(input, init),
): Promise<void> {
  const config = parseConfig(env);
  await assertClientSecretsApart(config);
  const { sessionSecret, previousSessionSecret, previousSecretEndsAt } = config;
  const keyring = keyringAt(
    await deriveKeyring(sessionSecret, previousSessionSecret, previousSecretEndsAt),
    now,
  );
  const homes = [...config.homes.values()].map(({ name, binding }) =>
    openHome({ name, binding, timeoutMs: config.d1TimeoutMs }, newAccess()),
  );
  const [original] = homes as [Home, ...Home[]];
  const keys = rotateSigningKeys(original, keyring, config.signingKeys, now);
  // Each home's own part waits for it; here it must not count as unhandled.
  keys.catch(() => {});
  const keep = async (home: Home) => {
    const rotated = await keys;
    return home === original ? rotated : { copied: await copyKeyRows(original, home) };
  };
  const run = {
    config,
    keyring,
    customFetch: namedAs(config.issuer, customFetch),
    now,
    bounds,
    homes,
  };
  const faults = await Promise.all(homes.map((home) => runHome(home, keep(home), run)));
  const fault = faults.find((found) => found !== null);
  if (fault) throw fault;
}

interface Run {
  config: Config;
  keyring: Keyring;
  customFetch: typeof fetch;
  now: number;
  bounds: Bounds;
  homes: readonly Home[];
}

/**
 * Queries that the part of one home may make: an invocation may make `QUERIES_PER_INVOCATION`,
 * whatever the number of homes.
 */
const queriesOf = ({ config, homes }: Pick<Run, 'config' | 'homes'>) =>
  Math.floor(config.queriesPerInvocation / homes.length);

/** Returns what failed first; null when nothing did. */
async function runHome(home: Home, keeping: Promise<object>, run: Run): Promise<Error | null> {
  const { config, now } = run;
  const queries = queriesOf(run);
  const [keys, webhooks, moves] = await Promise.allSettled([
    keeping,
    deliverToWebhooks(home, run),
    finishMoves(home, run),
  ]);
  // Last, because it makes do with the queries that are left, however few.
  const bounds = { ...run.bounds, maxQueries: queries - LAST_QUERIES };
  const [cleanup] = await Promise.allSettled([cleanUp(home, toCleanupPolicy(config), bounds, now)]);
  const isLate =
    cleanup.status === 'fulfilled' && !cleanup.value.finished && cleanup.value.isBacklogGrowing;
  // An operator who took away the binding of such a home has to know.
  const isAnyoneLost = moves.status === 'fulfilled' && moves.value.lost > 0;
  const failed = [keys, cleanup, webhooks, moves].filter((part) => part.status === 'rejected');
  const isWrong = failed.length > 0 || isLate || isAnyoneLost;
  console[isWrong ? 'error' : 'log'](
    JSON.stringify({
      level: isWrong ? 'error' : 'info',
      event: isLate ? 'cleanup_backlog_growing' : 'scheduled',
      home: home.name,
      cleanup:
        cleanup.status === 'fulfilled' ? toSnakeCase(cleanup.value) : toCause(cleanup.reason),
      signing_keys: keys.status === 'fulfilled' ? toSnakeCase(keys.value) : toCause(keys.reason),
      webhooks: webhooks.status === 'fulfilled' ? webhooks.value : toCause(webhooks.reason),
      moves: moves.status === 'fulfilled' ? moves.value : toCause(moves.reason),
      d1_round_trips: home.usage.roundTrips,
      d1_rows_read: home.usage.rowsRead,
      d1_rows_written: home.usage.rowsWritten,
    }),
  );
  return (failed[0]?.reason as Error | undefined) ?? null;
}

/**
 * A run finishes one move to each other home for every so many queries that it may make of its own
 * home. A move takes up to 18.
 */
const QUERIES_A_MOVE = 50;

/**
 * Finishes what a cut left between two homes. `lost` are on the way to a home that is not bound.
 * Throws, when it has done the others, if a home did not answer.
 */
async function finishMoves(source: Home, run: Run): Promise<{ finished: number; lost: number }> {
  const { homes, now } = run;
  const { sessions: policy, webhooks } = run.config;
  const context = { policy, reporting: { requestId: crypto.randomUUID(), webhooks }, now };
  const unfinished = await listUnfinished(source);
  const lost = unfinished.filter(({ to }) => homes.every(({ name }) => name !== to)).length;
  const share = Math.ceil(queriesOf(run) / QUERIES_A_MOVE);
  let finished = 0;
  const outcomes = await Promise.allSettled(
    homes.map(async (target) => {
      const due = unfinished.filter(({ to }) => to === target.name).slice(0, share);
      for (const { subject } of due) {
        await finishMove(source, target, subject, context);
        finished += 1;
      }
    }),
  );
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  return { finished, lost };
}

/** Attempts for each endpoint: a round trip settles five and claims five more, with 7 queries. */
const MAX_ATTEMPTS = 250;

/**
 * Queries that are left to the other parts of the run, and to the attempts that are under way for
 * two endpoints.
 */
const QUERIES_OF_OTHERS = 40;

async function deliverToWebhooks(
  home: Home,
  run: Run,
): Promise<{ delivered: number; failed: number; given_up: number }> {
  const { keyring, customFetch, now } = run;
  const { webhooks, signingKeys } = run.config;
  const names = webhooks.map(({ name }) => name);
  const givenUp = await giveUpOnOthers(home, names, now);
  let read: KeySet | null = null;
  const keySet = async () => {
    read ??= await (home.name === DEFAULT_HOME
      ? loadKeySet(home, keyring, { policy: signingKeys, now })
      : readKeySet(home, keyring, now));
    return read;
  };
  const keys = { keyring: async () => keyring, keySet, now: () => now };
  const deliverer = delivererOf(run.config, home, keys, customFetch);
  const bounds = {
    maxAttempts: Math.ceil(MAX_ATTEMPTS / run.homes.length),
    maxQueries: queriesOf(run) - QUERIES_OF_OTHERS,
    budgetMs: 20_000,
    clock: Date.now,
    now,
  };
  const { delivered, failed } = await deliver(home, deliverer, null, bounds);
  logFailedAttempts(failed);
  return { delivered, failed: failed.length, given_up: givenUp };
}

function toCleanupPolicy({ sessions, cleanupRetentionSeconds, risk }: Config): CleanupPolicy {
  const { eventRetentionSeconds } = risk;
  return { sessions, retentionSeconds: cleanupRetentionSeconds, eventRetentionSeconds };
}

function toCause(fault: unknown): { failed: string } {
  if (fault instanceof DatabaseUnavailableError)
    return { failed: `${fault.code}: ${fault.detail}` };
  return { failed: fault instanceof ConfigError ? fault.code : 'internal_error' };
}
