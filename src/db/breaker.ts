/**
 * A circuit breaker for one home, in one isolate: after several failures in a row nothing is asked
 * of it for a moment, and the answer is 503 at once instead of a wait for each. Then one request at
 * a time tries; the first success closes the circuit. So a home that is away slows nobody, and gets
 * no storm when it is back.
 */

export interface Breaker {
  /** False: nothing may be asked now. True: the caller has to report how it went. */
  mayTry(): boolean;
  succeeded(): void;
  failed(): void;
}

/** Failures in a row that open the circuit. */
const FAILURES = 5;
/** How long the circuit stays open before the next try. */
export const OPEN_MS = 1_000;

/** `clock` gives milliseconds. */
export function createBreaker(clock: () => number): Breaker {
  let failures = 0;
  let nextTryAt = 0;
  return {
    mayTry() {
      if (failures < FAILURES) return true;
      const now = clock();
      if (now < nextTryAt) return false;
      // Other requests wait for the outcome of this one, at most as long again.
      nextTryAt = now + OPEN_MS;
      return true;
    },
    succeeded() {
      failures = 0;
    },
    failed() {
      failures += 1;
      nextTryAt = clock() + OPEN_MS;
    },
  };
}
