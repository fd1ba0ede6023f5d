/**
 * Withdraws signing keys that are compromised: no home verifies by them any more, and a new key
 * signs at once. Other isolates know of it within `KEY_CACHE_SECONDS`.
 */
import { copyKeyRows } from '../db/signing-key-rows';
import { assertAllAnswered, queryAll } from '../homes/query-all';
import type { ActReason } from '../security-log/audit';
import {
  type Compromised,
  findSigningKey,
  type KeySet,
  revokeSigningKeys,
  trustedKeys,
} from '../tokens/signing-keys';
import { reportAct, toAct } from './acts';
import { authorize } from './authorize';
import type { ClientCaller } from './caller';
import { invalid, type Result, refuse } from './refusal';
import type { Service } from './service';

export interface KeyState {
  kid: string;
  alg: string;
  state: 'waiting' | 'signing' | 'verifying' | 'retired' | 'revoked';
  createdAt: Date;
  activatesAt: Date;
}

/** Lists the keys as the database has them now, the newest first. One round trip. */
export async function listSigningKeys(
  caller: ClientCaller,
  service: Service,
): Promise<Result<{ keys: KeyState[] }>> {
  const authorized = authorize(caller.client, 'operate');
  if (!authorized.ok) return authorized;
  const keySet = await service.keySet(service.defaultHome(caller), 0);
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
  const keys = keySet.keys
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
  return { ok: true, keys };
}

/**
 * Withdraws keys everywhere. Safe to repeat. Throws `DatabaseUnavailableError`, naming them, while
 * there are homes that still have the old keys.
 */
export async function withdrawSigningKeys(
  caller: ClientCaller,
  service: Service,
  which: Compromised,
  reason: ActReason | null,
): Promise<Result<{ revoked: string[]; signing: string | null }>> {
  const authorized = authorize(caller.client, 'operate');
  if (!authorized.ok) return authorized;
  const { config, now } = service;
  if ('createdBefore' in which && which.createdBefore.getTime() > now())
    return invalid('created_before is in the future');
  const original = service.defaultHome(caller);
  const keyring = await service.keyring();
  const act = await toAct(caller, service, authorized.grant, {
    type: 'signing_keys_revoked',
    target: 'kid' in which ? { type: 'signing_key', id: which.kid } : { type: 'signing_keys' },
    reason,
    facts: 'kid' in which ? {} : { created_before: which.createdBefore.getTime() / 1000 },
    outboxHome: original.name,
  });
  const context = { keyring, policy: config.signingKeys };
  const outcome = await revokeSigningKeys(original, which, act, context);
  if (outcome === null) return refuse({ code: 'not_found', detail: 'There is no such key' });
  if (outcome.revoked.length > 0) reportAct(caller, act, [{ home: original }]);
  // The home where keys are made is done already.
  const { unavailable } = await queryAll(service.homes(caller), async (home) =>
    home.name === original.name ? 0 : copyKeyRows(original, home),
  );
  assertAllAnswered(unavailable);
  // This isolate reads the new keys at once.
  await service.keySet(original, 0);
  return { ok: true, ...outcome };
}
