/**
 * For resource servers: verifies access tokens of this service (RFC 9068), in any runtime with
 * `fetch` and Web Crypto: Workers, Node, Deno, Bun. Needs `jose` and no framework.
 */
export type { IntrospectionOptions } from './introspection';
export type { RevocationOptions } from './revocations';
export {
  type AccessTokenClaims,
  type AccessTokenVerifier,
  createAccessTokenVerifier,
  type Requirements,
  type Verdict,
  type VerifierOptions,
} from './verifier';
