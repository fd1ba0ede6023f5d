/** `TRUSTED_ISSUERS`: the OpenID providers whose ID tokens start sessions. */
import * as v from 'valibot';
import { isTrustworthy } from '../origins';
import type { Client } from './clients';
import { parseList } from './json-list';

/**
 * Whether an ID token's `nonce` has to be the app's: `matched`, where either has one; `required`,
 * and both have one; `optional`, where the app has one, because some SDKs put in their own;
 * `sha256`, as a hash of the app's.
 */
type NoncePolicy = 'matched' | 'required' | 'optional' | 'sha256';

/** An OpenID provider whose ID tokens start sessions. */
export interface TrustedIssuer {
  /** Exactly as in its tokens' `iss`. */
  issuer: string;
  /**
   * The audiences of which a token's `aud` has to hold one: the client ids that the issuer knows
   * your apps by.
   */
  audiences: readonly string[];
  algorithms: readonly string[];
  /** How old an ID token may be. */
  maxAgeSeconds: number;
  nonce: NoncePolicy;
  /** null: found by discovery. */
  jwksUri: string | null;
  /** The clients that may bring its tokens; null: all with `sign_in`. */
  clients: ReadonlySet<string> | null;
}

/** Asymmetric ones, so that the provider's public keys forge nothing. */
const ASSERTION_ALGORITHMS = [
  'RS256',
  'PS256',
  'ES256',
  'EdDSA',
  'RS384',
  'RS512',
  'PS384',
  'PS512',
  'ES384',
  'ES512',
] as const;

const trustedIssuersSchema = v.array(
  v.strictObject({
    issuer: v.string(),
    audience: v.union([
      v.pipe(
        v.string(),
        v.minLength(1),
        v.transform((audience) => [audience]),
      ),
      v.pipe(v.array(v.pipe(v.string(), v.minLength(1))), v.minLength(1)),
    ]),
    algorithms: v.optional(v.pipe(v.array(v.picklist(ASSERTION_ALGORITHMS)), v.minLength(1)), [
      'RS256',
      'ES256',
      'EdDSA',
    ]),
    max_age_seconds: v.optional(
      v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(86_400)),
      600,
    ),
    nonce: v.optional(v.picklist(['required', 'optional', 'sha256'])),
    jwks_uri: v.optional(v.string()),
    clients: v.optional(v.pipe(v.array(v.string()), v.minLength(1))),
  }),
);

export function parseTrustedIssuers(
  text: string | undefined,
  mistakes: string[],
): ReadonlyMap<string, TrustedIssuer> {
  const issuers = new Map<string, TrustedIssuer>();
  for (const entry of parseList('TRUSTED_ISSUERS', trustedIssuersSchema, text, mistakes)) {
    const { issuer, audience, algorithms, max_age_seconds, nonce, jwks_uri, clients } = entry;
    for (const [name, url] of Object.entries({ issuer, jwks_uri })) {
      const parsed = url === undefined ? null : URL.parse(url);
      if (
        url !== undefined &&
        (parsed === null || !isTrustworthy(parsed) || parsed.username || parsed.hash)
      )
        mistakes.push(`TRUSTED_ISSUERS: ${name} must be an https URL (http only on localhost)`);
    }
    if (issuers.has(issuer)) mistakes.push('TRUSTED_ISSUERS: an issuer is there twice');
    issuers.set(issuer, {
      issuer,
      audiences: audience,
      algorithms,
      maxAgeSeconds: max_age_seconds,
      nonce: nonce ?? 'matched',
      jwksUri: jwks_uri ?? null,
      clients: clients === undefined ? null : new Set(clients),
    });
  }
  return issuers;
}

/** Finds mistakes that only the rest of the configuration shows. */
export function findStrangers({
  issuer: own,
  clients,
  refusedClients,
  trustedIssuers,
}: {
  issuer: string;
  clients: ReadonlyMap<string, Client>;
  refusedClients: ReadonlyMap<string, unknown>;
  trustedIssuers: ReadonlyMap<string, TrustedIssuer>;
}): string[] {
  return [...trustedIssuers.values()].flatMap(({ issuer, clients: named }) => [
    ...[...(named ?? [])]
      .filter((id) => !clients.has(id) && !refusedClients.has(id))
      .map((id) => `TRUSTED_ISSUERS: clients names ${JSON.stringify(id)}, which is not in CLIENTS`),
    // The holder of any token of a session could start others with it.
    ...(issuer === own ? ['TRUSTED_ISSUERS: issuer is this service itself'] : []),
  ]);
}
