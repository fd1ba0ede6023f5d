/**
 * Ending other sessions may ask for a recent authentication, so that a thief of one device cannot
 * lock its owner out (ASVS 7.5.2).
 */
import type { Config } from '../config/config';
import type { AccessToken } from '../tokens/access-token';
import { ProblemError } from './errors';

/** Throws the challenge of RFC 9470 §3 when the person proved too long ago who they are. */
export function requireRecentAuthentication(
  { payload }: Pick<AccessToken, 'payload'>,
  { reauthenticateToRevokeSeconds: maxAge }: Config,
  now: number,
): void {
  if (maxAge === null) return;
  const authTime =
    typeof payload.auth_time === 'number' ? payload.auth_time : Number.NEGATIVE_INFINITY;
  if (now / 1000 - authTime <= maxAge) return;
  throw new ProblemError(
    'insufficient_user_authentication',
    'The user has to authenticate again first',
    {
      'WWW-Authenticate': `Bearer error="insufficient_user_authentication", error_description="A more recent authentication is required", max_age="${maxAge}"`,
    },
  );
}
