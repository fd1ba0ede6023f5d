/** What a call answered, to HTTP: its value, or the problem that its refusal is. */
import type { Called } from '../calls/call';
import type { AppContext } from './context';
import { toProblemError } from './refusals';

/** The value, and its outcome for the log line. Throws a problem. */
export function answer<Value>(
  c: AppContext,
  called: Called<Value>,
  toProblem = toProblemError,
): Value {
  if (!called.ok) throw toProblem(called.refusal);
  if (called.outcome !== undefined) c.set('outcome', called.outcome);
  return called.value;
}
