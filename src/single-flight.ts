/**
 * One request of an isolate does a piece of work, and others that need it at the same time wait for
 * its result, so that a flood of requests costs as much as one. They wait by timers of their own,
 * and never for a promise of another request: a request that is cancelled settles nothing, and one
 * that waited for it takes its place.
 */

export interface SingleFlight<T> {
  /**
   * The result of `make`, run by this request or by another that has begun it. Throws what `make`
   * throws.
   */
  share: (make: () => Promise<T>) => Promise<T>;
  isBusy: () => boolean;
}

interface Flight<T> {
  outcome: { value: T } | { fault: unknown } | null;
  /** The flight that began again, because nothing came of this one in time. */
  next: Flight<T> | null;
}

/** How long another request's work is waited for. */
const WAIT_MS = 1_000;
const FIRST_PAUSE_MS = 2;
const LONGEST_PAUSE_MS = 50;

export function createSingleFlight<T>(): SingleFlight<T> {
  let current: Flight<T> | null = null;

  /** Waits for a flight, or for who took its place; for each so long at most. */
  async function wait(flight: Flight<T>): Promise<Flight<T>> {
    let waitedMs = 0;
    for (let pauseMs = FIRST_PAUSE_MS; flight.outcome === null && waitedMs < WAIT_MS; ) {
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
      if (flight.next !== null) return wait(flight.next);
      waitedMs += pauseMs;
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    }
    return flight;
  }

  async function begin(own: Flight<T>, make: () => Promise<T>): Promise<T> {
    current = own;
    try {
      const value = await make();
      own.outcome = { value };
      return value;
    } catch (fault) {
      own.outcome = { fault };
      throw fault;
    } finally {
      if (current === own) current = null;
    }
  }

  return {
    isBusy: () => current !== null,
    share: async (make) => {
      const own: Flight<T> = { outcome: null, next: null };
      if (current === null) return begin(own, make);
      const other = await wait(current);
      if (other.outcome === null) {
        other.next = own;
        return begin(own, make);
      }
      if ('fault' in other.outcome) throw other.outcome.fault;
      return other.outcome.value;
    },
  };
}
