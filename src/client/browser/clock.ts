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
