/** When a session that starts is to end by time. */
import type { SessionPolicy } from '../config/session-policy';
import { type Result, refuse } from './refusal';

const invalid = (detail: string) => refuse({ code: 'invalid_request', detail });

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
