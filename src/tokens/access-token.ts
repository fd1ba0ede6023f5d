/**
 * Access tokens: JWTs by the profile of RFC 9068, signed with a key of signing-keys.ts. Verifying
 * one needs no database.
 */
import { type JWTPayload, jwtVerify } from 'jose';
import * as base64url from 'jose/base64url';
import * as errors from 'jose/errors';
import { isCompactJws } from '../client/verify/compact-jws';
import type { Config } from '../config/config';
import { SIGNING_ALGS } from '../config/signing-key-policy';
import { CLOCK_SKEW_SECONDS } from '../config/token-life';
import { signClaims } from './sign-claims';
import type { SigningKey, VerifyingKey } from './signing-keys';

const TYP = 'at+jwt';
/** Bounds what is parsed of a token that anyone may send. */
const MAX_LENGTH = 8192;

/**
 * The claims that `toClaims` and `issueAccessToken` give a token (docs/verifying.md): those of RFC
 * 9068 §2.2, and this service's own.
 */
const ISSUED_CLAIMS =
  'iss sub aud exp iat jti client_id scope auth_time acr amr act sid uid home guest';

/**
 * Claims that custom claims may not shadow: those that tokens have, those of an introspection
 * answer (RFC 7662 §2.2), and those that bind or delegate a token (RFC 7800, RFC 8693). Other
 * registered claims, like `roles` and `groups`, may be custom claims.
 */
const ALL_RESERVED = `${ISSUED_CLAIMS} nbf active token_type username cnf may_act __proto__ constructor prototype`;
export const RESERVED_CLAIMS: ReadonlySet<string> = new Set(ALL_RESERVED.split(' '));

/** A reserved claim that is none of these is left out of introspection and of exchanged tokens. */
const ISSUED: ReadonlySet<string> = new Set(ISSUED_CLAIMS.split(' '));

/**
 * Claims without those that are reserved. A session may be older than the rule that refuses a name
 * when it is created, and its row keeps what it was given.
 */
function withoutReserved(claims: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(claims).filter(([name]) => !RESERVED_CLAIMS.has(name)));
}

/**
 * The claims of a verified token, without reserved claims that this release puts into none: a
 * release before may have signed one under the name of a member of an introspection answer (RFC
 * 7662 §2.2).
 */
export function toTrustedClaims(payload: JWTPayload): Record<string, unknown> {
  const isTrusted = (name: string) => ISSUED.has(name) || !RESERVED_CLAIMS.has(name);
  return Object.fromEntries(Object.entries(payload).filter(([name]) => isTrusted(name)));
}

export interface AccessTokenSubject {
  sessionId: string;
  home: string;
  /** null: a guest, whose `sub` is its session id. */
  userId: string | null;
  /** The `sub` that stands in place of the user's id, which is `uid` then; null: there is none. */
  externalSubject: string | null;
  clientId: string;
  /** Separated by spaces (RFC 9068 §2.2.3); null: the session has no scopes. */
  scope: string | null;
  authTime: Date | null;
  amr: string[] | null;
  acr: string | null;
  /** The actor who acts as the user (RFC 8693 §4.1); null: nobody but the user. */
  act: { sub: string } | null;
  claims: Record<string, unknown>;
}

/**
 * The content of a verified access token. The session may have been revoked since it was issued.
 */
export interface AccessToken {
  sessionId: string;
  home: string;
  userId: string | null;
  clientId: string;
  /** When the person proved who they are; null: not said. */
  authTime: Date | null;
  issuedAt: number;
  expiresAt: number;
  payload: JWTPayload;
}

export type AccessTokenVerdict =
  | { ok: true; token: AccessToken }
  | {
      ok: false;
      reason: 'malformed' | 'unknown_key' | 'bad_signature' | 'expired' | 'wrong_claims';
    };

/**
 * The claims about a token's subject, beside the registered ones of every token (RFC 9068 §2.2).
 * The name of a claim of the service's own is in ISSUED_CLAIMS too, and is published in the types
 * of client/verify/access-token-verdict.ts and client/browser/types.ts.
 */
export function toClaims(subject: AccessTokenSubject) {
  const { sessionId, home, userId, externalSubject, clientId, scope, authTime, amr, acr } = subject;
  const { act, claims } = subject;
  return {
    ...withoutReserved(claims),
    sub: externalSubject ?? userId ?? sessionId,
    ...(externalSubject !== null && { uid: userId }),
    sid: sessionId,
    home,
    client_id: clientId,
    ...(scope && { scope }),
    ...(userId === null && { guest: true }),
    ...(authTime !== null && { auth_time: Math.floor(authTime.getTime() / 1000) }),
    ...(amr !== null && { amr }),
    ...(acr !== null && { acr }),
    ...(act !== null && { act: { sub: act.sub } }),
  };
}

