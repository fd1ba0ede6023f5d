/**
 * The last parameter of functions that apply the rules of sessions. It is the same for all of them
 * in one operation, and an input of none.
 */
import type { SessionPolicies } from '../config/session-policy';
import type { Reporting } from '../security-log/record';

export interface RuleContext {
  policy: SessionPolicies;
  /** Milliseconds since 1970. */
  now: number;
}

/** For functions that also change sessions, and report it. */
export interface WriteContext extends RuleContext {
  reporting: Reporting;
}
