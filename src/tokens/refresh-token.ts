/**
 * Refresh tokens: `v2.` and a compact JWS (RFC 7515, HS256). The signature lets the edge refuse
 * what this service did not issue without asking a database; the `secret` is what the database
 * decides by. Each secret gives the next one by HMAC, so a repeated refresh always gives the same
 * successor, and no token is ever stored.
 */
import { compactVerify, decodeProtectedHeader } from 'jose';
import * as errors from 'jose/errors';
import { isCompactJws } from '../client/verify/compact-jws';
import { eachSecret, hmacSha256, type Keyring, sha256 } from '../crypto';
import { signClaims } from './sign-claims';

const PREFIX = 'v2.';
const TYP = 'rt+jwt';
/** Our tokens have about 400 characters. A longer text than this is refused unread. */
const MAX_LENGTH = 1024;

/** The content of a token. It does not say that the session is live: the database does. */
export interface RefreshToken {
  sessionId: string;
  /** The database that the session lives in. */
  home: string;
  /** 256 bits, base64url. */
  secret: string;
  /** The session's absolute limit. */
  expiresAt: Date | null;
}

/** A token whose signature was verified. */
export interface VerifiedRefreshToken extends RefreshToken {
  /**
   * The SESSION_SECRET that signed it has leaked, so anyone may have made it: it is good where its
   * own secret is the one that the database expects, and otherwise proves nothing, so that it ends
   * nobody's session.
   */
  mayBeForged: boolean;
}

export type RefreshTokenVerdict =
  | { ok: true; token: VerifiedRefreshToken }
  /** `token` is there when the signature is good but the session is past its absolute limit. */
  | { ok: false; reason: 'malformed' | 'unknown_key' | 'bad_signature' }
  | { ok: false; reason: 'expired'; token: VerifiedRefreshToken };

/** Signs a token. The same input gives the same token, byte for byte. */
export async function issueRefreshToken(
  { current }: Keyring,
  { sessionId, home, secret, expiresAt }: RefreshToken,
): Promise<string> {
  const header = { alg: 'HS256', typ: TYP, kid: current.id };
  const claims = {
    sid: sessionId,
    home,
    secret,
    ...(expiresAt !== null && { exp: Math.floor(expiresAt.getTime() / 1000) }),
  };
  return PREFIX + (await signClaims(current.refreshMac, header, claims));
}

/** Whether this is a refresh token by its look, authentic or not. */
export function looksLikeRefreshToken(token: string): boolean {
  return token.startsWith(PREFIX);
}

/** Verifies a token's form, key, signature and expiry (`now` in ms). Asks no database. */
export async function verifyRefreshToken(
  keyring: Keyring,
  token: string,
  now: number,
): Promise<RefreshTokenVerdict> {
  const jws = token.slice(PREFIX.length);
  if (!looksLikeRefreshToken(token) || !isCompactJws(jws, MAX_LENGTH))
    return { ok: false, reason: 'malformed' };
  let payload: Uint8Array;
  let mayBeForged: boolean;
  try {
    const { alg, typ, kid } = decodeProtectedHeader(jws);
    if (alg !== 'HS256' || typ !== TYP) return { ok: false, reason: 'malformed' };
    const keys = eachSecret(keyring).find(({ id }) => id === kid);
    if (keys === undefined) return { ok: false, reason: 'unknown_key' };
    mayBeForged = keys.id !== keyring.current.id && keyring.previousEndsAt !== null;
    ({ payload } = await compactVerify(jws, keys.refreshMac, { algorithms: ['HS256'] }));
  } catch (error) {
    return {
      ok: false,
      reason:
        error instanceof errors.JWSSignatureVerificationFailed ? 'bad_signature' : 'malformed',
    };
  }
  // The signature is ours, so the payload has the shape that issueRefreshToken gave it.
  const { sid, home, secret, exp } = JSON.parse(new TextDecoder().decode(payload)) as {
    sid: string;
    home: string;
    secret: string;
    exp?: number;
  };
  const refreshToken = {
    sessionId: sid,
    home,
    secret,
    expiresAt: exp === undefined ? null : new Date(exp * 1000),
    mayBeForged,
  };
  if (exp !== undefined && exp <= Math.floor(now / 1000))
    return { ok: false, reason: 'expired', token: refreshToken };
  return { ok: true, token: refreshToken };
}

/** A secret that may follow a presented one, and what the database stores of it. */
export interface Successor {
  secret: string;
  hash: string;
}

/**
 * The successor under each SESSION_SECRET in use, the current one first. While a secret is being
 * replaced, a token may have been rotated under either.
 */
export async function successorsOf(
  keyring: Keyring,
  { sessionId, secret }: RefreshToken,
): Promise<[Successor, ...Successor[]]> {
  const successors = eachSecret(keyring).map(async ({ ratchet }) => {
    const next = await hmacSha256(ratchet, `${sessionId}|${secret}`);
    return { secret: next, hash: await sha256(next) };
  });
  return Promise.all(successors) as Promise<[Successor, ...Successor[]]>;
}
