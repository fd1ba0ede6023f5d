/**
 * For resource servers: verifies access tokens of this service (RFC 9068), and the Hono middleware
 * over it. Needs `jose`; the middleware needs `hono`.
 */
export { requireAccessToken, type VerifiedEnv } from './verify/middleware';
export {
  type AccessTokenClaims,
  type AccessTokenVerifier,
  createAccessTokenVerifier,
  type Requirements,
  type Verdict,
  type VerifierOptions,
} from './verify/verifier';
