/**
 * What the service answered to a call: its value, or an error that the console's page then tells.
 */
import type { Answer, Refusal } from '../client/rpc';

export class RefusedCall extends Error {
  constructor(readonly refusal: Refusal) {
    super(refusal.code);
  }
}

/** Throws `RefusedCall`. */
export function valueIn<Value>(answer: Answer<Value>): Value {
  if (answer.ok) return answer.value;
  throw new RefusedCall(answer);
}

/** null where nothing of this name is there, or can be. Throws `RefusedCall` for all else. */
export function valueIfThere<Value>(answer: Answer<Value>): Value | null {
  if (answer.ok) return answer.value;
  if (answer.code === 'not_found' || answer.code === 'invalid_request') return null;
  throw new RefusedCall(answer);
}
