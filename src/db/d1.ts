/**
 * A home is a D1 database that sessions live in. Everything that this service asks of D1 goes
 * through `transact`: one batch, which is one transaction and one round trip, counted, bound in
 * time, and run again when it is safe and of use.
 *
 * `Home` is the primary, which decides everything. `Replica` is for reads that may lag a little
 * (D1's Sessions API): the nearest copy that is at least as new as what the caller has seen and
 * done. They are two types, so that no decision is made by a replica.
 */
import { DatabaseUnavailableError } from '../faults';
import { inSpan } from '../span';
import { type Breaker, createBreaker } from './breaker';
import { advance, type D1Access } from './d1-access';
import { describe, isConnectionLoss, isOutage } from './d1-errors';
import { type Builders, builders, type Prepared, prepare, type Statement } from './statements';
import { withTimeout } from './with-timeout';

/** Each question to a database counts in `usage`, and may move the database's bookmark on. */
interface Database extends D1Access {
  /** The name of the binding. Tokens carry it. */
  name: string;
  /** Builds statements for `transact`. */
  db: Builders;
  run: Batch;
}

export interface Home extends Database {
  role: 'primary';
}

/** For reads that may lag. Where there are no replicas, or none answers, it is the primary. */
export interface Replica extends Database {
  role: 'replica';
  /**
   * Whether a replica gave the last answer, as far as D1 says: the last one to this request, or
   * before that to any request of the isolate.
   */
  servedByReplica: () => boolean;
}

export const DEFAULT_HOME = 'DB';

/** A D1 binding, given up on after `timeoutMs`. */
export interface HomeBinding {
  name: string;
  binding: D1Database;
  timeoutMs: number;
}

export function openHome(
  at: HomeBinding,
  access: D1Access,
  breaker = createBreaker(Date.now),
): Home {
  const { usage, bookmarks } = access;
  const run = askPrimary(at, access, breaker);
  return { name: at.name, db: builders, run, usage, bookmarks, role: 'primary' };
}

/**
 * Whether a replica answered the isolate's last read of a home, or D1 left it to the primary, as it
 * does where there is no replica; null: nothing was read yet.
 */
export interface ReplicaUse {
  isUsed: boolean | null;
}

export function openReplica(
  at: HomeBinding,
  access: D1Access,
  { use, ...breakers }: { primary: Breaker; replica: Breaker; use: ReplicaUse },
): Replica {
  // This request's own last answer; `use` may be what another request has seen since.
  let wasReplica: boolean | null = null;
  const { usage, bookmarks } = access;
  const primary = askPrimary(at, access, breakers.primary);
  const replica = ask(at, access, breakers.replica, {
    constraint: () => bookmarks.get(at.name) ?? 'first-unconstrained',
    isSeen: (results) => {
      // An answer that does not say that it is the primary's may be a replica's.
      wasReplica = results.some(({ meta }) => meta.served_by_primary !== true);
      use.isUsed = wasReplica;
      return true;
    },
  });
  // Whatever is wrong with the replica, or with a bookmark that a caller made up, the primary can
  // answer. But where there is no replica, it was the primary that failed, and is not asked again
  // at once.
  const run: Batch = (statements) =>
    replica(statements).catch((error) => {
      const isBookmarks = bookmarks.has(at.name) && !isOutage(error);
      if (use.isUsed === false && !isBookmarks) throw error;
      wasReplica = false;
      return primary(statements);
    });
  const servedByReplica = () => wasReplica ?? use.isUsed ?? false;
  return { name: at.name, db: builders, run, usage, bookmarks, role: 'replica', servedByReplica };
}

/** Runs statements as one transaction, in one round trip. */
type Batch = (statements: readonly Prepared[]) => Promise<D1Result[]>;

/**
 * Each batch is a session of its own: only the first query of a session is sure to be the
 * primary's.
 */
function askPrimary(at: HomeBinding, access: D1Access, breaker: Breaker): Batch {
  return ask(at, access, breaker, {
    constraint: () => 'first-primary',
    // A batch that failed may have been written all the same: only its answer was lost. So the next
    // answer counts as seen, too.
    isSeen: (results, hasFailed) => hasFailed || results.some(({ meta }) => meta.rows_written > 0),
  });
}

