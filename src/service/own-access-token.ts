/** Verifying an access token that someone presents, in whatever way: a header, a form, a cookie. */
import type { Client } from '../config/clients';
import { JWKS_CACHE_SECONDS } from '../config/signing-key-policy';
import {
  type AccessToken,
  type AccessTokenVerdict,
  verifyAccessToken,
} from '../tokens/access-token';
import { type KeySet, trustedKeys } from '../tokens/signing-keys';
import type { Caller } from './caller';
import type { Service } from './service';

/**
 * Of this service's own keys, at its own clock. Whether the session is still live, the database
 * alone knows.
 */
export async function verifyOwnAccessToken(
  caller: Caller,
  service: Service,
  token: string,
): Promise<AccessTokenVerdict> {
  const { config, now } = service;
  const { issuer, audiences, accountAudience } = config;
  const expected = { issuer, audiences: [...audiences, accountAudience] };
  const home = service.defaultHome(caller.meter);
  const verify = (keySet: KeySet) =>
    verifyAccessToken(trustedKeys(keySet, config.signingKeys, now()), expected, token, now());
  const known = await service.keySet(home);
  const verdict = await verify(known);
  if (verdict.ok || verdict.reason !== 'unknown_key') return verdict;
  // Another isolate may have made a key since, in place of one that was compromised. Forged ones
  // cost one look in `JWKS_CACHE_SECONDS`.
  const newer = await service.keySet(home, JWKS_CACHE_SECONDS);
  return newer === known ? verdict : verify(newer);
}

type AudienceVerdict = AccessTokenVerdict | { ok: false; reason: 'wrong_audience' };

const isFor = ({ payload }: AccessToken, audience: string) =>
  [payload.aud].flat().includes(audience);

/** Whether a token may see and end the person's sessions (token-grant.ts). */
export function isForAccount(token: AccessToken, { config }: Service): boolean {
  return isFor(token, config.accountAudience);
}

/**
 * `verifyOwnAccessToken` where a gateway stands in front of one of the team's APIs: of those that
 * it serves, or of the first where nobody says who it is.
 */
export const verifyApiToken =
  (gateway: Client | null) => (caller: Caller, service: Service, token: string) =>
    verifyTokenFor(gateway?.serves ?? [service.config.audiences[0]], caller, service, token);

/** `verifyOwnAccessToken` where the person's sessions are seen or ended. */
export const verifyAccountToken = (caller: Caller, service: Service, token: string) =>
  verifyTokenFor([service.config.accountAudience], caller, service, token);

async function verifyTokenFor(
  audiences: readonly string[],
  caller: Caller,
  service: Service,
  token: string,
): Promise<AudienceVerdict> {
  const verdict = await verifyOwnAccessToken(caller, service, token);
  return !verdict.ok || audiences.some((audience) => isFor(verdict.token, audience))
    ? verdict
    : { ok: false, reason: 'wrong_audience' };
}
