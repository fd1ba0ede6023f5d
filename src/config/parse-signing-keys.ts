/** The settings of signing keys, and what they must not be together. */
import { longestTokenTtlSeconds, type SessionPolicies } from './session-policy';
import type { SettingReader } from './setting-reader';
import {
  KEY_STALE_SECONDS,
  knownEverywhereSeconds,
  SIGNING_ALGS,
  type SigningKeyPolicy,
} from './signing-key-policy';
import { CLOCK_SKEW_SECONDS } from './token-life';

const DAY = 86_400;

/**
 * A key retires, unless it is said otherwise, when the last token of these sessions has expired.
 */
export function parseSigningKeyPolicy(
  { wholeNumber, oneOf }: SettingReader,
  sessions: SessionPolicies,
): SigningKeyPolicy {
  const lastToken = longestTokenTtlSeconds(sessions) + CLOCK_SKEW_SECONDS;
  return {
    alg: oneOf('ACCESS_TOKEN_ALG', SIGNING_ALGS),
    lifetimeSeconds: wholeNumber('SIGNING_KEY_LIFETIME_SECONDS', {
      byDefault: 30 * DAY,
      range: [60, 3650 * DAY],
    }),
    publishAheadSeconds: wholeNumber('SIGNING_KEY_PUBLISH_AHEAD_SECONDS', {
      byDefault: DAY,
      range: [0, 365 * DAY],
    }),
    retireSeconds: wholeNumber('SIGNING_KEY_RETIRE_SECONDS', {
      byDefault: lastToken,
      range: [0, 365 * DAY],
    }),
    jwksMaxAgeSeconds: wholeNumber('JWKS_MAX_AGE_SECONDS', { byDefault: 300, range: [0, DAY] }),
  };
}

/** `tokenTtl`: the longest life of an access token, and the name of the setting that it is of. */
export function findKeyContradictions(
  policy: SigningKeyPolicy,
  tokenTtl: { seconds: number; name: string },
): string[] {
  const mistakes: string[] = [];
  const knownEverywhere = knownEverywhereSeconds(policy);
  if (policy.publishAheadSeconds < knownEverywhere)
    mistakes.push(
      `SIGNING_KEY_PUBLISH_AHEAD_SECONDS must be at least ${knownEverywhere} (JWKS_MAX_AGE_SECONDS + ${KEY_STALE_SECONDS})`,
    );
  if (policy.retireSeconds < tokenTtl.seconds + CLOCK_SKEW_SECONDS)
    mistakes.push(
      `SIGNING_KEY_RETIRE_SECONDS must be at least ${tokenTtl.name} + ${CLOCK_SKEW_SECONDS}`,
    );
  if (policy.lifetimeSeconds <= policy.publishAheadSeconds)
    mistakes.push(
      'SIGNING_KEY_LIFETIME_SECONDS must be more than SIGNING_KEY_PUBLISH_AHEAD_SECONDS',
    );
  return mistakes;
}
