/**
 * Verifying an access token by RFC 9068 §4: keys from the service's JWKS alone; issuer, audience,
 * type and algorithm pinned. Whether the session was ended since is asked as far as the options
 * say: by the revocation list, within a stated time, or at once by introspection.
 */
import { errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { isCompactJws } from './compact-jws';
import { askIntrospection, type IntrospectionOptions } from './introspection';
import { readJson } from './read-json';
import { createRemoteKeys } from './remote-keys';
import { createRevocations, type RevocationOptions } from './revocations';

/** Whose tokens are good here, and how soon an ended session is noticed. */
export interface VerifierOptions {
  /** The service's `ISSUER`, compared exactly but for slashes at its end (RFC 9068 §4). */
  issuer: string;
  /** This resource server's own name: the `aud` that tokens must have (RFC 9068 §4). */
  audience: string;
  /**
   * The algorithms that tokens may be signed by. Default: `["EdDSA", "ES256", "RS256"]`, which are
   * all that the service may be configured to sign with. Anything else is a `TypeError`.
   */
  algorithms?: ('EdDSA' | 'ES256' | 'RS256')[];
  /**
   * The service's keys are kept as long as its `JWKS_MAX_AGE_SECONDS` says. While they cannot be
   * read anew, those that are known stay good for this long since they were read: how long a key
   * that the service has withdrawn can be used while the service is away. Default: 3600.
   */
  acceptStaleKeysSeconds?: number;
  /** How far clocks may differ, in seconds. Default: 5. */
  clockToleranceSeconds?: number;
  /**
   * Refuses tokens of ended sessions within `pollSeconds` and the list's `max-age` (10 s unless
   * configured). Default: they are good until they expire.
   */
  revocations?: RevocationOptions;
  /** How to ask the service about one token (RFC 7662), which `live: true` does. */
  introspection?: IntrospectionOptions;
  /**
   * How the service is reached. Default: the global one. A service binding's is `(...request) =>
   * env.SESSIONS.fetch(...request)`.
   */
  fetch?: typeof fetch;
  /** The time, in milliseconds since 1970. Default: `Date.now`. */
  now?: () => number;
}

/** What a route asks for beyond a good token. */
export interface Requirements {
  /** Seconds since the person last proved who they are (RFC 9470 §4). */
  maxAge?: number;
  /** One of these classes (RFC 9470 §4). */
  acr?: string[];
  /**
   * All of these methods (RFC 8176). Has no parameter in a challenge, so the client learns it from
   * you.
   */
  amr?: string[];
  /**
   * Ask the service whether the session is live right now (RFC 7662 §2). One request to it each
   * time; needs the option `introspection`.
   */
  live?: boolean;
}

/** The claims of a verified token (RFC 9068 §2.2), and this service's. */
export interface AccessTokenClaims extends JWTPayload {
  /** The service that issued it: the option `issuer`. */
  iss: string;
  /** The user; the session where there is no user. */
  sub: string;
  /** Whom it is for, the option `audience` among them. */
  aud: string | string[];
  /** When it expires, in seconds since 1970. */
  exp: number;
  /** When it was issued, in seconds since 1970. */
  iat: number;
  /** Names this one token. */
  jti: string;
  /** The app that the session is for. */
  client_id: string;
  /** The session. */
  sid: string;
  /** `sub` is a session without a user. */
  guest?: boolean;
  /** When the person last proved who they are, in seconds since 1970. */
  auth_time?: number;
  /** By which methods (RFC 8176). */
  amr?: string[];
  /** How well, by classes of the service's own. */
  acr?: string;
}

/**
 * What is known of a token. `description` is for developers, holds nothing of the token, and may
 * be sent to whoever presented it.
 */
export type Verdict =
  | { ok: true; claims: AccessTokenClaims }
  /** 401: not a good token (RFC 6750 §3.1). */
  | { ok: false; error: 'invalid_token'; description: string }
  /** 401: good, but the person has to authenticate again (RFC 9470 §3). */
  | { ok: false; error: 'insufficient_user_authentication'; description: string }
  /** 503: it cannot be decided now. */
  | { ok: false; error: 'unavailable'; description: string };

/** Verifies the access tokens of one issuer for one audience. */
export interface AccessTokenVerifier {
  /**
   * Whether the token is good here and meets the requirements. `ok` means: signed by a key of the
   * issuer, of type `at+jwt`, by the issuer, for the audience, not expired (RFC 9068 §4), its
   * session not ended as far as the options ask, and authenticated as required (RFC 9470 §4).
   *
   * Every outcome is a value, an unreachable service too. It rejects for one mistake of the
   * caller's, with a `TypeError`: `live` without the option `introspection`.
   */
  verify: (token: string, requirements?: Requirements) => Promise<Verdict>;
}

const MAX_LENGTH = 8192;
const ALGORITHMS: readonly string[] = ['EdDSA', 'ES256', 'RS256'];
/** As of the service's default `JWKS_MAX_AGE_SECONDS`, and its largest. */
const KEYS_MAX_AGE_SECONDS = { byDefault: 300, atMost: 86_400 };
const KEYS_TIMEOUT_MS = 3_000;
const KEYS_COOL_DOWN_SECONDS = 5;

/** There are no keys to decide by. */
class KeysUnavailable extends Error {}

/**
 * A verifier that keeps the service's keys, and its revocation list where one is asked for. Make
 * one for a process or isolate and share it: a verification then needs no request, but for `live`.
 *
 * Throws a `TypeError` for `algorithms` that are none, or that the service does not sign with.
 */
export function createAccessTokenVerifier(options: VerifierOptions): AccessTokenVerifier {
  const { audience, clockToleranceSeconds = 5, now = Date.now } = options;
  const algorithms = [...(options.algorithms ?? ALGORITHMS)];
  if (algorithms.length === 0 || algorithms.some((name) => !ALGORITHMS.includes(name)))
    throw new TypeError(`\`algorithms\` may name ${ALGORITHMS.join(', ')}`);
  const issuer = options.issuer.replace(/\/+$/, '');
  const send: typeof fetch =
    options.fetch ?? ((...request: Parameters<typeof fetch>) => fetch(...request));
  const keys = createRemoteKeys(
    () => readJson(`${issuer}/.well-known/jwks.json`, send, KEYS_TIMEOUT_MS),
    {
      now,
      defaultMaxAgeSeconds: KEYS_MAX_AGE_SECONDS.byDefault,
      maxAgeSeconds: KEYS_MAX_AGE_SECONDS.atMost,
      acceptStaleSeconds: options.acceptStaleKeysSeconds ?? 3_600,
      coolDownSeconds: KEYS_COOL_DOWN_SECONDS,
    },
  );
  const findKey: JWTVerifyGetKey = async (header, jws) => {
    const find = await keys(header.kid);
    if (find === null) throw new KeysUnavailable();
    return find(header, jws);
  };
  const revocations =
    options.revocations && createRevocations(issuer, options.revocations, send, now);
  const { introspection } = options;

  return {
    async verify(token, requirements = {}) {
      const verdict = await verifySignature(token);
      if (!verdict.ok) return verdict;
      const { claims } = verdict;
      const revoked = await revocations?.(claims);
      if (revoked === 'revoked') return invalid('The session of this access token is over');
      if (revoked === 'unknown') return unavailable('The revocation list cannot be read');
      if (requirements.live) {
        if (introspection === undefined)
          throw new TypeError('`live` needs the option `introspection`');
        const state = await askIntrospection(issuer, token, introspection, send);
        if (state === 'inactive') return invalid('The session of this access token is over');
        if (state === 'unknown') return unavailable('The session service did not answer');
      }
      return isAuthenticated(claims, requirements, now() / 1000)
        ? verdict
        : {
            ok: false,
            error: 'insufficient_user_authentication',
            description: 'A more recent or stronger authentication is required',
          };
    },
  };

  async function verifySignature(token: string): Promise<Verdict> {
    if (!isCompactJws(token, MAX_LENGTH)) return invalid('The access token is not valid');
    try {
      const { payload } = await jwtVerify<AccessTokenClaims>(token, findKey, {
        issuer,
        audience,
        algorithms,
        typ: 'at+jwt',
        clockTolerance: clockToleranceSeconds,
        currentDate: new Date(now()),
        requiredClaims: ['sub', 'exp', 'iat', 'jti', 'client_id', 'sid'],
      });
      if (payload.iat > now() / 1000 + clockToleranceSeconds)
        return invalid('The access token is not valid');
      return { ok: true, claims: payload };
    } catch (error) {
      if (error instanceof errors.JWTExpired) return invalid('The access token has expired');
      // A key of the set that cannot be imported is the set's fault.
      const isTokensFault =
        error instanceof errors.JOSEError && !(error instanceof errors.JWKSInvalid);
      return isTokensFault
        ? invalid('The access token is not valid')
        : unavailable('The keys cannot be read');
    }
  }
}

function isAuthenticated(
  claims: AccessTokenClaims,
  { maxAge, acr, amr }: Requirements,
  seconds: number,
): boolean {
  const isRecent =
    maxAge === undefined ||
    (claims.auth_time !== undefined && seconds - claims.auth_time <= maxAge);
  const isOfClass = acr === undefined || (claims.acr !== undefined && acr.includes(claims.acr));
  const isByMethods = amr === undefined || amr.every((method) => claims.amr?.includes(method));
  return isRecent && isOfClass && isByMethods;
}

const invalid = (description: string): Verdict => ({
  ok: false,
  error: 'invalid_token',
  description,
});
const unavailable = (description: string): Verdict => ({
  ok: false,
  error: 'unavailable',
  description,
});
