/**
 * Verifying an ID token that is to start a session: RFC 7523 §3, OpenID Connect Core §3.1.3.7. Keys
 * come from its issuer alone; what its header says of keys is ignored (RFC 8725 §3.10).
 */
import { decodeJwt, decodeProtectedHeader, type JWTVerifyGetKey, jwtVerify } from 'jose';
import * as base64url from 'jose/base64url';
import * as errors from 'jose/errors';
import { isCompactJws } from '../client/verify/compact-jws';
import { CLOCK_SKEW_SECONDS } from '../config/token-life';
import type { TrustedIssuer } from '../config/trusted-issuers';
import { sha256 } from '../crypto';

/** The person, as the issuer names them, and how they proved who they are. */
export interface Identity {
  issuer: string;
  subject: string;
  authTime: Date;
  amr: string[] | null;
  acr: string | null;
  /** SHA-256 of what was signed, by which a second use is known however the token is spelled. */
  hash: string;
  /** From then on the token is refused anyway. */
  expiresAt: Date;
  /** Optional claims that are of another form than OpenID Connect says, and were left out. */
  dropped: string[];
}

export type AssertionVerdict =
  | { ok: true; identity: Identity }
  | {
      ok: false;
      reason:
        | 'malformed'
        | 'untrusted_issuer'
        | 'bad_signature'
        | 'expired'
        | 'too_old'
        | 'wrong_audience'
        | 'wrong_nonce'
        | 'wrong_claims';
    };

const MAX_LENGTH = 8192;
/** OpenID Connect Core §2 */
const MAX_SUBJECT_LENGTH = 255;

const refused = (reason: Extract<AssertionVerdict, { ok: false }>['reason']): AssertionVerdict => ({
  ok: false,
  reason,
});

/**
 * Reads, before a token is verified, which issuer's key it has to be verified by. null: it cannot
 * be verified.
 */
export function readIssuer(assertion: string): { issuer: string; kid: string | undefined } | null {
  if (!isCompactJws(assertion, MAX_LENGTH)) return null;
  try {
    const { iss } = decodeJwt(assertion);
    const { kid } = decodeProtectedHeader(assertion);
    return typeof iss === 'string' ? { issuer: iss, kid } : null;
  } catch {
    return null;
  }
}

/**
 * Verifies at `now` (ms). `nonce` is what the app drew for this sign-in; null: none. Optional
 * claims refuse nobody: a provider that gives one a form of its own does so for all its people.
 */
export async function verifyAssertion(
  findKey: JWTVerifyGetKey,
  trusted: TrustedIssuer,
  assertion: string,
  { nonce, now }: { nonce: string | null; now: number },
): Promise<AssertionVerdict> {
  if (!isCompactJws(assertion, MAX_LENGTH)) return refused('malformed');
  const { issuer, audiences, algorithms, maxAgeSeconds } = trusted;
  try {
    const { payload, protectedHeader } = await jwtVerify(assertion, findKey, {
      issuer,
      audience: [...audiences],
      algorithms: [...algorithms],
      clockTolerance: CLOCK_SKEW_SECONDS,
      currentDate: new Date(now),
      requiredClaims: ['sub', 'exp', 'iat'],
    });
    // Other JWTs of the issuer (access tokens, logout tokens, events) name their kind in `typ`.
    if (protectedHeader.typ !== undefined && !/^(application\/)?jwt$/i.test(protectedHeader.typ))
      return refused('wrong_claims');
    if ('events' in payload) return refused('wrong_claims');
    const { sub, iat, exp, aud, azp } = payload;
    if (typeof sub !== 'string' || sub === '' || sub.length > MAX_SUBJECT_LENGTH)
      return refused('wrong_claims');
    if (typeof iat !== 'number' || iat > now / 1000 + CLOCK_SKEW_SECONDS)
      return refused('wrong_claims');
    if (iat < now / 1000 - maxAgeSeconds - CLOCK_SKEW_SECONDS) return refused('too_old');
    // §3.1.3.7, 4 and 5: with several audiences, or a party named, that party is us.
    const isForUs =
      azp === undefined
        ? !Array.isArray(aud) || aud.length === 1
        : audiences.includes(azp as string);
    if (!isForUs) return refused('wrong_audience');
    if (!(await isRightNonce(trusted.nonce, payload.nonce, nonce))) return refused('wrong_nonce');
    const { authTime, amr, acr, dropped } = readOptionalClaims(payload);
    if (authTime !== null && authTime > now / 1000 + CLOCK_SKEW_SECONDS)
      return refused('wrong_claims');
    return {
      ok: true,
      identity: {
        issuer,
        subject: sub,
        authTime: new Date(Math.floor(authTime ?? iat) * 1000),
        amr,
        acr,
        hash: await toReplayHash(issuer, payload.jti, assertion),
        expiresAt: new Date(((exp as number) + CLOCK_SKEW_SECONDS) * 1000),
        dropped,
      },
    };
  } catch (error) {
    return refused(toReason(error));
  }
}

