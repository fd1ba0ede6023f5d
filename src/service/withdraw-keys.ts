/**
 * What an operator does when signing keys are compromised: they leave this service in every home,
 * and a new one signs at once. Other isolates know of it within `KEY_CACHE_SECONDS`.
 */
import { copyKeyRows } from '../db/signing-key-rows';
import { queryAll } from '../homes/query-all';
import {
  type Compromised,
  findSigningKey,
  type KeySet,
  revokeSigningKeys,
  trustedKeys,
} from '../tokens/signing-keys';
import type { Caller } from './caller';
import { assertAllAnswered } from './locate';
import type { Service } from './service';

export interface KeyState {
  kid: string;
  alg: string;
  state: 'waiting' | 'signing' | 'verifying' | 'retired' | 'revoked';
  createdAt: Date;
  activatesAt: Date;
}

/** The keys as the database has them now, the newest first. One round trip. */
export async function listSigningKeys(caller: Caller, service: Service): Promise<KeyState[]> {
  const keySet = await service.keySet(service.defaultHome(caller.meter), 0);
  const signing = findSigningKey(keySet, service.now())?.kid;
  const trusted = new Set(
    trustedKeys(keySet, service.config.signingKeys, service.now()).map(({ kid }) => kid),
  );
  const toState = ({ kid, revokedAt, activatesAt }: KeySet['keys'][number]) => {
    if (revokedAt !== null) return 'revoked';
    if (kid === signing) return 'signing';
    if (activatesAt.getTime() > service.now()) return 'waiting';
    return trusted.has(kid) ? 'verifying' : 'retired';
  };
  return keySet.keys
    .map(
      (key) =>
        ({
          kid: key.kid,
          alg: key.alg,
          state: toState(key),
          createdAt: key.createdAt,
          activatesAt: key.activatesAt,
        }) satisfies KeyState,
    )
    .reverse();
}

/**
 * Withdraws keys everywhere. Safe to repeat. null: there is no such key. Throws
 * `DatabaseUnavailableError`, naming them, while there are homes that still have the old keys.
 */
export async function withdrawSigningKeys(
  caller: Caller,
  service: Service,
  which: Compromised,
): Promise<{ revoked: string[]; signing: string | null } | null> {
  const { config, now } = service;
  const original = service.defaultHome(caller.meter);
  const keyring = await service.keyring();
  const outcome = await revokeSigningKeys(original, keyring, config.signingKeys, which, now());
  if (outcome === null) return null;
  // In the home where keys are made it is done.
  const { unavailable } = await queryAll(service.homes(caller.meter), async (home) =>
    home.name === original.name ? 0 : copyKeyRows(original, home),
  );
  assertAllAnswered(unavailable);
  // This isolate goes by it at once.
  await service.keySet(original, 0);
  return outcome;
}
