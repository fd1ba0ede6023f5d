/** What every route works with: the configuration, the clock, the keys, the database. One per isolate and configuration. */
import type { Config } from '../config';
import { deriveKeyring, type Keyring } from '../crypto';
import { createBreaker } from '../db/breaker';
import { DEFAULT_HOME, type Home, type Meter, openHome } from '../db/homes';
import type { Env } from '../env';
import { createIssuerKeys, type IssuerKeys } from '../tokens/issuers';
import { freshKeySet, type KeySet, loadKeySet } from '../tokens/keys';

export interface Service {
  config: Config;
  /** Milliseconds since 1970. */
  now: () => number;
  /** For what this service asks of others. */
  fetch: typeof fetch;
  /** null: without the binding there is no limit. */
  rateLimits: { sessionRefreshes: RateLimit | null; failedRefreshes: RateLimit | null };
  /** A home by the name that a token carries; null when there is none of this name. */
  findHome: (name: string, meter: Meter) => Home | null;
  defaultHome: (meter: Meter) => Home;
  keyring: () => Promise<Keyring>;
  /** The keys of trusted OpenID providers. */
  issuerKeys: IssuerKeys;
  /** The signing keys: from the isolate's cache, else in one round trip. */
  keySet: (home: Home) => Promise<KeySet>;
}

export function createService(env: Env, config: Config, now: () => number, send: typeof fetch): Service {
  // Values are cached, never promises: a promise that waits on another request's I/O may never settle.
  let keyring: Keyring | null = null;
  let keySet: KeySet | null = null;
  const breaker = createBreaker(now);
  const defaultHome = (meter: Meter) => openHome(DEFAULT_HOME, env.DB, config.d1TimeoutMs, meter, breaker);
  const service: Service = {
    config,
    now,
    fetch: send,
    rateLimits: {
      sessionRefreshes: env.RATE_LIMIT_SESSION_REFRESHES ?? null,
      failedRefreshes: env.RATE_LIMIT_FAILED_REFRESHES ?? null,
    },
    defaultHome,
    findHome: (name, meter) => (name === DEFAULT_HOME ? defaultHome(meter) : null),
    issuerKeys: createIssuerKeys(send, now),
    keyring: async () => {
      keyring ??= await deriveKeyring(config.sessionSecret, config.previousSessionSecret);
      return keyring;
    },
    keySet: async (home) => {
      const moment = now();
      const fresh = freshKeySet(keySet, moment);
      if (fresh !== null) return fresh;
      keySet = await loadKeySet(home, await service.keyring(), config.signingKeys, moment);
      return keySet;
    },
  };
  return service;
}
