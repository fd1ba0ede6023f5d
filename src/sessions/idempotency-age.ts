/**
 * How long a create can be repeated with its Idempotency-Key. Whoever reads a key asks here, so
 * that nothing depends on when the clean-up gets to it. A change holds at once, also for the keys
 * that there are.
 */

/** A test holds the texts that say it to it: "24 hours" in the documents and types, "a day". */
export const IDEMPOTENCY_SECONDS = 86_400;

/** A key that was first used at this time or before counts no more at `now` (ms): it is new. */
export function forgottenUpTo(now: number): Date {
  return new Date(now - IDEMPOTENCY_SECONDS * 1000);
}
