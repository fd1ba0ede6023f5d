/** Time and chance as the client sees them: passed in, so that a test decides them. */
import type { ClientOptions } from './types';

/** Milliseconds that are left at the time of the call. */
export type Left = () => number;

export interface Clock {
  /** Milliseconds, by any clock: only durations are measured. */
  now(): number;
  /** From 0 up to 1, for spreading what would otherwise happen at once. */
  random(): number;
  /** Runs the task once, so many milliseconds from now; gives the way to cancel it. */
  after(ms: number, task: () => void): () => void;
  /**
   * A stretch of time from now on, or from `from`. It is kept as a start and a length, because a
   * moment alone says nothing once a clock that was ahead has been set right: it would be as far
   * off as the clock was. Nothing is left when it begins later than now: then the clock was set.
   */
  span(ms: number, from?: number): Left;
}

/** The adjustment of a clock that does not count as setting it back. */
const ADJUSTED_MS = 1_000;

export function toClock({
  now = Date.now,
  random = Math.random,
  after = (ms, task) => {
    const timer = setTimeout(task, ms);
    return () => clearTimeout(timer);
  },
}: Pick<ClientOptions, 'now' | 'random' | 'after'>): Clock {
  return {
    now,
    random,
    after,
    span:
      (ms, from = now()) =>
      () =>
        now() < from - ADJUSTED_MS ? 0 : Math.max(0, from + ms - now()),
  };
}
