/** The value of a call's answer; a refusal is thrown, and the console's page tells of it. */
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
  return !answer.ok && answer.code === 'invalid_request' ? null : valueUnlessGone(answer);
}

/** null where nothing of this name is there. Throws `RefusedCall` for all else. */
export function valueUnlessGone<Value>(answer: Answer<Value>): Value | null {
  return !answer.ok && answer.code === 'not_found' ? null : valueIn(answer);
}

/** The value of an answer; null: a database does not answer. Throws `RefusedCall` for all else. */
export function valueUnlessAway<Value>(answer: Answer<Value>): Value | null {
  return !answer.ok && answer.code === 'temporarily_unavailable' ? null : valueIn(answer);
}

/** The status of the page that tells of a refused call. */
export function statusOf({ code, retry_after: after }: Refusal): 400 | 502 | 503 {
  if (after !== undefined) return 503;
  return code === 'invalid_request' ? 400 : 502;
}
