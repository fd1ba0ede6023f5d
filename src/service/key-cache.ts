/**
 * The signing keys that an isolate keeps. They are made in the default home, and the cron copies
 * them to the others, so that each home has what its own requests need.
 */
import {
  KEY_CACHE_SECONDS,
  KEY_STALE_SECONDS,
  type SigningKeyPolicy,
} from '../config/signing-key-policy';
import type { Keyring } from '../crypto';
import { DEFAULT_HOME, type Home } from '../db/d1';
import type { D1Access } from '../db/d1-access';
import { DatabaseUnavailableError } from '../faults';
import { createSingleFlight } from '../single-flight';
import { createSharedKeyMaker } from '../tokens/key-material';
import {
  findSigningKey,
  freshKeySet,
  type KeySet,
  loadKeySet,
  readKeySet,
} from '../tokens/signing-keys';
import type { Homes } from './open-homes';

/**
 * The signing keys: from the isolate's cache, or else in one round trip to the home that is asked
 * anyway; requests of the isolate that need the keys at the same time share it. They are not older
 * than `maxAgeSeconds` (`KEY_CACHE_SECONDS`); while no database answers, `KEY_STALE_SECONDS`.
 */
export type KeyCache = (home: Home, maxAgeSeconds?: number) => Promise<KeySet>;

export function createKeyCache({
  policy,
  homes,
  keyring,
  now,
  onRead,
}: {
  policy: SigningKeyPolicy;
  homes: Homes;
  keyring: () => Promise<Keyring>;
  now: () => number;
  /** Is called with the keys that a database has just answered. */
  onRead: (found: KeySet) => void;
}): KeyCache {
  let keySet: KeySet | null = null;
  const flight = createSingleFlight<KeySet>();
  const makeFirstKey = createSharedKeyMaker();
  return async (home, maxAgeSeconds = KEY_CACHE_SECONDS) => {
    const fresh = freshKeySet(keySet, maxAgeSeconds, now());
    if (fresh !== null) return fresh;
    const read = async () => {
      const moment = now();
      const found = (await readCopy(home, moment)) ?? (await readOriginal(home, moment));
      // Of two reads, the one that began later is the newer one, whichever is answered first.
      if (keySet === null || keySet.loadedAt <= found.loadedAt) keySet = found;
      onRead(found);
      return found;
    };
    try {
      // A read that had begun before does not know of keys that were withdrawn just now, so it is
      // not shared.
      return await (maxAgeSeconds === 0 ? read() : flight.share(read));
    } catch (fault) {
      const known = freshKeySet(keySet, KEY_STALE_SECONDS, now());
      if (known === null || !(fault instanceof DatabaseUnavailableError)) throw fault;
      return known;
    }
  };

  /**
   * Reads the keys that the cron copied to this home; null where keys are made, or where the copy
   * has none that signs.
   */
  async function readCopy(home: Home, moment: number): Promise<KeySet | null> {
    if (home.name === DEFAULT_HOME) return null;
    const copy = await readKeySet(home, await keyring(), moment);
    return findSigningKey(copy, moment) === null ? null : copy;
  }

  /**
   * Keys are made in the default home alone. While it is away, any other home's copy is as good.
   */
  async function readOriginal(access: D1Access, moment: number): Promise<KeySet> {
    try {
      const home = homes.defaultHome(access);
      return await loadKeySet(home, await keyring(), { policy, now: moment }, makeFirstKey);
    } catch (fault) {
      if (!(fault instanceof DatabaseUnavailableError)) throw fault;
      for (const home of homes.homes(access).slice(1)) {
        const copy = await readCopy(home, moment).catch(() => null);
        if (copy !== null) return copy;
      }
      throw fault;
    }
  }
}
