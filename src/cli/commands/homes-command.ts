/** `edge-sessions homes`: what an operator does with homes. All of it may be run again. */
import { type Ask, askAs } from '../ask-service.ts';
import { type EnvironmentOptions, newEnvironmentCommand, newGroup } from '../command.ts';
import { EXIT, Failure } from '../failure.ts';
import { toTable } from '../table.ts';
import { openTerminal, type Terminal } from '../terminal.ts';

type Options = EnvironmentOptions;

const operate = (options: Options, terminal: Terminal) => askAs('operate', options, terminal);

export const homesCommand = () =>
  newGroup('homes', 'the databases, and who lives where', [
    newEnvironmentCommand('move', 'moves a user and all their sessions', [
      'edge-sessions homes move 7b0e4f50-0f4c-4d0b-8f43-0f7d1d2f7c11 DB_WEUR',
    ])
      .argument('<user_id>')
      .argument('<home>', 'the binding of a database')
      .action(move),
    newEnvironmentCommand('drain', 'moves everyone out of a home that takes no new users', [
      'edge-sessions homes drain DB',
    ])
      .argument('<home>', 'the binding of a database')
      .action(drain),
    newEnvironmentCommand('not-before', 'ends all sessions that began until now: after a restore', [
      'edge-sessions homes not-before DB_WEUR',
      'edge-sessions homes not-before --everyone',
    ])
      .argument('[home]', 'the binding of a database')
      .option('--everyone', 'in all homes')
      .action(notBefore),
  ]).addCommand(
    newEnvironmentCommand('list', 'the homes, and which ones answer', [
      'edge-sessions homes',
      'edge-sessions homes list --env staging --json',
    ]).action(list),
    { isDefault: true },
  );

async function list(options: Options): Promise<void> {
  const terminal = openTerminal(options);
  const ask = await operate(options, terminal);
  const { homes } = await ask<{ homes: object[] }>('GET', '/v1/homes');
  terminal.answer({ homes }, toTable(homes));
}

async function move(user: string, home: string, options: Options): Promise<void> {
  const terminal = openTerminal(options);
  const ask = await operate(options, terminal);
  const path = `/v1/users/${encodeURIComponent(user)}/move`;
  const answer = await ask<{ moved: boolean }>('POST', path, { home });
  terminal.answer(
    answer,
    answer.moved ? `${user} lives in ${home} now` : `${user} lived in ${home} already`,
  );
}

async function drain(home: string, options: Options): Promise<void> {
  const terminal = openTerminal(options);
  const ask = await operate(options, terminal);
  const progress = terminal.progress(`moving everyone out of ${home}`);
  try {
    const moved = await drainAll(ask, home, (total) => progress.step(`${total} moved`));
    progress.done(`${moved} moved`);
    terminal.answer(
      { home, moved },
      `${home} is empty. Keep it bound until the tokens that name it have expired.`,
    );
  } catch (error) {
    progress.failed(`${home} is not empty yet: run it again to go on`);
    throw error;
  }
}

async function drainAll(ask: Ask, home: string, told: (moved: number) => void): Promise<number> {
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
    told(total);
  } while (cursor !== null);
  return total;
}

async function notBefore(
  home: string | undefined,
  options: Options & { everyone?: boolean },
): Promise<void> {
  const terminal = openTerminal(options);
  if ((home === undefined) === (options.everyone !== true))
    throw new Failure('name one home, or --everyone', EXIT.usage);
  const ask = await operate(options, terminal);
  const body = home === undefined ? { everyone: true } : { home };
  const answer = await ask<{ not_before: string }>('POST', '/v1/not-before', body);
  const where = home === undefined ? '' : ` in ${home}`;
  terminal.answer(answer, `what began before ${answer.not_before} is over${where}`);
}
