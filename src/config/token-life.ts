/** For how long an access token may be accepted anywhere. */
import { longestTokenTtlSeconds, type SessionPolicies } from './session-policy';

/** How far clocks may differ, which is what a verifier tolerates by default (client/verify). */
export const CLOCK_SKEW_SECONDS = 60;

/**
 * Of any client, in seconds since it was issued: beyond its life by what a verifier tolerates, and
 * by as much again where its clock is behind.
 */
export function tokenLifeSeconds({ sessions }: { sessions: SessionPolicies }): number {
  return longestTokenTtlSeconds(sessions) + 2 * CLOCK_SKEW_SECONDS;
}
