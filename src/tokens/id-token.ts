/**
 * Verifying an ID token that is to start a session: RFC 7523 §3, OpenID Connect Core §3.1.3.7. Keys
 * come from its issuer alone; what its header says of keys is ignored (RFC 8725 §3.10).
 */
import { decodeJwt, decodeProtectedHeader, errors, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { isCompactJws } from '../client/verify/compact-jws';
import { CLOCK_SKEW_SECONDS } from '../config/config';
import type { TrustedIssuer } from '../config/trusted-issuers';
import { sha256 } from '../crypto';

/** Who the issuer says it is, and how they proved it. */
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
 * What the token says of itself before it is verified: by whom to verify it. null: nothing that
 * could be verified.
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
 * Verifies at `now` (ms). `nonce` is what the app drew for this sign-in; a token with one needs it,
 * and the other way round.
 */
export async function verifyAssertion(
  findKey: JWTVerifyGetKey,
  { issuer, audiences, algorithms, maxAgeSeconds }: TrustedIssuer,
  assertion: string,
  { nonce, now }: { nonce: string | null; now: number },
): Promise<AssertionVerdict> {
  if (!isCompactJws(assertion, MAX_LENGTH)) return refused('malformed');
  try {
    const { payload, protectedHeader } = await jwtVerify(assertion, findKey, {
      issuer,
      audience: [...audiences],
      algorithms: [...algorithms],
      clockTolerance: CLOCK_SKEW_SECONDS,
      currentDate: new Date(now),
      requiredClaims: ['sub', 'exp', 'iat'],
    });
    // Other JWTs of the issuer (access tokens, logout tokens, events) say what they are.
    if (protectedHeader.typ !== undefined && !/^(application\/)?jwt$/i.test(protectedHeader.typ))
      return refused('wrong_claims');
    if ('events' in payload) return refused('wrong_claims');
    const { sub, iat, exp, aud, azp, nonce: own = null, auth_time: authTime, amr, acr } = payload;
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
    if (own !== nonce) return refused('wrong_nonce');
    if (
      authTime !== undefined &&
      (!isSecond(authTime) || authTime > now / 1000 + CLOCK_SKEW_SECONDS)
    )
      return refused('wrong_claims');
    if (amr !== undefined && !isMethods(amr)) return refused('wrong_claims');
    if (acr !== undefined && (typeof acr !== 'string' || acr.length > 128))
      return refused('wrong_claims');
    return {
      ok: true,
      identity: {
        issuer,
        subject: sub,
        authTime: new Date(((authTime as number | undefined) ?? iat) * 1000),
        amr: amr ?? null,
        acr: acr ?? null,
        hash: await toReplayHash(issuer, payload.jti, assertion),
        expiresAt: new Date(((exp as number) + CLOCK_SKEW_SECONDS) * 1000),
      },
    };
  } catch (error) {
    return refused(toReason(error));
  }
}

/**
 * What an ID token is known by: its issuer and `jti` (RFC 7519 §4.1.7), else its header and
 * payload. Never its signature, because ECDSA gives each a twin that is as good. Header and payload
 * have one spelling, so their text stands for their bytes.
 */
function toReplayHash(issuer: string, jti: unknown, assertion: string): Promise<string> {
  const signed =
    typeof jti === 'string' && jti !== ''
      ? ['jti', jti]
      : ['signed', assertion.slice(0, assertion.lastIndexOf('.'))];
  return sha256(JSON.stringify([issuer, ...signed]));
}

const isSecond = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0;

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
