/**
 * What every route works with: the configuration, the clock, the keys, the database. One per
 * isolate and configuration.
 */
import type { Config } from '../config/config';
import type { HomeConfig } from '../config/homes';
import { KEY_CACHE_SECONDS, KEY_STALE_SECONDS } from '../config/signing-key-policy';
import { tokenLifeSeconds } from '../config/token-life';
import { deriveKeyring, type Keyring, keyringAt } from '../crypto';
import { type Breaker, createBreaker } from '../db/breaker';
import {
  type Copy,
  DEFAULT_HOME,
  type Home,
  type HomeBinding,
  type Meter,
  openHome,
  openReplica,
  type Replica,
} from '../db/d1';
import type { Env } from '../env';
import { DatabaseUnavailableError } from '../faults';
import { createSingleFlight } from '../single-flight';
import { createIssuerKeys, type IssuerKeys } from '../tokens/issuer-keys';
import { createSharedKeyMaker } from '../tokens/key-material';
import {
  findSigningKey,
  freshKeySet,
  type KeySet,
  loadKeySet,
  readKeySet,
  type SigningKey,
} from '../tokens/signing-keys';
import { createEndedSessions, type EndedSessions } from './ended-sessions';

export interface Service {
  config: Config;
  /** Milliseconds since 1970. */
  now: () => number;
  /** For what this service asks of others. */
  fetch: typeof fetch;
  /** Of which access tokens may still be good. */
  endedSessions: EndedSessions;
  /** null: without the binding there is no limit. */
  rateLimits: { sessionRefreshes: RateLimit | null; failedRefreshes: RateLimit | null };
  /** Static files of the Worker; null: without the binding there are none. */
  assets: Fetcher | null;
  /** A home by the name that a token carries; null when there is none of this name. */
  findHome: (name: string, meter: Meter) => Home | null;
  /**
   * A home that the configuration names, or that a user is known to live in. Throws when it is not
   * bound.
   */
  boundHome: (name: string, meter: Meter) => Home;
  /** All of them, the default one first. */
  homes: (meter: Meter) => Home[];
  defaultHome: (meter: Meter) => Home;
  /** A home's copy for reads that may lag. */
  replicaOf: (home: Home) => Replica;
  keyring: () => Promise<Keyring>;
  /** The keys of trusted OpenID providers. */
  issuerKeys: IssuerKeys;
  /**
   * The signing keys: from the isolate's cache, else in one round trip to the home that is asked
   * anyway, which requests of the isolate share that need them at once. Not older than
   * `maxAgeSeconds` (`KEY_CACHE_SECONDS`); while no database answers, `KEY_STALE_SECONDS`.
   */
  keySet: (home: Home, maxAgeSeconds?: number) => Promise<KeySet>;
  /** Of those, what signs now. Throws when there is none, which is a fault. */
  signerFor: (home: Home) => Promise<Signer>;
}

/** What tokens are made with. */
export interface Signer {
  key: SigningKey;
  keyring: Keyring;
}

/** What the isolate keeps of a home: how to reach it, and how that went. */
interface Source {
  at: HomeBinding;
  primary: Breaker;
  replica: Breaker;
  copy: Copy;
}