/**
 * The hash by which a used ID token is known again: of its issuer and `jti` (RFC 7519 §4.1.7), else
 * of its header and payload. Never of its signature, because ECDSA has a second valid signature for
 * each. Header and payload have one spelling, so their text stands for their bytes.
 */
function toReplayHash(issuer: string, jti: unknown, assertion: string): Promise<string> {
  const signed =
    typeof jti === 'string' && jti !== ''
      ? ['jti', jti]
      : ['signed', assertion.slice(0, assertion.lastIndexOf('.'))];
  return sha256(JSON.stringify([issuer, ...signed]));
}

async function isRightNonce(
  policy: TrustedIssuer['nonce'],
  own: unknown,
  nonce: string | null,
): Promise<boolean> {
  switch (policy) {
    case 'matched':
      return (own ?? null) === nonce;
    case 'required':
      return nonce !== null && own === nonce;
    case 'optional':
      return nonce === null || own === nonce;
    case 'sha256': {
      if (nonce === null) return false;
      const hash = await sha256(nonce);
      return own === hash || own === encodeHex(base64url.decode(hash));
    }
  }
}

const encodeHex = (bytes: Uint8Array): string =>
  [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');

/** How the person was authenticated, as far as it can be read. */
function readOptionalClaims({ auth_time, amr, acr }: Record<string, unknown>) {
  const read = {
    authTime: readSeconds(auth_time),
    amr: isMethods(amr) ? amr : null,
    acr: typeof acr === 'string' && acr.length <= 128 ? acr : null,
  };
  const claims = [
    ['auth_time', auth_time, read.authTime],
    ['amr', amr, read.amr],
    ['acr', acr, read.acr],
  ] as const;
  const isDropped = (claim: (typeof claims)[number]) => claim[1] !== undefined && claim[2] === null;
  return { ...read, dropped: claims.filter(isDropped).map(([name]) => name) };
}

/**
 * A NumericDate may have a fraction (RFC 7519 §2), and some providers put it in a text. Both are
 * read, not dropped: without the time, the person would count as authenticated just now.
 */
function readSeconds(value: unknown): number | null {
  const seconds =
    typeof value === 'string' && /^\d{1,12}(\.\d{1,9})?$/.test(value) ? Number(value) : value;
  const isTime =
    typeof seconds === 'number' && seconds >= 0 && Number.isSafeInteger(Math.floor(seconds));
  return isTime ? seconds : null;
}

function isMethods(value: unknown): value is string[] {
  return (
    Array.isArray(value) &&
    value.length <= 10 &&
    value.every((method) => typeof method === 'string' && method.length <= 32)
  );
}

function toReason(error: unknown): Extract<AssertionVerdict, { ok: false }>['reason'] {
  if (error instanceof errors.JWTExpired) return 'expired';
  if (error instanceof errors.JWTClaimValidationFailed)
    return error.claim === 'aud' ? 'wrong_audience' : 'wrong_claims';
  if (error instanceof errors.JWTInvalid || error instanceof errors.JWSInvalid) return 'malformed';
  return 'bad_signature';
}
