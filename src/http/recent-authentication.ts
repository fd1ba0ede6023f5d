/** The answer to whoever has to prove anew who they are before they may end other sessions. */
import type { Config } from '../config/config';
import { ProblemError } from './errors';

/** The challenge of RFC 9470 §3. */
export function authenticationTooOld({ reauthenticateToRevokeSeconds }: Config): ProblemError {
  return new ProblemError(
    'insufficient_user_authentication',
    'The user has to authenticate again first',
    {
      'WWW-Authenticate': `Bearer error="insufficient_user_authentication", error_description="A more recent authentication is required", max_age="${reauthenticateToRevokeSeconds}"`,
    },
  );
}
