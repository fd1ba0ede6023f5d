/** Verifying an access token that someone presents, in whatever way: a header, a form, a cookie. */
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
  const { issuer, audience, accountAudience } = config;
  const expected = { issuer, audiences: [audience, accountAudience] };
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

/** Whether a token may see and end the person's sessions (audience.ts). */
export function isForAccount({ payload }: AccessToken, { config }: Service): boolean {
  return [payload.aud].flat().includes(config.accountAudience);
}

/** `verifyOwnAccessToken` where a gateway stands in front of the team's own app. */
export async function verifyAppToken(
  caller: Caller,
  service: Service,
  token: string,
): Promise<AccessTokenVerdict | { ok: false; reason: 'wrong_audience' }> {
  const verdict = await verifyOwnAccessToken(caller, service, token);
  if (!verdict.ok || [verdict.token.payload.aud].flat().includes(service.config.audience))
    return verdict;
  return { ok: false, reason: 'wrong_audience' };
}

/** `verifyOwnAccessToken` where the person's sessions are seen or ended. */
export async function verifyAccountToken(
  caller: Caller,
  service: Service,
  token: string,
): Promise<AccessTokenVerdict | { ok: false; reason: 'wrong_audience' }> {
  const verdict = await verifyOwnAccessToken(caller, service, token);
  if (!verdict.ok || isForAccount(verdict.token, service)) return verdict;
  return { ok: false, reason: 'wrong_audience' };
}