/**
 * Asks D1: counted in `usage`, given up after `timeoutMs`, not tried while the `breaker` is open.
 * `isSeen` says whether an answer shows the caller this state of the database, or may have made it:
 * then the bookmark moves on to the answer's, and no replica that is older answers this caller
 * again.
 */
function ask(
  { name, binding, timeoutMs }: HomeBinding,
  { usage, bookmarks }: D1Access,
  breaker: Breaker,
  {
    constraint,
    isSeen,
  }: { constraint: () => string; isSeen: (results: D1Result[], hasFailed: boolean) => boolean },
): Batch {
  let hasFailed = false;
  return async (statements) => {
    if (!breaker.mayTry()) throw new Error('it failed repeatedly, and is given a moment');
    usage.roundTrips += 1;
    usage.queries += statements.length;
    usage.lastHome = name;
    const started = Date.now();
    try {
      const session = binding.withSession(constraint());
      const bound = statements.map(({ sql, params }) => binding.prepare(sql).bind(...params));
      const about = { home: name, statements: statements.length };
      const results = await inSpan('home_transaction', about, () =>
        withTimeout(session.batch(bound), timeoutMs),
      );
      for (const { meta } of results) {
        usage.rowsRead += meta.rows_read;
        usage.rowsWritten += meta.rows_written;
      }
      if (isSeen(results, hasFailed)) advance(bookmarks, name, session.getBookmark());
      breaker.succeeded();
      return results;
    } catch (error) {
      hasFailed = true;
      // An error of the statement itself is no sign that D1 is down.
      if (isOutage(error)) breaker.failed();
      else breaker.succeeded();
      throw error;
    } finally {
      usage.durationMs += Date.now() - started;
    }
  };
}

/**
 * Statements by name, in the order in which they run. A list runs in its place, and null is left
 * out.
 */
type NamedStatements = Record<string, Statement | readonly Statement[] | null>;

type Answer<S extends Statement | readonly Statement[] | null> = S extends Statement
  ? S['_']['result']
  : S extends readonly Statement[]
    ? S[number]['_']['result'][]
    : null;

/** The answer of each statement by its name; null for one that was left out. */
export type NamedAnswers<T extends NamedStatements> = { [Name in keyof T]: Answer<T[Name]> };

/**
 * How often a transaction is tried. A write whose outcome is unknown is run again, so statements
 * must be safe to run twice.
 */
const MAX_ATTEMPTS = 3;

/**
 * Runs statements as one transaction, in one round trip, and answers by their names. When D1 says
 * that the connection or its object was lost, they are run again; `build` is told that the run
 * before may have been applied. Throws `DatabaseUnavailableError`.
 */
export async function transact<T extends NamedStatements>(
  home: Home | Replica,
  build: (isRerun: boolean) => T,
): Promise<NamedAnswers<T>> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await runNamed(home, build(attempt > 1));
    } catch (error) {
      if (attempt < MAX_ATTEMPTS && isConnectionLoss(error)) continue;
      throw new DatabaseUnavailableError(describe(error));
    }
  }
}

async function runNamed<T extends NamedStatements>(
  { run }: Home | Replica,
  named: T,
): Promise<NamedAnswers<T>> {
  const all = Object.values(named).flatMap((entry) => entry ?? []);
  const prepared = all.map(prepare);
  const results = await run(prepared);
  const answers = prepared.map((one, index) => one.toAnswer(results[index] as D1Result));
  let next = 0;
  return Object.fromEntries(
    Object.entries(named).map(([name, entry]) => {
      if (entry === null) return [name, null];
      if (!isList(entry)) return [name, answers[next++]];
      next += entry.length;
      return [name, answers.slice(next - entry.length, next)];
    }),
  ) as NamedAnswers<T>;
}

const isList = (entry: Statement | readonly Statement[]): entry is readonly Statement[] =>
  Array.isArray(entry);
