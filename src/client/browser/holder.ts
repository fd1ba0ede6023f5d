/** The state that this tab holds, and who is told when it moves. */

import type { Clock } from './clock';
import type { Grant, Presented } from './grant';
import { type Ended, INITIAL, nextEpoch, type State, withEnd, withGrant } from './state';
import type { SessionState } from './types';

/** `reason` undefined: there was no session to end. */
export type Listener = (session: SessionState, reason?: string | null) => void;

export interface Holder {
  readonly state: State;
  readonly isClosed: boolean;
  /** Takes a grant unless what is here is newer. `isOwn`: this tab's own, so others want it. */
  adopt(grant: Grant, isOwn?: boolean): void;
  /** Everything up to this epoch is over. */
  end(ended: Ended, isOwn?: boolean): void;
  /** Only says what the session is; nothing that is held changes. */
  show(session: SessionState, reason?: string | null): void;
  /**
   * Lets go of a session that only another tab had the token of, and that tab is gone. What is
   * heard of it later is taken again.
   */
  drop(): void;
  /** A sign-in, or a sign-out, that happens now. */
  begin(): Presented;
  /** The epoch of a request that may turn out to be a sign-in. */
  expect(epoch: number): void;
  onChange(listener: Listener): () => void;
  /** From now on nothing moves and nobody is told. */
  close(): void;
}

/** `onMove` is called after each grant that was taken and each end that was one. */
export function createHolder(
  { now, random }: Clock,
  onMove: (news: Grant | Ended, isOwn: boolean) => void,
): Holder {
  let state = INITIAL;
  let isClosed = false;
  const listeners = new Set<Listener>();

  function move(next: State, reason?: string | null): void {
    const isChange = shown(next) !== shown(state);
    state = next;
    if (!isChange || isClosed) return;
    // In a microtask each, so that a listener that throws stops nothing.
    for (const listener of listeners) queueMicrotask(() => listener(next.session, reason));
  }

  return {
    get state() {
      return state;
    },
    get isClosed() {
      return isClosed;
    },
    adopt: (grant, isOwn = false) => {
      const next = withGrant(state, grant);
      if (next === state || isClosed) return;
      move(next);
      onMove(grant, isOwn);
    },
    end: (ended, isOwn = false) => {
      const next = withEnd(state, ended, isOwn);
      if (next === state) return;
      move(next, ended.reason);
      onMove(ended, isOwn);
    },
    show: (session, reason) => move({ ...state, session }, reason),
    drop: () =>
      move({ ...state, session: 'signed_out', current: null }, state.current ? null : undefined),
    begin: () => ({ epoch: nextEpoch(state, now(), random()), step: 0, turn: 0 }),
    expect: (epoch) => move({ ...state, epoch }),
    onChange: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    close: () => {
      isClosed = true;
    },
  };
}

/** What an app sees of a state. */
const shown = ({ session, current }: State) => JSON.stringify([session, current?.claims]);
