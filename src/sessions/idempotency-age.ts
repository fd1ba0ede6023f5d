/**
 * How long a create can be repeated with its Idempotency-Key. Every read of a key goes by this, so
 * that nothing depends on when the clean-up deletes the key. A change of the setting holds at once,
 * also for keys that exist already.
 */

/** A test holds the texts that say it to it: "24 hours" in the documents and types, "a day". */
export const IDEMPOTENCY_SECONDS = 86_400;

/** A key that was first used at this time or before counts no more at `now` (ms): it is new. */
export function forgottenUpTo(now: number): Date {
  return new Date(now - IDEMPOTENCY_SECONDS * 1000);
}
