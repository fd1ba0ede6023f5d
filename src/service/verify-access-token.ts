/** Verifies a presented access token, whether it came in a header, a form or a cookie. */
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
 * Verifies an access token with this service's own keys and clock. Only the database knows whether
 * its session is still live (admit-user.ts).
 */
export async function verifyOwnAccessToken(
  caller: Caller,
  service: Service,
  token: string,
): Promise<AccessTokenVerdict> {
  const { config, now } = service;
  const { issuer, audiences, accountAudience } = config;
  const expected = { issuer, audiences: [...audiences, accountAudience] };
  const home = service.defaultHome(caller);
  const verify = (keySet: KeySet) =>
    verifyAccessToken(trustedKeys(keySet, config.signingKeys, now()), expected, token, now());
  const known = await service.keySet(home);
  const verdict = await verify(known);
  if (verdict.ok || verdict.reason !== 'unknown_key') return verdict;
  // Another isolate may have made a key since, in place of one that was compromised. Forged tokens
  // cost one read of the keys in `JWKS_CACHE_SECONDS`.
  const newer = await service.keySet(home, JWKS_CACHE_SECONDS);
  return newer === known ? verdict : verify(newer);
}

export type AudienceVerdict = AccessTokenVerdict | { ok: false; reason: 'wrong_audience' };

export const isFor = ({ payload }: AccessToken, audience: string) =>
  [payload.aud].flat().includes(audience);

/** Whether a token may see and end the person's sessions (token-grant.ts). */
export function isForAccount(token: AccessToken, { config }: Service): boolean {
  return isFor(token, config.accountAudience) && !isExchanged(token);
}

/**
 * Whether an API got the token in exchange for one that it was sent (RFC 8693), and not from the
 * person.
 */
export const isExchanged = ({ payload }: AccessToken) =>
  (payload.act as { client_id?: string } | undefined)?.client_id !== undefined;

/**
 * `verifyOwnAccessToken` where a gateway stands in front of one of the team's APIs: of those that
 * it serves, or of the first where nobody says who it is.
 */
export const verifyApiToken =
  (gateway: Client | null) => async (caller: Caller, service: Service, token: string) => {
    const audiences = gateway?.serves ?? [service.config.audiences[0]];
    const verdict = await verifyOwnAccessToken(caller, service, token);
    return toAudienceVerdict(verdict, (found) => audiences.some((name) => isFor(found, name)));
  };

/** `verifyOwnAccessToken` where the person's sessions are seen or ended. */
export async function verifyAccountToken(caller: Caller, service: Service, token: string) {
  const verdict = await verifyOwnAccessToken(caller, service, token);
  return toAudienceVerdict(verdict, (found) => isForAccount(found, service));
}

function toAudienceVerdict(
  verdict: AccessTokenVerdict,
  isIntended: (token: AccessToken) => boolean,
): AudienceVerdict {
  return !verdict.ok || isIntended(verdict.token)
    ? verdict
    : { ok: false, reason: 'wrong_audience' };
}