export function createService(
  env: Env,
  config: Config,
  now: () => number,
  send: typeof fetch,
): Service {
  // Values are cached, never promises: a promise that waits on another request's I/O may never
  // settle.
  let keyring: Keyring | null = null;
  let keySet: KeySet | null = null;
  const keyFlight = createSingleFlight<KeySet>();
  const makeFirstKey = createSharedKeyMaker();
  const sources = new Map([...config.homes.values()].map((home) => [home.name, toSource(home)]));
  const open = ({ at, primary }: Source, meter: Meter) => openHome(at, meter, primary);
  const findHome = (name: string, meter: Meter) => {
    const source = sources.get(name);
    return source === undefined ? null : open(source, meter);
  };
  const boundHome = (name: string, meter: Meter) => {
    const home = findHome(name, meter);
    if (home === null) throw new Error('a user lives in a home that is not bound');
    return home;
  };
  const defaultHome = (meter: Meter) => boundHome(DEFAULT_HOME, meter);
  const service: Service = {
    config,
    now,
    fetch: send,
    endedSessions: createEndedSessions({
      tokenLifeSeconds: tokenLifeSeconds(config),
      now,
    }),
    assets: env.ASSETS ?? null,
    rateLimits: {
      sessionRefreshes: env.RATE_LIMIT_SESSION_REFRESHES ?? null,
      failedRefreshes: env.RATE_LIMIT_FAILED_REFRESHES ?? null,
    },
    defaultHome,
    findHome,
    boundHome,
    homes: (meter) => [...sources.values()].map((source) => open(source, meter)),
    replicaOf: ({ name, meter }) => {
      const { at, ...breakers } = sources.get(name) as Source;
      return openReplica(at, meter, breakers);
    },
    issuerKeys: createIssuerKeys(send, now),
    keyring: async () => {
      const { sessionSecret, previousSessionSecret, previousSecretEndsAt } = config;
      keyring ??= await deriveKeyring(sessionSecret, previousSessionSecret, previousSecretEndsAt);
      return keyringAt(keyring, now());
    },
    keySet: async (home, maxAgeSeconds = KEY_CACHE_SECONDS) => {
      const fresh = freshKeySet(keySet, maxAgeSeconds, now());
      if (fresh !== null) return fresh;
      const read = async () => {
        const moment = now();
        const found = (await readCopy(home, moment)) ?? (await readOriginal(home, moment));
        // Of two reads the later one knows more, whichever is answered first.
        if (keySet === null || keySet.loadedAt <= found.loadedAt) keySet = found;
        return found;
      };
      try {
        // What was withdrawn just now is not in a read that had begun before.
        return await (maxAgeSeconds === 0 ? read() : keyFlight.share(read));
      } catch (fault) {
        const known = freshKeySet(keySet, KEY_STALE_SECONDS, now());
        if (known === null || !(fault instanceof DatabaseUnavailableError)) throw fault;
        return known;
      }
    },
    signerFor: async (home) => {
      const [keys, keyring] = await Promise.all([service.keySet(home), service.keyring()]);
      const key = findSigningKey(keys, now());
      if (key === null) throw new Error('no signing key');
      return { key, keyring };
    },
  };
  for (const [id, mistakes] of config.refusedClients)
    console.error(
      JSON.stringify({ level: 'error', event: 'client_refused', client_id: id, mistakes }),
    );
  return service;

  function toSource({ name, binding }: HomeConfig): Source {
    const at = { name, binding, timeoutMs: config.d1TimeoutMs };
    const copy = { isSeen: null };
    return { at, primary: createBreaker(now), replica: createBreaker(now), copy };
  }

  /**
   * What the cron copied to this home; null when it is where keys are made, or has none that signs.
   */
  async function readCopy(home: Home, moment: number): Promise<KeySet | null> {
    if (home.name === DEFAULT_HOME) return null;
    const copy = await readKeySet(home, await service.keyring(), moment);
    return findSigningKey(copy, moment) === null ? null : copy;
  }

  /**
   * Keys are made in the default home alone. While it is away, any other home's copy is as good.
   */
  async function readOriginal({ meter }: Home, moment: number): Promise<KeySet> {
    try {
      return await loadKeySet(
        defaultHome(meter),
        await service.keyring(),
        config.signingKeys,
        moment,
        makeFirstKey,
      );
    } catch (fault) {
      if (!(fault instanceof DatabaseUnavailableError)) throw fault;
      for (const home of service.homes(meter).slice(1)) {
        const copy = await readCopy(home, moment).catch(() => null);
        if (copy !== null) return copy;
      }
      throw fault;
    }
  }
}
