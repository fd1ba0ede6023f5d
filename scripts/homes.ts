/**
 * `npm run homes`: what an operator does with homes, by the service's own API.
 *
 *   npm run homes                          the homes, and which ones answer
 *   npm run homes -- move USER_ID HOME     a user and all their sessions
 *   npm run homes -- drain HOME            everyone who is left in a home that takes no new users
 *   npm run homes -- not-before HOME       ends all sessions that began until now: after a restore
 *   npm run homes -- not-before --everyone the same, in all homes
 *
 * `--env NAME` asks the service of that environment of wrangler.toml; ask-service.ts says whom
 * else. Everything may be interrupted and run again.
 */
import { type Ask, operate } from './ask-service.ts';
import { takeEnvironment } from './environment.ts';

try {
  const { option, rest } = takeEnvironment(process.argv.slice(2));
  await run(operate(option), rest);
} catch (error) {
  console.error(`homes: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}

async function run(ask: Ask, [command = 'list', ...args]: string[]): Promise<void> {
  const [first, second] = args;
  if (command === 'list' && args.length === 0) {
    const { homes } = await ask<{ homes: object[] }>('GET', '/v1/homes');
    console.table(homes);
  } else if (command === 'move' && first !== undefined && second !== undefined) {
    const { moved } = await ask<{ moved: boolean }>(
      'POST',
      `/v1/users/${encodeURIComponent(first)}/move`,
      {
        home: second,
      },
    );
    console.log(moved ? `${first} lives in ${second} now` : `${first} lived in ${second} already`);
  } else if (command === 'drain' && first !== undefined) await drain(ask, first);
  else if (command === 'not-before' && first !== undefined && args.length === 1) {
    const body = first === '--everyone' ? { everyone: true } : { home: first };
    const { not_before } = await ask<{ not_before: string }>('POST', '/v1/not-before', body);
    console.log(
      `what began before ${not_before} is over${first === '--everyone' ? '' : ` in ${first}`}`,
    );
  } else throw new Error('list, move USER_ID HOME, drain HOME or not-before HOME or --everyone');
}

async function drain(ask: Ask, home: string): Promise<void> {
  let cursor: string | null = null;
  let total = 0;
  do {
    const answer: { moved: number; next_cursor: string | null } = await ask(
      'POST',
      `/v1/homes/${encodeURIComponent(home)}/drain`,
      { cursor },
    );
    total += answer.moved;
    cursor = answer.next_cursor;
    console.log(`${total} moved`);
  } while (cursor !== null);
  console.log(`${home} is empty. Keep it bound until the tokens that name it have expired.`);
}
