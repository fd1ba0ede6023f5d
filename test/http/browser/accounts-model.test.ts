/**
 * Several accounts in one browser against a small model of it (docs/accounts.md): random histories
 * of people, a guest and support staff who sign in, switch, refresh and sign out, also with answers
 * that come late, of backends that end sessions and users, moves, crashes and time. After each step
 * it is foretold who is in the browser, who is current, and whose cookies it has. `MODEL_RUNS` says
 * how many histories, and `MODEL_SEED` repeats a failure, as in test/sessions/model.test.ts.
 */
import { env } from 'cloudflare:test';
import fc from 'fast-check';
import { it } from 'vitest';
import { clientsWith } from '../../fixtures';
import { beginEmpty, emptyHomes, HOMES, startThreeHomes } from '../../homes/three-homes';
import {
  ACCESS_TOKEN_TTL,
  ACCOUNTS,
  type Command,
  DAY,
  GRACE,
  HOUR,
  IDLE,
  LIFETIME,
  LINK_SECONDS,
  type Model,
  PEOPLE,
  type Real,
} from './accounts-model/accounts-world';
import { type Ask, InTurn, Late } from './accounts-model/answers';
import { OpenAgain, SignIn } from './accounts-model/arrivals';
import { Crash, EndSession, EndUser, MoveUser, Wait } from './accounts-model/elsewhere';
import { Refresh, SignOut, SignOutEverywhere, Switch } from './accounts-model/pages';
import { startWithBrowsers } from './browser';

beginEmpty();

const RUNS = Number(env.MODEL_RUNS);

async function firstVariables(): Promise<Real['variables']> {
  return {
    CLIENTS: clientsWith(await startWithBrowsers(), 'web', { several_accounts: true }),
    REFRESH_GRACE_SECONDS: String(GRACE),
    INACTIVITY_TIMEOUT_SECONDS: String(IDLE),
    SESSION_LIFETIME_SECONDS: String(LIFETIME),
    ACCESS_TOKEN_TTL_SECONDS: String(ACCESS_TOKEN_TTL),
    // Longer than any history, so that what is over can be asked about.
    CLEANUP_RETENTION_SECONDS: String(3_000 * DAY),
  };
}

it('any history of a browser leaves the accounts that the model foretells: nobody signed out unasked, nobody current unchosen, no cookie of another’s', {
  timeout: Math.max(600_000, RUNS * 5_000),
}, async () => {
  const variables = await firstVariables();
  await fc.assert(
    fc.asyncProperty(fc.boolean(), histories(), async (isSpread, history) => {
      await emptyHomes();
      for (const name of HOMES) await env[name].exec('DELETE FROM signing_keys');
      const homes = await startThreeHomes(variables);
      const model: Model = {
        now: homes.service.clock.now / 1000,
        sessions: [],
        links: [],
        browser: { sessions: new Map(), accessTokens: new Map(), chosen: null },
      };
      const real: Real = { homes, variables, jar: new Map(), isSpread };
      await fc.asyncModelRun(() => ({ model, real }), history);
    }),
    {
      numRuns: RUNS,
      endOnFailure: false,
      ...(env.MODEL_SEED && { seed: Number(env.MODEL_SEED) }),
    },
  );
});

function histories() {
  const person = fc.nat({ max: PEOPLE.length - 1 });
  const index = fc.constantFrom(...ACCOUNTS);
  const back = fc.nat({ max: 7 });
  const signIn: fc.Arbitrary<Ask> = fc
    .oneof(
      { weight: 4, arbitrary: fc.record({ person, isSupport: fc.constant(false) }) },
      fc.record({ person, isSupport: fc.constant(true) }),
      fc.constant('guest' as const),
    )
    .map((who) => new SignIn(who));
  const refresh: fc.Arbitrary<Ask> = fc.constant(new Refresh());
  const change: fc.Arbitrary<Ask> = index.map((number) => new Switch(number));
  const openAgain: fc.Arbitrary<Ask> = back.map((number) => new OpenAgain(number));
  const signOut: fc.Arbitrary<Ask> = fc
    .oneof(
      { weight: 3, arbitrary: index },
      { weight: 2, arbitrary: fc.constant(null) },
      fc.constant('all' as const),
    )
    .map((which) => new SignOut(which));
  const ask = fc.oneof(signIn, refresh, change, openAgain, signOut);
  const late: fc.Arbitrary<Command> = fc
    .tuple(
      fc.oneof(refresh, refresh, change, signOut),
      fc.array(ask, { minLength: 1, maxLength: 3 }),
    )
    .map((all) => new Late(...all));
  const everyone = PEOPLE.map((_, each) => new SignIn({ person: each, isSupport: false }));
  /** As many as a browser holds, or more. */
  const crowd: fc.Arbitrary<Command> = fc
    .shuffledSubarray(everyone, { minLength: ACCOUNTS.length })
    .map((asks) => new InTurn(asks));
  const wait: fc.Arbitrary<Command> = fc
    .constantFrom(1, GRACE - 1, GRACE, LINK_SECONDS, ACCESS_TOKEN_TTL, HOUR, DAY, IDLE, LIFETIME)
    .map((seconds) => new Wait(seconds));
  const often = [signIn, signIn, refresh, change, late];
  return fc.commands<Model, Real, false>(
    [
      ...often,
      ...often,
      wait,
      wait,
      crowd,
      crowd,
      signOut,
      openAgain,
      fc.constant(new SignOutEverywhere()),
      back.map((number) => new EndSession(number)),
      person.map((number) => new EndUser(number)),
      fc.tuple(person, fc.constantFrom(...HOMES)).map((all) => new MoveUser(...all)),
      fc.constant(new Crash()),
    ],
    { maxCommands: 25, size: 'max' },
  );
}
