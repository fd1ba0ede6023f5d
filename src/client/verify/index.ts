/**
 * For resource servers: verifies access tokens of this service (RFC 9068), in any runtime with
 * `fetch` and Web Crypto: Workers, Node, Deno, Bun. Needs `jose` and no framework.
 */
export type { AccessTokenClaims, TokenActor, Verdict } from './access-token-verdict';
export type { IntrospectionOptions } from './introspection';
export type { PageSession } from './page-session';
export type { RequestHead } from './presented-token';
export type { Requirements } from './requirements';
export type { RevocationOptions } from './revocations';
export {
  type AccessTokenVerifier,
  createAccessTokenVerifier,
  type RequestVerdict,
  type VerifierOptions,
} from './verifier';
