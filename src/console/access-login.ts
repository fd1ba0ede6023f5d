/**
 * Operators who come through Cloudflare Access. The platform's own word for who it is
 * (`ctx.access`) counts where it is there; else the assertion that Access sends with each request
 * does, verified by the team's keys. Never the cookie: a header is what Access itself sets on each
 * request.
 */
import { createRemoteJWKSet, type JWTVerifyGetKey, jwtVerify } from 'jose';
import * as errors from 'jose/errors';
import type { AccessSettings } from './console-settings';
import { type Login, reject } from './operator';

const ASSERTION = 'cf-access-jwt-assertion';
const CLOCK_TOLERANCE_SECONDS = 30;

/** The platform's context of a request that Access let through. */
export interface PlatformAccess {
  readonly aud: string;
  getIdentity(): Promise<{ email?: string; user_uuid?: string; iat?: number } | undefined>;
}

/** The team's keys, which jose fetches when it meets an unknown one, and keeps. */
export const teamKeysOf = ({ issuer }: AccessSettings): JWTVerifyGetKey =>
  createRemoteJWKSet(new URL(`${issuer}/cdn-cgi/access/certs`));

interface Verification {
  /** Access as the platform knows it of this request; undefined: it knows of none. */
  platform: PlatformAccess | undefined;
  keys: JWTVerifyGetKey;
  /** Seconds since 1970. */
  now: number;
}

export async function loginByAccess(
  settings: AccessSettings,
  { headers }: Request,
  { platform, keys, now }: Verification,
): Promise<Login> {
  if (platform !== undefined) return byPlatform(settings, platform);
  const assertion = headers.get(ASSERTION);
  if (assertion === null) return reject('not_signed_in');
  try {
    const { payload } = await jwtVerify(assertion, keys, {
      issuer: settings.issuer,
      audience: settings.audience,
      algorithms: ['RS256'],
      requiredClaims: ['exp', 'iat', 'sub'],
      clockTolerance: CLOCK_TOLERANCE_SECONDS,
      currentDate: new Date(now * 1000),
    });
    return toLogin(payload.email ?? payload.sub, payload.sub, payload.iat);
  } catch (error) {
    const isAssertionsFault =
      error instanceof errors.JOSEError &&
      !(error instanceof errors.JWKSTimeout) &&
      !(error instanceof errors.JWKSInvalid) &&
      // jose's error when the team's address answers without keys.
      error.code !== 'ERR_JOSE_GENERIC';
    return reject(isAssertionsFault ? 'not_signed_in' : 'unavailable');
  }
}

/** An application of another console may stand before this Worker too. */
async function byPlatform({ audience }: AccessSettings, access: PlatformAccess): Promise<Login> {
  if (access.aud !== audience) return reject('not_signed_in');
  const identity = await access.getIdentity();
  const { email, user_uuid: id, iat } = identity ?? {};
  return toLogin(email ?? id, id ?? email, iat);
}

/** A service token is let through by Access, and is nobody: its `sub` is empty. */
function toLogin(name: unknown, id: unknown, provedAt: unknown): Login {
  if (typeof name !== 'string' || name === '' || typeof id !== 'string' || id === '')
    return reject('not_an_operator');
  if (typeof provedAt !== 'number') return reject('stale');
  return { ok: true, operator: { name, login: `access:${id}`, provedAt } };
}
