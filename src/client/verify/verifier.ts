/**
 * Verifying an access token by RFC 9068 §4: keys from the service's JWKS alone; issuer, audience,
 * type and algorithm pinned. Whether the session was ended since is asked as far as the options
 * say: by the revocation list, within a stated time, or at once by introspection.
 */
import { type JWTVerifyGetKey, jwtVerify } from 'jose';
import * as errors from 'jose/errors';
import type { AccessTokenClaims, Verdict } from './access-token-verdict';
import { isCompactJws } from './compact-jws';
import { askIntrospection, type IntrospectionOptions } from './introspection';
import { type PageSession, readPageSession } from './page-session';
import { type PresentedToken, type RequestHead, readToken } from './presented-token';
import { readJson } from './read-json';
import { createRemoteKeys } from './remote-keys';
import { isAllowed, isAuthenticated, isForActor, type Requirements } from './requirements';
import { createRevocations, type RevocationOptions } from './revocations';

/**
 * The options of a verifier: whose tokens are good here, and how soon an ended session is noticed.
 */
export interface VerifierOptions {
  /**
   * The service's `ISSUER`, in the form that URL parsers give it, as the service itself has it, and
   * without slashes at its end; compared exactly (RFC 9068 §4). A text that is no URL is a
   * `TypeError`.
   */
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
  /**
   * How far this clock and the service's may differ, in seconds: a token is good so long before its
   * `iat` and after its `exp`. The service lists ended sessions long enough for 60. Default: 60.
   */
  clockToleranceSeconds?: number;
  /**
   * Refuses tokens of ended sessions within `pollSeconds` and the list's `max-age` (10 s unless
   * configured). Default: they are good until they expire.
   */
  revocations?: RevocationOptions;
  /** How to ask the service about one token (RFC 7662), which `live: true` does. */
  introspection?: IntrospectionOptions;
  /**
   * Also takes the token from the service's cookie `__Host-access`. The browser sends it where the
   * service is mounted under this server's own host, for example as
   * `https://app.example.com/auth`. For methods other than GET and HEAD, only requests of the
   * origin of `issuer` are let through with it. Default: false.
   */
  cookie?: boolean;
  /**
   * How the service is reached. Default: the global one. A service binding's is `(...request) =>
   * env.SESSIONS.fetch(...request)`.
   */
  fetch?: typeof fetch;
  /** The time, in milliseconds since 1970. Default: `Date.now`. */
  now?: () => number;
}

/** The verdict on the token of a request, or why there is none to give. */
export type RequestVerdict = Verdict | Extract<PresentedToken, { ok: false }>;

/** Verifies the access tokens of one issuer for one audience. */
export interface AccessTokenVerifier {
  /**
   * Whether the token is good here and meets the requirements. `ok` means: signed by a key of the
   * issuer, of type `at+jwt`, by the issuer, for the audience, not expired (RFC 9068 §4), its
   * session not ended as far as the options ask, of the scopes (RFC 6750 §3.1) and authenticated as
   * required (RFC 9470 §4).
   *
   * Every outcome is a value, an unreachable service too. It rejects for one mistake of the
   * caller's, with a `TypeError`: `live` without the option `introspection`.
   */
  verify: (token: string, requirements?: Requirements) => Promise<Verdict>;
  /**
   * The same of the token that a request brings: in its Authorization header, or in the cookie
   * where the option `cookie` says so. Of a request any object serves that has a `method` and
   * `headers`, those of Node's own requests included.
   */
  verifyRequest: (request: RequestHead, requirements?: Requirements) => Promise<RequestVerdict>;
  /**
   * Tells who looks at a page that is being rendered, by the browser's cookie. It asks the service
   * for nothing but keys (and the revocation list), and rotates nothing, so any number of requests
   * may ask at once. It needs no `this`. Rejects with a `TypeError` without the option `cookie`.
   */
  getSession: (request: RequestHead) => Promise<PageSession>;
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
  const { audience, clockToleranceSeconds = 60, now = Date.now } = options;
  const algorithms = [...(options.algorithms ?? ALGORITHMS)];
  if (algorithms.length === 0 || algorithms.some((name) => !ALGORITHMS.includes(name)))
    throw new TypeError(`\`algorithms\` may name ${ALGORITHMS.join(', ')}`);
  const { origin, href } = new URL(options.issuer);
  const issuer = href.replace(/\/+$/, '');
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
  const expected = { issuer, audience, algorithms, clockToleranceSeconds, now };

  return {
    verify,
    verifyRequest: async (request, requirements) => {
      const presented = readToken(request, options.cookie ? origin : null);
      return presented.ok ? verify(presented.token, requirements) : presented;
    },
    getSession: async (request) => {
      if (!options.cookie) throw new TypeError('`getSession` needs the option `cookie`');
      return readPageSession(request, origin, verify);
    },
  };

  async function verify(token: string, requirements: Requirements = {}): Promise<Verdict> {
    const verdict = await verifySignature(token, findKey, expected);
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
    return findUnmet(claims, requirements, now() / 1000) ?? verdict;
  }
}

/** The requirement that a good token does not meet; null: it meets them. `now` is in seconds. */
function findUnmet(
  claims: AccessTokenClaims,
  requirements: Requirements,
  now: number,
): Verdict | null {
  // Another authentication widens no scope, so it is not asked for in vain.
  if (!isAllowed(claims, requirements))
    return {
      ok: false,
      error: 'insufficient_scope',
      description: 'The access token does not allow this',
    };
  if (!isForActor(claims, requirements))
    return {
      ok: false,
      error: 'insufficient_scope',
      description: 'Support staff may not do this',
    };
  if (isAuthenticated(claims, requirements, now)) return null;
  return {
    ok: false,
    error: 'insufficient_user_authentication',
    description: 'A more recent or stronger authentication is required',
  };
}

/** The key and the claims that a token has to have. */
interface Expected {
  issuer: string;
  audience: VerifierOptions['audience'];
  algorithms: string[];
  clockToleranceSeconds: number;
  /** Milliseconds since 1970. */
  now: () => number;
}

/** RFC 9068 §4. */
async function verifySignature(
  token: string,
  findKey: JWTVerifyGetKey,
  { issuer, audience, algorithms, clockToleranceSeconds, now }: Expected,
): Promise<Verdict> {
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
