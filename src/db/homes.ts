/**
 * A home is a D1 database that sessions live in. Everything that this service asks of D1 goes through `transact`:
 * one batch, which is one transaction and one round trip, counted, bound in time, and run again when it is safe and of use.
 */
import type { BatchItem, BatchResponse } from 'drizzle-orm/batch';
import { type DrizzleD1Database, drizzle } from 'drizzle-orm/d1';
import { DatabaseUnavailableError } from '../errors';
import { type Breaker, createBreaker } from './breaker';

/** What one request, or one cron run, asked of D1. */
export interface Meter {
  roundTrips: number;
  rowsRead: number;
  rowsWritten: number;
  durationMs: number;
}

export interface Home {
  /** The name of the binding. Tokens carry it. */
  name: string;
  db: DrizzleD1Database;
  /** Of the request or cron run that asks. */
  meter: Meter;
}

export const DEFAULT_HOME = 'DB';

export const newMeter = (): Meter => ({ roundTrips: 0, rowsRead: 0, rowsWritten: 0, durationMs: 0 });

/** A D1 binding whose batches are counted by `meter`, given up after `timeoutMs`, and not tried while its `breaker` is open. */
export function openHome(
  name: string,
  binding: D1Database,
  timeoutMs: number,
  meter: Meter,
  breaker: Breaker = createBreaker(Date.now),
): Home {
  const batch = async (statements: D1PreparedStatement[]) => {
    if (!breaker.mayTry()) throw new Error('it failed repeatedly, and is given a moment');
    meter.roundTrips += 1;
    const started = Date.now();
    try {
      const results = await withTimeout(binding.batch(statements), timeoutMs);
      for (const { meta } of results) {
        meter.rowsRead += meta.rows_read;
        meter.rowsWritten += meta.rows_written;
      }
      breaker.succeeded();
      return results;
    } catch (error) {
      // A statement that D1 refuses says nothing of how D1 is.
      if (isOutage(error)) breaker.failed();
      else breaker.succeeded();
      throw error;
    } finally {
      meter.durationMs += Date.now() - started;
    }
  };
  // Drizzle needs no more of a binding than these two.
  const metered = { prepare: (query: string) => binding.prepare(query), batch } as unknown as D1Database;
  return { name, db: drizzle(metered), meter };
}

type Statements = readonly [BatchItem<'sqlite'>, ...BatchItem<'sqlite'>[]];

/** Tries in all. A write whose outcome is unknown is run again, so statements must be safe to run twice. */
const MAX_ATTEMPTS = 3;

/**
 * Runs statements as one transaction, in one round trip. When D1 says that the connection or its object was lost, they are
 * run again; `build` is told that the run before may have been applied. Throws `DatabaseUnavailableError`.
 */
export async function transact<T extends Statements>(
  home: Home,
  build: (isRerun: boolean) => T,
): Promise<BatchResponse<T>> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await home.db.batch(build(attempt > 1));
    } catch (error) {
      if (attempt < MAX_ATTEMPTS && isConnectionLoss(error)) continue;
      throw new DatabaseUnavailableError(describe(error));
    }
  }
}

/** D1's messages for a loss after which the same call may succeed at once. Overload is none: a retry would add to it. */
const CONNECTION_LOSSES = [
  'Network connection lost',
  'reset because its code was updated',
  'storage caused object to be reset',
  'Cannot resolve D1 DB due to transient issue on remote node',
  "Can't read from request stream because client disconnected",
];

/** What D1 says when it is not the statement's fault, beside the losses. */
const OUTAGES = [
  ...CONNECTION_LOSSES,
  'no answer within',
  'overloaded',
  'queued for too long',
  'internal error',
  'exceeded its CPU',
  'exceeded timeout',
];

function isOutage(error: unknown): boolean {
  const message = describe(error);
  return OUTAGES.some((outage) => message.includes(outage));
}

function isConnectionLoss(error: unknown): boolean {
  const message = describe(error);
  return CONNECTION_LOSSES.some((loss) => message.includes(loss));
}

/** A DrizzleQueryError's own message holds the bound parameters, so its cause is what is told. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  return error.cause instanceof Error
    ? error.cause.message
    : error.name === 'DrizzleQueryError'
      ? 'query failed'
      : error.message;
}

async function withTimeout<T>(promise: Promise<T>, timeoutMs: number): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | null = null;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
