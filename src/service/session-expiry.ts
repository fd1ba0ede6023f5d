/** Decides when a session that starts will end: by time, or with its browser. */
import { policyOf, type SessionPolicies, type SessionPolicy } from '../config/session-policy';
import { invalid, type Refused, type Result } from './refusal';

/** `expiresIn` in seconds; null: never; undefined: as its policy has it. `now` is in ms. */
export function toExpiry(
  expiresIn: number | null | undefined,
  { lifetimeSeconds: limit }: SessionPolicy,
  now: number,
): Result<{ expiresAt: Date | null }> {
  if (expiresIn === null && limit !== null)
    return invalid('expires_in cannot be null: sessions of this client end by time');
  if (limit !== null && expiresIn != null && expiresIn > limit)
    return invalid(`expires_in must be at most ${limit}`);
  const seconds = expiresIn === undefined ? limit : expiresIn;
  const expiresAt = seconds === null ? null : new Date((Math.floor(now / 1000) + seconds) * 1000);
  if (expiresAt !== null && Number.isNaN(expiresAt.getTime()))
    return invalid('expires_in is too large');
  return { ok: true, expiresAt };
}

/**
 * A session is kept by its browser where its client's may be: it can ask for less, not for more.
 */
export function whyNotPersistent(
  policies: SessionPolicies,
  clientId: string,
  persistent: boolean | null,
): Refused | null {
  if (persistent !== true || policyOf(policies, clientId).isPersistent) return null;
  return invalid('persistent cannot be true: browsers keep no session of this client');
}
