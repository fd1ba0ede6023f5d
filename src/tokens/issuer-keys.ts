/**
 * The keys of trusted OpenID providers: found by discovery (OpenID Connect Discovery 1.0 §4), kept
 * by the isolate within the bounds of client/verify/remote-keys.ts. No forged `kid` makes this
 * service flood a provider; a provider that is down costs nobody whose key is known; a key that it
 * has withdrawn goes out of use even if it never answers again.
 */

import type { JWTVerifyGetKey } from 'jose';
import { type JsonDocument, readJson } from '../client/verify/read-json';
import { createRemoteKeys, type RemoteKeys } from '../client/verify/remote-keys';
import type { TrustedIssuer } from '../config/trusted-issuers';
import { IssuerUnavailableError } from '../faults';
import { isTrustworthy } from '../origins';
import { inSpan } from '../span';

/** How long keys are good before they are asked for again, unless the provider says less. */
const MAX_AGE_SECONDS = 600;
/** How long known keys stay good while the provider cannot be asked. */
export const ACCEPT_STALE_SECONDS = 3_600;
/** The least time between two requests to one provider. */
export const COOL_DOWN_SECONDS = 30;
const TIMEOUT_MS = 5_000;

export type IssuerKeys = (
  issuer: TrustedIssuer,
  kid: string | undefined,
) => Promise<JWTVerifyGetKey>;

/**
 * Makes the function that finds the provider's key of a token, by the `kid` of its header. It
 * throws `IssuerUnavailableError` when there are no keys, or none newer, to be had.
 */
export function createIssuerKeys(customFetch: typeof fetch, now: () => number): IssuerKeys {
  const issuers = new Map<string, RemoteKeys>();

  return async (issuer, kid) => {
    const keys =
      issuers.get(issuer.issuer) ??
      createRemoteKeys(
        () =>
          inSpan('issuer_keys', { issuer: issuer.issuer }, () => readKeySet(issuer, customFetch)),
        {
          now,
          defaultMaxAgeSeconds: MAX_AGE_SECONDS,
          maxAgeSeconds: MAX_AGE_SECONDS,
          acceptStaleSeconds: ACCEPT_STALE_SECONDS,
          coolDownSeconds: COOL_DOWN_SECONDS,
        },
      );
    issuers.set(issuer.issuer, keys);
    const find = await keys(kid);
    if (find === null) throw new IssuerUnavailableError();
    return find;
  };
}

async function readKeySet(
  { issuer, jwksUri }: TrustedIssuer,
  customFetch: typeof fetch,
): Promise<JsonDocument | null> {
  const uri = jwksUri ?? (await discover(issuer, customFetch));
  return uri === null ? null : readJson(uri, customFetch, TIMEOUT_MS);
}

/**
 * The provider's `jwks_uri`. The provider's document has to name this very issuer (§4.3), or
 * another issuer's keys would pass for its own.
 */
async function discover(issuer: string, customFetch: typeof fetch): Promise<string | null> {
  const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const document = (await readJson(url, customFetch, TIMEOUT_MS))?.json as {
    issuer?: unknown;
    jwks_uri?: unknown;
  } | null;
  if (document?.issuer !== issuer || typeof document.jwks_uri !== 'string') return null;
  const uri = URL.parse(document.jwks_uri);
  return uri !== null && isTrustworthy(uri) ? uri.href : null;
}
