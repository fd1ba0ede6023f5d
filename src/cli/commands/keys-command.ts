/**
 * `edge-sessions keys`: the signing keys. When to use it: docs/when-something-leaked.md. Each
 * command may be run again.
 */
import { type Ask, askAs } from '../ask-service.ts';
import { type EnvironmentOptions, newEnvironmentCommand, newGroup } from '../command.ts';
import { Failure } from '../failure.ts';
import { toTable } from '../table.ts';
import { openTerminal, type Terminal } from '../terminal.ts';

type Options = EnvironmentOptions;

interface Revoked {
  revoked: string[];
  signing: string | null;
  refused_here_within: number;
  refused_by_verifiers_within: number;
}

export const keysCommand = () =>
  newGroup('keys', 'the keys that sign access tokens', [
    newEnvironmentCommand(
      'revoke',
      'a key, or all, is compromised: refused, and replaced at once',
      [
        'edge-sessions keys revoke FsBrRJ8ss47mDK_YbcdwTYqo36Xfb2QXv5Z8ne5QSm8',
        'edge-sessions keys revoke all',
      ],
    )
      .argument('<kid>', 'the key’s id, or all: every key that was made until now')
      .action(revoke),
    newEnvironmentCommand('rotate', 'replaces the key that signs, without waiting for the cron', [
      'edge-sessions keys rotate',
    ]).action(rotate),
  ]).addCommand(
    newEnvironmentCommand('list', 'the keys, and what each is doing', [
      'edge-sessions keys',
      'edge-sessions keys --env staging --json',
    ]).action(list),
    { isDefault: true },
  );

const operate = (options: Options, terminal: Terminal) => askAs('operate', options, terminal);

async function list(options: Options): Promise<void> {
  const terminal = openTerminal(options);
  const ask = await operate(options, terminal);
  const { keys } = await ask<{ keys: object[] }>('GET', '/v1/signing-keys');
  terminal.answer({ keys }, toTable(keys));
}

/**
 * Tokens that the old key signed are refused, and refreshed by their clients: nobody is signed out.
 */
async function rotate(options: Options): Promise<void> {
  const terminal = openTerminal(options);
  const ask = await operate(options, terminal);
  const { keys } = await ask<{ keys: { kid: string; state: string }[] }>('GET', '/v1/signing-keys');
  const signing = keys.find(({ state }) => state === 'signing');
  if (signing === undefined) throw new Failure('no key signs yet: the first request makes one');
  await withdraw(ask, { kid: signing.kid }, terminal);
}

async function revoke(which: string, options: Options): Promise<void> {
  const terminal = openTerminal(options);
  const ask = await operate(options, terminal);
  // Keys that are made from now on stay, however often the call has to be repeated.
  const named =
    which === 'all' ? { created_before: Math.floor(Date.now() / 1000) } : { kid: which };
  await withdraw(ask, named, terminal);
}

async function withdraw(ask: Ask, named: object, terminal: Terminal): Promise<void> {
  const answer = await ask<Revoked>('POST', '/v1/signing-keys/revoke', named);
  const {
    revoked,
    signing,
    refused_here_within: here,
    refused_by_verifiers_within: there,
  } = answer;
  const told =
    revoked.length === 0
      ? 'nothing was left to revoke'
      : `revoked ${revoked.join(', ')}: refused here within ${here} s, by resource servers within ${there} s`;
  terminal.answer(answer, `${told}\n${signing} signs`);
}
