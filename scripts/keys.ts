/**
 * `npm run keys`: the signing keys, by the service's own API. What to do when:
 * docs/when-something-leaked.md.
 *
 *   npm run keys                 the keys, and what each is doing
 *   npm run keys -- revoke KID   a key is compromised: it is refused, and a new one signs at once
 *   npm run keys -- revoke all   the same for every key that was made until now
 *
 * `--env NAME` as for `npm run homes`. Everything may be interrupted and run again.
 */
import { type Ask, operate } from './ask-service.ts';
import { takeEnvironment } from './environment.ts';

interface Revoked {
  revoked: string[];
  signing: string | null;
  refused_here_within: number;
  refused_by_verifiers_within: number;
}

try {
  const { option, rest } = takeEnvironment(process.argv.slice(2));
  await run(operate(option), rest);
} catch (error) {
  console.error(`keys: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}

async function run(ask: Ask, [command = 'list', which, ...more]: string[]): Promise<void> {
  if (command === 'list' && which === undefined) {
    console.table((await ask<{ keys: object[] }>('GET', '/v1/signing-keys')).keys);
  } else if (command === 'revoke' && which !== undefined && more.length === 0) {
    // Keys that are made from now on stay, however often the call has to be repeated.
    const named =
      which === 'all' ? { created_before: Math.floor(Date.now() / 1000) } : { kid: which };
    const answer = await ask<Revoked>('POST', '/v1/signing-keys/revoke', named);
    console.log(
      answer.revoked.length === 0
        ? 'nothing was left to revoke'
        : `revoked ${answer.revoked.join(', ')}: refused here within ${answer.refused_here_within} s, by resource servers within ${answer.refused_by_verifiers_within} s`,
    );
    console.log(`${answer.signing} signs`);
  } else throw new Error('list, revoke KID or revoke all');
}
