/** The homes, as their operator is told of them. */
import { about, type Finding } from './finding.ts';
import type { Patient } from './patient.ts';

interface Homes {
  homes: { home: string; new_users: string; answers: boolean; unfinished_moves: number | null }[];
}

/**
 * Checks the homes. There are no findings where there is one home, or no credentials to ask with.
 */
export async function checkHomes({ ask }: Patient): Promise<Finding[]> {
  const { ok, problem, note } = about('homes');
  const listed = await ask?.<Homes>('GET', '/v1/homes').catch(() => null);
  if (listed === null || listed === undefined || listed.homes.length < 2) return [];
  const { homes } = listed;
  const unavailable = homes.filter(({ answers }) => !answers).map(({ home }) => home);
  const moving = homes.filter(({ unfinished_moves: moves }) => (moves ?? 0) > 0);
  return [
    unavailable.length === 0
      ? ok(`${homes.map(({ home }) => home).join(', ')} answer`)
      : problem(
          `${unavailable.join(', ')} does not answer`,
          'people of other homes go on; docs/homes.md#when-a-home-does-not-answer',
        ),
    ...moving.map(({ home, unfinished_moves: moves }) =>
      note(`${moves} on the way out of ${home}`, 'the cron finishes what was begun'),
    ),
  ];
}
