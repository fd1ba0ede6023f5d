/** Asking every home side by side, for what does not say in which home to look. One that does not answer spoils no other's answer. */
import type { Home } from '../db/homes';
import { DatabaseUnavailableError } from '../errors';

export interface Answers<T> {
  answered: { home: Home; answer: T }[];
  /** The names of the homes that did not answer. */
  silent: string[];
}

/** Throws `DatabaseUnavailableError` when none answers. */
export async function askAll<T>(homes: readonly Home[], ask: (home: Home) => Promise<T>): Promise<Answers<T>> {
  const answers: Answers<T> = { answered: [], silent: [] };
  const results = await Promise.allSettled(homes.map(ask));
  for (const [index, result] of results.entries()) {
    const home = homes[index] as Home;
    if (result.status === 'fulfilled') answers.answered.push({ home, answer: result.value });
    else if (result.reason instanceof DatabaseUnavailableError) answers.silent.push(home.name);
    else throw result.reason;
  }
  const [first] = results;
  if (answers.answered.length === 0 && first?.status === 'rejected') throw first.reason;
  return answers;
}