const headerOf = ({ alg, kid }: SigningKey) => ({ alg, typ: TYP, kid });

/**
 * Signs a token that says it was issued at `now` (ms), and is good until `expiresAt`. RFC 9068 §2.
 */
export async function issueAccessToken(
  key: SigningKey,
  { issuer, audience }: { issuer: Config['issuer']; audience: string | string[] },
  subject: AccessTokenSubject,
  { now, expiresAt }: { now: number; expiresAt: Date },
): Promise<string> {
  return signClaims(key.privateKey, headerOf(key), {
    ...toClaims(subject),
    iss: issuer,
    aud: audience,
    iat: Math.floor(now / 1000),
    exp: Math.floor(expiresAt.getTime() / 1000),
    jti: crypto.randomUUID(),
  });
}

/** A token as long as an issued one is, but for its signature, which is left out. */
export function toUnsignedToken(
  { issuer, audience }: { issuer: Config['issuer']; audience: string | string[] },
  subject: AccessTokenSubject,
): string {
  const header = { alg: 'EdDSA', typ: TYP, kid: 'x'.repeat(43) };
  const payload = {
    ...toClaims(subject),
    iss: issuer,
    aud: audience,
    iat: 0xffff_ffff,
    exp: 0xffff_ffff,
    jti: crypto.randomUUID(),
  };
  const [head, body] = [header, payload].map((part) => base64url.encode(JSON.stringify(part)));
  return `${head}.${body}.`;
}

/**
 * Signs what a token says, for another audience and of a client that acts for its person (RFC 8693
 * §4.1), which may itself act for another. Times in seconds.
 */
export async function issueExchangedToken(
  key: SigningKey,
  { payload }: AccessToken,
  to: { audience: string[]; scope: string | null; clientId: string },
  { issuedAt, expiresAt }: Pick<AccessToken, 'issuedAt' | 'expiresAt'>,
): Promise<string> {
  const { scope: _, act, ...claims } = toTrustedClaims(payload);
  const [aud, ...others] = to.audience;
  return signClaims(key.privateKey, headerOf(key), {
    ...claims,
    client_id: to.clientId,
    ...(to.scope && { scope: to.scope }),
    // `client_id`: it is a client that acts, not someone of a team's support.
    act: { sub: to.clientId, client_id: to.clientId, ...(act != null && { act }) },
    aud: others.length === 0 ? aud : to.audience,
    iat: issuedAt,
    exp: expiresAt,
    jti: crypto.randomUUID(),
  });
}

/**
 * Verifies a token by RFC 9068 §4 at `now` (ms). Keys come from `keys` alone; what a token's header
 * says of keys is ignored (RFC 8725 §3.10).
 */
export async function verifyAccessToken(
  keys: readonly VerifyingKey[],
  { issuer, audiences }: { issuer: string; audiences: string[] },
  token: string,
  now: number,
): Promise<AccessTokenVerdict> {
  if (!isCompactJws(token, MAX_LENGTH)) return { ok: false, reason: 'malformed' };
  try {
    const { payload } = await jwtVerify(
      token,
      ({ kid, alg }) => {
        const key = keys.find((candidate) => candidate.kid === kid && candidate.alg === alg);
        if (key === undefined) throw new errors.JWKSNoMatchingKey();
        return key.publicKey;
      },
      {
        issuer,
        audience: audiences,
        typ: TYP,
        algorithms: [...SIGNING_ALGS],
        currentDate: new Date(now),
        requiredClaims: ['iss', 'sub', 'aud', 'exp', 'iat', 'jti', 'client_id', 'sid'],
      },
    );
    const {
      sub,
      uid = sub,
      sid,
      home,
      client_id,
      guest,
      auth_time,
      iat,
      exp,
    } = payload as Required<JWTPayload> &
      Record<'sid' | 'home' | 'client_id', string> & { uid?: string; auth_time?: number };
    if (iat > now / 1000 + CLOCK_SKEW_SECONDS || !Number.isSafeInteger(exp)) {
      return { ok: false, reason: 'wrong_claims' };
    }
    return {
      ok: true,
      token: {
        sessionId: sid,
        home,
        userId: guest === true ? null : uid,
        clientId: client_id,
        authTime: auth_time === undefined ? null : new Date(auth_time * 1000),
        issuedAt: iat,
        expiresAt: exp,
        payload,
      },
    };
  } catch (error) {
    return { ok: false, reason: toReason(error) };
  }
}

function toReason(error: unknown): Exclude<AccessTokenVerdict, { ok: true }>['reason'] {
  if (error instanceof errors.JWTExpired) return 'expired';
  if (error instanceof errors.JWTClaimValidationFailed) return 'wrong_claims';
  if (error instanceof errors.JWKSNoMatchingKey) return 'unknown_key';
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'bad_signature';
  return 'malformed';
}
