/** What wins over what in a tab, as a table: no timers, no requests. */
import { describe, expect, it } from 'vitest';
import type { Grant } from '../../src/client/browser/grant';
import {
  type Ended,
  INITIAL,
  type Message,
  nextEpoch,
  react,
  reconcile,
  type State,
  withEnd,
  withGrant,
} from '../../src/client/browser/state';

const grant = (epoch: number, step = 1, at = 0, turn = step): Grant => ({
  epoch,
  step,
  turn,
  at,
  lifeMs: 300_000,
  dueMs: 240_000,
});
/** As 0.1.0 tells it to the other tabs of a browser. */
const withoutTurn = ({ turn: _, ...rest }: Grant): Grant => rest as Grant;
const ended = (endedAt: number): Ended => ({ endedAt, reason: 'signed_out' });
const holding = (current: Grant): State => withGrant(INITIAL, current);
const over = (endedAt: number): State => withEnd(INITIAL, ended(endedAt), true);

describe('a grant', () => {
  it.each<[string, State, Grant, 'taken' | 'ignored']>([
    ['the first one', INITIAL, grant(10), 'taken'],
    ['of a later step', holding(grant(10, 1)), grant(10, 2), 'taken'],
    ['of an earlier step', holding(grant(10, 2)), grant(10, 1), 'ignored'],
    ['the same again', holding(grant(10, 2, 5)), grant(10, 2, 5), 'ignored'],
    ['of the same step, asked for later', holding(grant(10, 2, 5)), grant(10, 2, 6), 'taken'],
    [
      'of the same step, a later answer by a clock that was set back',
      holding(grant(10, 2, 5_000, 2)),
      grant(10, 2, 5, 3),
      'taken',
    ],
    ['of a later sign-in, whatever its step', holding(grant(10, 9)), grant(11, 0), 'taken'],
    [
      'of a tab of a release that counts no answers, asked for later',
      holding(grant(10, 2, 5)),
      withoutTurn(grant(10, 2, 6)),
      'taken',
    ],
    [
      'in place of one of such a tab, asked for later',
      holding(withoutTurn(grant(10, 2, 5))),
      grant(10, 2, 6),
      'taken',
    ],
    [
      'of such a tab, asked for earlier',
      holding(grant(10, 2, 5)),
      withoutTurn(grant(10, 2, 4)),
      'ignored',
    ],
    ['of an earlier sign-in', holding(grant(11, 0)), grant(10, 9), 'ignored'],
    ['of the sign-in that has ended', over(10), grant(10), 'ignored'],
    ['of a sign-in before that', over(10), grant(9), 'ignored'],
    ['of a sign-in after the end', over(10), grant(10.5), 'taken'],
  ])('%s', (_, state, next, outcome) => {
    const result = withGrant(state, next);
    if (outcome === 'ignored') expect(result).toBe(state);
    else expect(result).toMatchObject({ session: 'active', current: next });
  });
});

describe('an end', () => {
  it.each<[string, State, Ended, boolean, State['session'] | 'ignored']>([
    ['of what is held', holding(grant(10)), ended(10), true, 'signed_out'],
    ["of what is held, by another tab's word", holding(grant(10)), ended(10), false, 'signed_out'],
    ['of an earlier sign-in', holding(grant(11)), ended(10), false, 'ignored'],
    ['that is known', over(10), ended(10), false, 'ignored'],
    ['before one that is known', over(10), ended(9), false, 'ignored'],
    ["by this tab's own refusal, with nothing held", INITIAL, ended(10), true, 'signed_out'],
    ["by another tab's word, with nothing held", INITIAL, ended(10), false, 'unknown'],
  ])('%s', (_, state, end, isOwn, outcome) => {
    const result = withEnd(state, end, isOwn);
    if (outcome === 'ignored') return expect(result).toBe(state);
    expect(result).toMatchObject({ session: outcome, current: null, ended: end });
    expect(withGrant(result, grant(end.endedAt, 99))).toBe(result);
  });

  it('does not reach the sign-in that comes next, on whatever clock', () => {
    const state = over(5_000);
    const next = nextEpoch(state, 1_000, 0);
    expect(next).toBeGreaterThan(5_000);
    expect(withGrant(state, grant(next)).session).toBe('active');
    expect(nextEpoch(INITIAL, 1_000, 0.25)).not.toBe(nextEpoch(INITIAL, 1_000, 0.75));
  });
});

describe('a message of another tab', () => {
  const held = grant(10);
  it.each<[string, State, Message, unknown[]]>([
    ['asks, nothing is known here', INITIAL, {}, []],
    ['asks, a grant is held', holding(held), {}, ['tell', held]],
    ['asks, it is over', over(10), {}, ['tell', ended(10)]],
    ['brings a grant', INITIAL, held, ['adopt', held]],
    ['brings what is over', over(10), held, ['tell', ended(10)]],
    ['brings an end', holding(held), ended(10), ['end', ended(10)]],
    ['has the cookies removed', holding(held), { isLeaving: true }, ['holdBack']],
  ])('%s', (_, state, message, reaction) => {
    const done: unknown[] = [];
    const note =
      (act: string) =>
      (...values: unknown[]) =>
        done.push(act, ...values);
    const acts = { adopt: note('adopt'), end: note('end'), tell: note('tell') };
    react(state, message, { ...acts, holdBack: note('holdBack') });
    expect(done).toEqual(reaction);
  });
});

describe('the storage', () => {
  const held = grant(10, 2);
  it.each<[string, State, Grant | null | undefined, Grant | null, ReturnType<typeof reconcile>]>([
    ['holds a session, memory nothing', INITIAL, held, null, 'adopt'],
    ['holds a later step', holding(held), grant(10, 3), null, 'adopt'],
    ['holds the same', holding(held), held, null, 'adopt'],
    ['holds an earlier step', holding(held), grant(10, 1), null, 'write'],
    ['holds what is over', over(10), held, null, 'remove'],
    ['was emptied by somebody else', holding(held), null, held, 'end'],
    ['was emptied before a new sign-in', holding(held), null, grant(9), 'write'],
    ['has never held this one', holding(held), null, null, 'write'],
    ['cannot be read, a grant is held', holding(held), undefined, held, 'write'],
    ['cannot be read, it is over', over(10), undefined, null, 'remove'],
    ['cannot be read, nothing is known', INITIAL, undefined, null, undefined],
    ['is empty, and so is memory', INITIAL, null, null, undefined],
    ['is empty, it is over', over(10), null, null, undefined],
  ])('%s', (_, state, stored, emptied, step) => {
    expect(reconcile(state, stored, emptied)).toBe(step);
  });
});
