/** Verifying an access token that someone presents, in whatever way: a header, a form, a cookie. */
import { type AccessTokenVerdict, verifyAccessToken } from '../tokens/access-token';
import { trustedKeys } from '../tokens/signing-keys';
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
  const keySet = await service.keySet(service.defaultHome(caller.meter));
  return verifyAccessToken(trustedKeys(keySet, config.signingKeys, now()), config, token, now());
}
