/** Rate Limiting bindings count by the minute of the clock, and begin anew with each. */
const PERIOD_MS = 60_000;

/** Waits for the next period where this one ends before a test of so many milliseconds does. */
export async function roomInPeriod(neededMs: number): Promise<void> {
  const leftMs = PERIOD_MS - (Date.now() % PERIOD_MS);
  if (leftMs < neededMs) await new Promise((resolve) => setTimeout(resolve, leftMs + 10));
}
