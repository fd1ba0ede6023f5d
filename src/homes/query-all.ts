/**
 * Queries every home side by side (scatter-gather), where nothing says in which home to look. A
 * home that does not answer spoils no other's result.
 */
import type { Home, Replica } from '../db/d1';
import { DatabaseUnavailableError } from '../faults';

export interface HomeResults<T, H extends Home | Replica = Home> {
  results: { home: H; value: T }[];
  /** The names of the homes that did not answer. */
  unavailable: string[];
}

/** Throws `DatabaseUnavailableError` when none answers. */
export async function queryAll<T, H extends Home | Replica>(
  homes: readonly H[],
  query: (home: H) => Promise<T>,
): Promise<HomeResults<T, H>> {
  const found: HomeResults<T, H> = { results: [], unavailable: [] };
  const outcomes = await Promise.allSettled(homes.map(query));
  for (const [index, outcome] of outcomes.entries()) {
    const home = homes[index] as H;
    if (outcome.status === 'fulfilled') found.results.push({ home, value: outcome.value });
    else if (outcome.reason instanceof DatabaseUnavailableError) found.unavailable.push(home.name);
    else throw outcome.reason;
  }
  const [first] = outcomes;
  if (found.results.length === 0 && first?.status === 'rejected') throw first.reason;
  return found;
}

/** Throws when a home that had to be asked did not answer. */
export function assertAllAnswered(unavailable: readonly string[]): void {
  if (unavailable.length > 0)
    throw new DatabaseUnavailableError(`no answer from ${unavailable.join(', ')}`, unavailable);
}
