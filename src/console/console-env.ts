/** The console's bindings and variables, as its own wrangler.toml gives them (docs/console.md). */
import type { SessionsCalls } from '../client/rpc';

export interface ConsoleEnv {
  /** The service's entrypoint `Sessions`, with `props` that name the console in CLIENTS. */
  SESSIONS: SessionsCalls;
  /**
   * The service by HTTP, of which the console reads the public keys. Without it, they are fetched
   * from `ISSUER` as anyone does.
   */
  SERVICE?: { fetch: typeof fetch };
  /** The `ISSUER` of the service. */
  ISSUER?: string;
  /** The audience of the operators' access tokens, one of the service's. */
  AUDIENCE?: string;
  /** The user ids of the operators, an array or separated by spaces or commas. */
  OPERATORS?: string | readonly string[];
  /** Classes of authentication (OpenID Connect Core §2), of which operators need one. */
  OPERATOR_ACR?: string | readonly string[];
  /** The page on which operators sign in, or prove anew who they are. */
  SIGN_IN_URL?: string;
  /** `https://<team>.cloudflareaccess.com` */
  ACCESS_TEAM?: string;
  /** The application's audience tag at Cloudflare Access. */
  ACCESS_AUD?: string;
  LOOK_MAX_AGE_SECONDS?: string | number;
  ACT_MAX_AGE_SECONDS?: string | number;
}
