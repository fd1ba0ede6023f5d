/** What a rule answers when the person proved too long ago who they are (RFC 9470 §3). */
import type { Config } from '../config/config';
import { type Refused, refuse } from './refusal';

export function tooOld({ reauthenticateToRevokeSeconds }: Config): Refused {
  return refuse({
    code: 'insufficient_user_authentication',
    maxAgeSeconds: reauthenticateToRevokeSeconds ?? 0,
  });
}
