/** When a backend says that the person proved who they are (OpenID Connect Core §2). */
import { CLOCK_SKEW_SECONDS } from '../config/token-life';
import { invalid, type Result } from './refusal';

/** `seconds` since 1970; null: now. `now` is in ms. */
export function toAuthTime(seconds: number | null, now: number): Result<{ authTime: Date }> {
  if (seconds === null) return { ok: true, authTime: new Date(Math.floor(now / 1000) * 1000) };
  if (seconds > now / 1000 + CLOCK_SKEW_SECONDS) return invalid('auth_time is in the future');
  return { ok: true, authTime: new Date(seconds * 1000) };
}
