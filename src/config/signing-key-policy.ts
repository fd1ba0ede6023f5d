/** The policy of signing keys: the algorithm, and how long each key signs. */

/**
 * The algorithms that access tokens may be signed by (RFC 7518 §3.1, RFC 8037 §3.1): EdDSA by
 * default, RS256 for what knows nothing else (RFC 9068 §2.1 has every resource server know it).
 */
export const SIGNING_ALGS = ['EdDSA', 'ES256', 'RS256'] as const;
export type SigningAlg = (typeof SIGNING_ALGS)[number];

/** When signing keys are made, and how long they stay. */
export interface SigningKeyPolicy {
  alg: SigningAlg;
  /** A key signs for this long. */
  lifetimeSeconds: number;
  /** A key is in the JWKS for this long before it signs. */
  publishAheadSeconds: number;
  /** A key stays in the JWKS for this long after it signed last. */
  retireSeconds: number;
  /** How long a verifier may keep the JWKS. */
  jwksMaxAgeSeconds: number;
}

/**
 * How long an isolate keeps what it read of the signing keys, so how late it knows of a new one.
 */
export const KEY_CACHE_SECONDS = 60;
/** How long it keeps them while the database cannot be asked. */
export const KEY_STALE_SECONDS = 300;
/** How old the keys are that it publishes, or that it refuses an unknown key by. */
export const JWKS_CACHE_SECONDS = 10;

/**
 * After which time every verifier has a new key: it may hold a JWKS that an isolate took from its
 * own cache, so both ages add up.
 */
export function knownEverywhereSeconds({
  jwksMaxAgeSeconds,
}: Pick<SigningKeyPolicy, 'jwksMaxAgeSeconds'>): number {
  return jwksMaxAgeSeconds + KEY_STALE_SECONDS;
}
