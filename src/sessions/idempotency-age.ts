/**
 * How long a create can be repeated with its Idempotency-Key. Whoever reads a key asks here, so
 * that nothing depends on when the clean-up gets to it.
 */

const IDEMPOTENCY_SECONDS = 86_400;

/** A key that was used at this time or before is as good as new at `now` (ms). */
export function oldestKept(now: number): Date {
  return new Date(now - IDEMPOTENCY_SECONDS * 1000);
}
