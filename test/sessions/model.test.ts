/**
 * The service, over three homes, against a small model of it: random histories of creates,
 * refreshes, replays, thefts, lost answers, step-ups, sign-outs, changed claims, support staff,
 * not-befores, leaks and forgeries, people named by their id or by a provider's name,
 * moves that are cut anywhere, crashes, another configuration, faults and time, each answer
 * foretold. `MODEL_RUNS` says how many histories, and `MODEL_SEED` repeats a failure:
 * `MODEL_RUNS=3000 npx vitest run --project workers test/sessions/model.test.ts`.
 */
import { env } from 'cloudflare:test';
import fc from 'fast-check';
import { it } from 'vitest';
import { APP, startService } from '../fixtures';
import { beginEmpty, emptyHomes, HOMES, startThreeHomes } from '../homes/three-homes';
import { Change, RevokeAllBut, RevokeUser } from './model/backend';
import {
  DOORS,
  ForgeAccessToken,
  ForgeRefreshToken,
  LeakSecret,
  WithdrawKeys,
} from './model/leaks';
import { Crash, type Cut, InTurn, Move, NotBefore, Reconfigure, Wait } from './model/operator';
import { Refresh, SignOut, StepUp } from './model/person';
import { Create, Impersonate } from './model/starts';
import {
  DAY,
  FAULTS,
  type FaultName,
  FIRST_VARIABLES,
  GRACE,
  HOUR,
  IDLE,
  LIFETIMES,
  LOST_ANSWER,
  type Model,
  POLICIES,
  type Real,
  TENANT,
} from './model/world';

beginEmpty();

const RUNS = Number(env.MODEL_RUNS);

/** The apps with their policies, and the backend that acts for them. */
async function firstVariables() {
  const { CLIENTS } = (await startService()).env;
  const [backend] = JSON.parse(CLIENTS ?? '[]') as object[];
  const apps = Object.entries(POLICIES).map(([client_id, { grace, idle, limit }]) => ({
    client_id,
    ...(client_id !== APP && {
      sessions: {
        refresh_grace_seconds: grace,
        inactivity_timeout_seconds: idle,
        max_per_user: limit,
      },
    }),
    ...(client_id === 'tenant-app' && { subject: { external: TENANT } }),
  }));
  const clients = [{ ...backend, for_clients: Object.keys(POLICIES) }, ...apps];
  return { ...FIRST_VARIABLES, CLIENTS: JSON.stringify(clients) };
}

