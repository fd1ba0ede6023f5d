/**
 * The Worker's bindings and variables, as wrangler.toml, secrets and `.dev.vars` give them.
 * config/config.ts alone reads the variables.
 */
export interface Env extends Bindings {
  /** More homes (db/d1.ts). */
  [home: `DB_${string}`]: D1Database | undefined;
  /** More of `CLIENTS`, because Cloudflare takes 5 KB for a variable. */
  [clients: `CLIENTS_${number}`]: string | undefined;
}

/**
 * The bindings that have a fixed name. They have no index signature, because a team that calls the
 * Worker from its own has an interface that `wrangler types` made of its wrangler.toml, which would
 * not fit one.
 */
export interface Bindings {
  DB: D1Database;
  /**
   * Limits the requests that ask D1 with one credential (service/throttle.ts). The name is from a
   * time when refreshes alone were counted.
   */
  RATE_LIMIT_SESSION_REFRESHES?: RateLimit;
  /** Failures of one client and address. */
  RATE_LIMIT_FAILED_REFRESHES?: RateLimit;
  /** The languages of the pages for people; without it they are English. */
  ASSETS?: Fetcher;
  /** Told of refreshes, starts and refusals (docs/metrics.md); without it nobody is. */
  ANALYTICS?: AnalyticsEngineDataset;
  HOMES?: string;
  ISSUER?: string;
  AUDIENCE?: string;
  ACCOUNT_AUDIENCE?: string;
  CLIENTS?: string;
  SESSION_SECRET?: string;
  SESSION_SECRET_PREVIOUS?: string;
  SESSION_SECRET_PREVIOUS_ENDS_AT?: string;
  ACCESS_TOKEN_TTL_SECONDS?: string;
  ACCESS_TOKEN_ALG?: string;
  REFRESH_GRACE_SECONDS?: string;
  INACTIVITY_TIMEOUT_SECONDS?: string;
  SESSION_LIFETIME_SECONDS?: string;
  MAX_SESSIONS_PER_USER?: string;
  SESSION_LIMIT_POLICY?: string;
  CLEANUP_RETENTION_SECONDS?: string;
  SIGNING_KEY_LIFETIME_SECONDS?: string;
  SIGNING_KEY_PUBLISH_AHEAD_SECONDS?: string;
  SIGNING_KEY_RETIRE_SECONDS?: string;
  JWKS_MAX_AGE_SECONDS?: string;
  D1_TIMEOUT_MS?: string;
  QUERIES_PER_INVOCATION?: string;
  IMPORTED_SESSIONS_UNTIL?: string;
  RISK_POLICY?: string;
  LOST_ANSWER_SECONDS?: string;
  ADDRESS_STORAGE?: string;
  EVENT_RETENTION_SECONDS?: string;
  WEBHOOKS?: string;
  TRUSTED_ISSUERS?: string;
  REVOCATION_LIST_MAX_AGE_SECONDS?: string;
  REAUTHENTICATE_TO_REVOKE_SECONDS?: string;
  HSTS?: string;
  BRAND_NAME?: string;
  BRAND_LOGO_URL?: string;
  BRAND_COLOR?: string;
  LANGUAGES?: string;
  TEXTS?: string;
}
