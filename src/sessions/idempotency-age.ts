/**
 * How long a create can be repeated with its Idempotency-Key. Every read of a key goes by this, so
 * that nothing depends on when the clean-up deletes the key. A change of the number holds at once,
 * also for keys that exist already.
 */

/**
 * test/docs.test.ts holds those who say it to it: docs/api.md, docs/personal-data.md, and the types
 * in client/rpc/inputs.ts and operator-answers.ts.
 */
export const IDEMPOTENCY_SECONDS = 86_400;

/** A key that was first used at this time or before counts no more at `now` (ms): it is new. */
export function forgottenUpTo(now: number): Date {
  return new Date(now - IDEMPOTENCY_SECONDS * 1000);
}