it('any history ends as the model foretells: nobody wrongly signed out, no fork, no ended session back, none over the limit, nobody raised by another’s proof', {
  timeout: Math.max(600_000, RUNS * 5_000),
}, async () => {
  const variables = await firstVariables();
  await fc.assert(
    fc.asyncProperty(histories(), async (history) => {
      await emptyHomes();
      for (const name of HOMES) await env[name].exec('DELETE FROM signing_keys');
      const homes = await startThreeHomes(variables);
      const model: Model = {
        now: homes.service.clock.now / 1000,
        lifetime: LIFETIMES[0],
        sessions: [],
        homes: new Map(),
        named: new Set(),
        unfinished: new Set(),
        generation: 0,
        previousEndsAt: 0,
        generations: new Map(),
        withdrawn: new Set(),
        proofs: 0,
        changes: 0,
      };
      const real: Real = { homes, variables, stolenKeys: [] };
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
  const index = fc.oneof(
    { weight: 3, arbitrary: fc.constant(0) },
    { weight: 2, arbitrary: fc.nat({ max: 7 }) },
  );
  const user = fc.nat({ max: 1 });
  const client = fc.oneof(
    { weight: 3, arbitrary: fc.constant(APP) },
    { weight: 2, arbitrary: fc.constant('tenant-app' as const) },
    fc.constant('other-app' as const),
  );
  const by = fc.constantFrom('id' as const, 'name' as const);
  const place = fc.constantFrom('nowhere' as const, 'paris' as const, 'tokyo' as const);
  const back = fc.oneof(
    { weight: 4, arbitrary: fc.constant(0) },
    { weight: 3, arbitrary: fc.constant(1) },
    fc.nat({ max: 4 }),
  );
  const caller = fc.oneof(
    { weight: 5, arbitrary: fc.constant('owner' as const) },
    fc.constant('thief' as const),
  );
  const fault = fc.oneof(
    { weight: 6, arbitrary: fc.constant('none' as const) },
    fc.constantFrom(...(Object.keys(FAULTS) as Exclude<FaultName, 'none'>[])),
  );
  const afterGrace = fc.integer({ min: GRACE, max: 2 * GRACE });
  const wait = fc.oneof(
    fc.constantFrom(1, GRACE - 1, GRACE, LOST_ANSWER, HOUR, DAY, IDLE, ...LIFETIMES),
    fc.integer({ min: 1, max: GRACE }),
    afterGrace,
  );
  const cut: fc.Arbitrary<Cut> = fc.option(
    fc.record({ step: fc.constantFrom(0, 1, 2, 3), when: fc.constantFrom('before', 'after') }),
  );
  const refresh = fc.tuple(index, back, caller, fault).map((all) => new Refresh(...all));
  const step = (number: number, backwards: number, seconds: number) => [
    new Wait(seconds),
    new Refresh(number, backwards, 'owner', 'none'),
  ];
  /** Rotations, and one whose answer was lost, perhaps again and again, or of the next one too. */
  const lostAnswer = fc
    .record({
      index,
      seconds: afterGrace,
      rotations: fc.nat({ max: 2 }),
      times: fc.integer({ min: 1, max: 4 }),
      isNextLost: fc.boolean(),
    })
    .map(({ index: number, seconds, rotations, times, isNextLost }) => {
      const repeat = (count: number, backwards: number) =>
        Array.from({ length: count }, () => step(number, backwards, seconds)).flat();
      const lost = [...repeat(rotations + 1, 0), ...repeat(times, 1)];
      return new InTurn([...lost, ...(isNextLost ? [...repeat(1, 0), ...repeat(1, 1)] : [])]);
    });
  /** A release before ended sessions that last longer than its configuration says. */
  const oldNotBefore = fc
    .tuple(fc.tuple(user, client, by, place), fc.boolean(), fc.constantFrom(HOUR, DAY))
    .map(([start, isOfOne, seconds]) => {
      const commands = [
        new Reconfigure(5 * DAY),
        new Create(...start),
        new Wait(1),
        new Reconfigure(HOUR),
        new NotBefore(isOfOne ? start[0] : null, start[2], true),
        new Wait(seconds),
      ];
      return new InTurn(commands);
    });
  /** Whoever has a secret forges, also before its real tokens have ended. */
  const forgery = fc
    .tuple(index, fc.constantFrom(...DOORS), fc.constantFrom(0, HOUR))
    .map(([number, door, seconds]) => {
      const forge = new ForgeRefreshToken(number, door, 1);
      return new InTurn([
        new Create(0, APP, 'id', 'nowhere'),
        new LeakSecret(seconds),
        forge,
        new Wait(1),
      ]);
    });
  const paths = ['/v1/sessions/current', '/v1/sessions/revoke-others'] as const;
  // What one person does, a few times for each thing that an operator does.
  const often = [
    fc.tuple(user, client, by, place).map((all) => new Create(...all)),
    refresh,
    refresh,
    refresh,
    fc.tuple(index, back, fault).map((all) => new StepUp(...all)),
    wait.map((seconds) => new Wait(seconds)),
    wait.map((seconds) => new Wait(seconds)),
  ];
  return fc.commands(
    [
      ...often,
      ...often,
      lostAnswer,
      lostAnswer,
      lostAnswer,
      oldNotBefore,
      forgery,
      fc.tuple(index, fc.boolean()).map((all) => new SignOut(...all)),
      fc.tuple(user, by).map((all) => new RevokeUser(...all)),
      fc.tuple(index, by).map((all) => new RevokeAllBut(...all)),
      fc.tuple(user, by, fc.boolean()).map((all) => new Change(...all)),
      fc.tuple(user, client, by).map((all) => new Impersonate(...all)),
      fc.tuple(user, by, fc.constantFrom(...HOMES), cut).map((all) => new Move(...all)),
      fc.tuple(fc.option(user), by, fc.boolean()).map((all) => new NotBefore(...all)),
      fc.constantFrom(...LIFETIMES).map((lifetime) => new Reconfigure(lifetime)),
      fc.constant(new Crash()),
      fc.constant(new WithdrawKeys()),
      fc.constantFrom(0, GRACE, HOUR, DAY).map((seconds) => new LeakSecret(seconds)),
      fc
        .tuple(index, fc.constantFrom(...DOORS), fc.integer({ min: 1, max: 2 }))
        .map((all) => new ForgeRefreshToken(...all)),
      fc.tuple(index, fc.constantFrom(...paths)).map((all) => new ForgeAccessToken(...all)),
    ],
    { maxCommands: 45, size: 'max' },
  );
}
