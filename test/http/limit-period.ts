/** Rate Limiting bindings count by the minute of the clock, and begin anew with each. */
const PERIOD_MS = 60_000;

const periodNow = () => Math.floor(Date.now() / PERIOD_MS);

/** Waits for the next period where this one ends within so many milliseconds. */
async function roomInPeriod(neededMs: number): Promise<void> {
  const leftMs = PERIOD_MS - (Date.now() % PERIOD_MS);
  if (leftMs < neededMs) await new Promise((resolve) => setTimeout(resolve, leftMs + 10));
}

/**
 * A test of what is counted within one period. It begins where there is room for its usual time,
 * and where a busy machine takes it past the end of the period all the same, it is run again.
 */
export function inOnePeriod<Args extends unknown[]>(
  usualMs: number,
  test: (...args: Args) => Promise<void>,
): (...args: Args) => Promise<void> {
  return async (...args) => {
    for (;;) {
      await roomInPeriod(usualMs);
      const period = periodNow();
      const failure = await test(...args).then(
        () => null,
        (error: unknown) => ({ error }),
      );
      if (periodNow() !== period) continue;
      if (failure) throw failure.error;
      return;
    }
  };
}
