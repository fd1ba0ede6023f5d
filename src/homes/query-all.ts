/**
 * Asking every home side by side, for what does not say in which home to look. One that does not
 * answer spoils no other's answer.
 */
import type { Home, Replica } from '../db/d1';
import { DatabaseUnavailableError } from '../faults';

export interface Answers<T, H extends Home | Replica = Home> {
  answered: { home: H; answer: T }[];
  /** The names of the homes that did not answer. */
  unavailable: string[];
}

/** Throws `DatabaseUnavailableError` when none answers. */
export async function queryAll<T, H extends Home | Replica>(
  homes: readonly H[],
  ask: (home: H) => Promise<T>,
): Promise<Answers<T, H>> {
  const answers: Answers<T, H> = { answered: [], unavailable: [] };
  const results = await Promise.allSettled(homes.map(ask));
  for (const [index, result] of results.entries()) {
    const home = homes[index] as H;
    if (result.status === 'fulfilled') answers.answered.push({ home, answer: result.value });
    else if (result.reason instanceof DatabaseUnavailableError) answers.unavailable.push(home.name);
    else throw result.reason;
  }
  const [first] = results;
  if (answers.answered.length === 0 && first?.status === 'rejected') throw first.reason;
  return answers;
}

/** Throws when a home that had to be asked did not answer. */
export function assertAllAnswered(unavailable: readonly string[]): void {
  if (unavailable.length > 0)
    throw new DatabaseUnavailableError(`no answer from ${unavailable.join(', ')}`, unavailable);
}
