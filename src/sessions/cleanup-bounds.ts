/** The rules of a clean-up, and how much one run of it may do; scheduled.ts has the numbers. */
import type { SessionPolicies } from '../config/session-policy';

export interface CleanupPolicy {
  sessions: SessionPolicies;
  retentionSeconds: number;
  eventRetentionSeconds: number;
}

export interface CleanupBounds {
  /** Rows that one statement deletes. */
  sliceRows: number;
  /** No slice is begun once the home's `usage.queries` is this: an invocation may make so many. */
  maxQueries: number;
  /** Rows that one step of the walk for inactive sessions looks at, and how many steps it makes. */
  walkRows: number;
  walkSlices: number;
  /** The run ends after this long, finished or not. */
  budgetMs: number;
  /** Time passing, for the budget and the pace alone. */
  clock: () => number;
  /** Waits for so many milliseconds. */
  rest: (ms: number) => Promise<void>;
}

/** Queries that a slice may take, and those that the end of a run takes. */
export const LAST_QUERIES = 10;
