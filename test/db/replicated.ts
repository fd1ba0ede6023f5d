/**
 * D1 with a replica, as its Sessions API describes one, over two real databases. What is written to
 * the primary reaches the replica when a test lets it, or when someone brings a bookmark that needs
 * it.
 */

interface Statement {
  query: string;
  params: unknown[];
}

export interface Replicated {
  binding: D1Database;
  /** What each copy was asked: the statements of each batch. */
  asked: { primary: string[][]; replica: string[][] };
  /** The replica fails every read. */
  isReplicaAway: boolean;
  /** Gives the replica all that the primary has. */
  catchUp(): Promise<void>;
}

/** Both have to hold the same at first. */
export function replicate(primary: D1Database, replica: D1Database): Replicated {
  /** The batches that wrote, in the order of their commit, and how many of them the replica has. */
  const log: Statement[][] = [];
  let applied = 0;

  const run = (database: D1Database, statements: readonly Statement[]) =>
    database.batch(statements.map(({ query, params }) => database.prepare(query).bind(...params)));
  const applyUpTo = async (position: number) => {
    while (applied < position) {
      const batch = log[applied] as Statement[];
      applied += 1;
      await run(replica, batch);
    }
  };

  const readReplica = async (constraint: string, statements: Statement[]) => {
    replicated.asked.replica.push(statements.map(({ query }) => query));
    if (replicated.isReplicaAway)
      throw new Error('D1_ERROR: Internal error in D1 DB storage caused object to be reset.');
    if (constraint !== 'first-unconstrained') {
      const position = Number(constraint.split('-')[0]);
      if (!(position <= log.length))
        throw new Error('D1_ERROR: The bookmark is not one of this database');
      await applyUpTo(position);
    }
    return { results: await run(replica, statements), position: applied };
  };
  const askPrimary = async (statements: Statement[]) => {
    replicated.asked.primary.push(statements.map(({ query }) => query));
    const results = await run(primary, statements);
    if (results.some(({ meta }) => meta.rows_written > 0)) log.push(statements);
    return { results, position: log.length };
  };

  const withSession = (constraint: string) => {
    let next = constraint;
    return {
      batch: async (statements: Statement[]) => {
        const isPrimarys =
          next === 'first-primary' || statements.some(({ query }) => !/^\s*select/i.test(query));
        const { results, position } = await (isPrimarys
          ? askPrimary(statements)
          : readReplica(next, statements));
        next = `${String(position).padStart(8, '0')}-of-the-test`;
        return results.map((result) => ({
          ...result,
          meta: { ...result.meta, served_by_primary: isPrimarys },
        }));
      },
      getBookmark: () => (next === constraint ? null : next),
    };
  };
  const prepare = (query: string, params: unknown[] = []) => ({
    query,
    params,
    bind: (...values: unknown[]) => prepare(query, values),
  });
  const replicated: Replicated = {
    binding: { prepare, withSession } as unknown as D1Database,
    asked: { primary: [], replica: [] },
    isReplicaAway: false,
    catchUp: () => applyUpTo(log.length),
  };
  return replicated;
}
