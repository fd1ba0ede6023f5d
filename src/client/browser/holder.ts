/** The state that this tab holds, and who is told when it moves. */

import type { Clock } from './clock';
import type { Grant, Presented } from './grant';
import { type Ended, INITIAL, nextEpoch, type State, withEnd, withGrant } from './state';
import type { SessionState } from './types';

/** `reason` undefined: there was no session to end. */
export type Listener = (session: SessionState, reason?: string | null) => void;

export interface Holder {
  readonly state: State;
  /** Takes a grant unless what is here is newer. `isOwn`: this tab's own, so others want it. */
  adopt(grant: Grant, isOwn?: boolean): void;
  /** Everything up to this epoch is over. */
  end(ended: Ended, isOwn?: boolean): void;
  /** Changes what does not order the grants and ends of the session: neither told nor stored. */
  patch(changes: Partial<State>, reason?: string | null): void;
  /** A sign-in, or a sign-out, that happens now. */
  begin(): Presented;
  onChange(listener: Listener): () => void;
}

/** `onMove` is called after each grant that was taken and each end that was one. */
export function createHolder(
  { now, random }: Clock,
  onMove: (news: Grant | Ended, isOwn?: boolean) => void,
): Holder {
  let state = INITIAL;
  const listeners = new Set<Listener>();

  function move(next: State, reason?: string | null): void {
    const isChange = shown(next) !== shown(state);
    state = next;
    if (!isChange || next.isClosed) return;
    // In a microtask each, so that a listener that throws stops nothing.
    for (const listener of listeners) queueMicrotask(() => listener(next.session, reason));
  }

  return {
    get state() {
      return state;
    },
    adopt: (grant, isOwn) => {
      const next = withGrant(state, grant);
      if (next === state || state.isClosed) return;
      move(next);
      onMove(grant, isOwn);
    },
    end: (ended, isOwn) => {
      const next = withEnd(state, ended, isOwn);
      if (next === state) return;
      move(next, ended.reason);
      onMove(ended, isOwn);
    },
    patch: (changes, reason) => move({ ...state, ...changes }, reason),
    begin: () => ({ epoch: nextEpoch(state, now(), random()), step: 0, turn: 0 }),
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** The part of a state that an app sees. */
const shown = ({ session, current }: State) =>
  JSON.stringify([session, current?.claims ?? current?.epoch]);
