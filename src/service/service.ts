/**
 * The service: the configuration, the clock, the keys and the databases that every operation works
 * with. One per isolate and configuration.
 */
import type { Config } from '../config/config';
import { tokenLifeSeconds } from '../config/token-life';
import { deriveKeyring, type Keyring, keyringAt } from '../crypto';
import type { Home } from '../db/d1';
import type { Env } from '../env';
import { createIssuerKeys, type IssuerKeys } from '../tokens/issuer-keys';
import { type KeySet, needSigningKey, type SigningKey } from '../tokens/signing-keys';
import { createEndedSessions, type EndedSessions } from './ended-sessions';
import { createKeyCache, type KeyCache } from './key-cache';
import { logLateCron } from './late-cron';
import { createHomes, type Homes } from './open-homes';
import { createTally, type Tally } from './tally';

export interface Service extends Homes {
  config: Config;
  /** Milliseconds since 1970. */
  now: () => number;
  /** The fetch for requests to others. */
  fetch: typeof fetch;
  /** Sessions that ended while an access token of theirs may still be good. */
  endedSessions: EndedSessions;
  /** null: without the binding there is no limit. */
  rateLimits: { sessionRefreshes: RateLimit | null; failedRefreshes: RateLimit | null };
  /** Static files of the Worker; null: without the binding there are none. */
  assets: Fetcher | null;
  tally: Tally;
  keyring: () => Promise<Keyring>;
  /** The keys of trusted OpenID providers. */
  issuerKeys: IssuerKeys;
  keySet: KeyCache;
  /**
   * The key that signs now, and the keyring. Throws when there is no such key, which is a fault.
   */
  signerFor: (home: Home) => Promise<Signer>;
}

/** The keys that tokens are made with. */
export interface Signer {
  key: SigningKey;
  keyring: Keyring;
  /**
   * A time before the content of the tokens was read, in milliseconds since 1970: a change while
   * the answer is on its way makes them stale.
   */
  since: number;
}

export function createService(
  env: Env,
  config: Config,
  now: () => number,
  customFetch: typeof fetch,
): Service {
  const homes = createHomes(config, now);
  // Values are cached, never promises: a promise that waits on another request's I/O may never
  // settle.
  let derived: Keyring | null = null;
  const keyring = async () => {
    const { sessionSecret, previousSessionSecret, previousSecretEndsAt } = config;
    derived ??= await deriveKeyring(sessionSecret, previousSessionSecret, previousSecretEndsAt);
    return keyringAt(derived, now());
  };
  const onRead = (found: KeySet) => logLateCron(config, found, now());
  const keySet = createKeyCache({ policy: config.signingKeys, homes, keyring, now, onRead });
  for (const [id, mistakes] of config.refusedClients)
    console.error(
      JSON.stringify({ level: 'error', event: 'client_refused', client_id: id, mistakes }),
    );
  return {
    config,
    now,
    fetch: customFetch,
    ...homes,
    endedSessions: createEndedSessions({
      tokenLifeSeconds: tokenLifeSeconds(config),
      now,
    }),
    rateLimits: {
      sessionRefreshes: env.RATE_LIMIT_SESSION_REFRESHES ?? null,
      failedRefreshes: env.RATE_LIMIT_FAILED_REFRESHES ?? null,
    },
    assets: env.ASSETS ?? null,
    tally: createTally(env.ANALYTICS ?? null),
    issuerKeys: createIssuerKeys(customFetch, now),
    keyring,
    keySet,
    signerFor: async (home) => {
      const [keys, secrets] = await Promise.all([keySet(home), keyring()]);
      return { key: needSigningKey(keys, now()), keyring: secrets, since: now() };
    },
  };
}
