/**
 * Whom access tokens are for (RFC 8707). A token is for the team's APIs (`AUDIENCE`) unless its
 * client asks for one of the account API's own, with which a person's sessions are seen and ended.
 * Where the two differ, no API can do that with the tokens that it is sent.
 */
import type { Config } from '../config/config';
import { type Result, refuse } from './refusal';

/** The audience of the token that a `resource` asks for; null: none was named. */
export function toAudience(
  { audience, accountAudience }: Pick<Config, 'audience' | 'accountAudience'>,
  resource: string | null,
): Result<{ audience: string }> {
  if (resource === null) return { ok: true, audience };
  const known = [audience, accountAudience].find((candidate) => candidate === resource);
  return known === undefined ? refuse({ code: 'invalid_target' }) : { ok: true, audience: known };
}
