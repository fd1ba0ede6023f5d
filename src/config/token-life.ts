/** How long an access token may be accepted, by whichever verifier. */
import { longestTokenTtlSeconds, type SessionPolicies } from './session-policy';

/** How far clocks may differ, which is what a verifier tolerates by default (client/verify). */
export const CLOCK_SKEW_SECONDS = 60;

/**
 * The longest that any verifier may accept an access token of any client, in seconds since it was
 * issued: its life, the skew that the verifier tolerates, and as much again, because the verifier's
 * clock may be behind.
 */
export function tokenLifeSeconds({ sessions }: { sessions: SessionPolicies }): number {
  return longestTokenTtlSeconds(sessions) + 2 * CLOCK_SKEW_SECONDS;
}
