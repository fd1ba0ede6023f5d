/**
 * The state of a tab's session, and which of two states wins. Every sign-in and every sign-out has
 * an epoch, a number that is greater than all before it, in whichever tab they were. A grant of the
 * epoch of a sign-out, or of an earlier one, is over, however late it arrives. All of this is pure:
 * no timers, no requests.
 */
import { type Grant, isAfter } from './grant';
import type { SessionState } from './types';

/** Everything up to this epoch is over. */
export interface Ended {
  endedAt: number;
  reason: string | null;
}

export interface State {
  readonly session: SessionState;
  /** The newest grant of the newest sign-in; null when there is none, or it is over. */
  readonly current: Grant | null;
  /** The newest sign-in that is known here. */
  readonly epoch: number;
  readonly ended: Ended;
  /** Nothing is taken any more, and nobody is told. */
  readonly isClosed?: boolean;
}

export const INITIAL: State = {
  session: 'unknown',
  current: null,
  epoch: 0,
  ended: { endedAt: 0, reason: null },
};

/** The epoch of a sign-in or sign-out that happens now. */
export function nextEpoch({ epoch, ended }: State, now: number, random: number): number {
  // The fraction tells two tabs apart that sign in in the same millisecond.
  return Math.max(now, epoch, ended.endedAt) + 1 + random;
}

/** With this grant, unless it is over or what is known is newer: then the same state. */
export function withGrant(state: State, grant: Grant): State {
  const { current, epoch, ended } = state;
  if (grant.epoch <= ended.endedAt || (current && !isAfter(grant, current))) return state;
  return { ...state, session: 'active', current: grant, epoch: Math.max(epoch, grant.epoch) };
}

/**
 * After the end of everything up to an epoch; the same state when a newer sign-in is known, or a
 * later end. A tab that has held nothing learns from another tab's end only what to ignore.
 */
export function withEnd(state: State, ended: Ended, isOwn?: boolean): State {
  if (ended.endedAt <= state.ended.endedAt || state.epoch > ended.endedAt) return state;
  const session = isOwn || state.current ? 'signed_out' : state.session;
  return { ...state, session, current: null, ended };
}

/**
 * A message between tabs: a grant, an end, that the cookies are being removed (so that no refresh
 * may start), or nothing, which asks for what the others have.
 */
export type Message = Grant | Ended | { isLeaving: true } | Record<string, never>;

/** The acts that a message can call for. */
export interface Acts {
  adopt(grant: Grant): void;
  end(ended: Ended): void;
  /** Starts no request for a moment. */
  holdBack(): void;
  tell(message: Message): void;
}

export function react({ current, ended }: State, message: Message, acts: Acts): void {
  if ('isLeaving' in message) acts.holdBack();
  else if ('endedAt' in message) acts.end(message as Ended);
  else if ((message as Grant).epoch > ended.endedAt) acts.adopt(message as Grant);
  // Another tab asks, or has not heard that its session is over.
  else if (current || ended.endedAt) acts.tell(current ?? ended);
}

/**
 * Decides how memory and storage come together. `stored` is null when the storage is empty and
 * undefined when it cannot be read, which says nothing. `emptied` is the grant that the storage has
 * held and that nothing has taken the place of: finding the storage empty then means that somebody
 * signed out.
 */
export function reconcile(
  { current, ended }: State,
  stored: Grant | null | undefined,
  emptied: Grant | null,
): 'adopt' | 'end' | 'write' | 'remove' | undefined {
  if (stored && stored.epoch > ended.endedAt && !(current && isAfter(current, stored)))
    return 'adopt';
  if (stored === null && emptied && emptied === current) return 'end';
  if (current) return 'write';
  if (stored !== null && ended.endedAt) return 'remove';
  return undefined;
}
