/** Verifying an access token that someone presents, in whatever way: a header, a form, a cookie. */
import { JWKS_CACHE_SECONDS } from '../config/signing-key-policy';
import { type AccessTokenVerdict, verifyAccessToken } from '../tokens/access-token';
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
  const home = service.defaultHome(caller.meter);
  const verify = (keySet: KeySet) =>
    verifyAccessToken(trustedKeys(keySet, config.signingKeys, now()), config, token, now());
  const known = await service.keySet(home);
  const verdict = await verify(known);
  if (verdict.ok || verdict.reason !== 'unknown_key') return verdict;
  // Another isolate may have made a key since, in place of one that was compromised. Forged ones
  // cost one look in `JWKS_CACHE_SECONDS`.
  const newer = await service.keySet(home, JWKS_CACHE_SECONDS);
  return newer === known ? verdict : verify(newer);
}
