/** Time and chance as the client sees them: passed in, so that a test decides them. */

export interface Clock {
  /** Milliseconds, by any clock: only durations are measured. */
  now(): number;
  /** From 0 up to 1, for spreading what would otherwise happen at once. */
  random(): number;
  /** Runs the task once, so many milliseconds from now; gives the way to cancel it. */
  after(ms: number, task: () => void): () => void;
}

export function toClock({ now = Date.now, random = Math.random, after }: Partial<Clock>): Clock {
  return {
    now,
    random,
    after:
      after ??
      ((ms, task) => {
        const timer = setTimeout(task, ms);
        return () => clearTimeout(timer);
      }),
  };
}

/**
 * A stretch of time. It is kept as a start and a length, because a moment alone says nothing once a
 * clock that was ahead has been set right: it would be as far off as the clock was.
 */
export interface Span {
  from: number;
  ms: number;
}

/** What a clock may be adjusted by without having been set back. */
const ADJUSTED_MS = 1_000;

/** Milliseconds that are left of it. None when it begins later than now: then the clock was set. */
export function left({ from, ms }: Span, now: number): number {
  return now < from - ADJUSTED_MS ? 0 : Math.max(0, from + ms - now);
}
