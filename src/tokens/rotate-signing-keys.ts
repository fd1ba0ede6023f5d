/**
 * The cron's part in the life of signing keys: the next one is published ahead of use, ones that
 * are out of use are purged. Another ACCESS_TOKEN_ALG takes effect by the same way: its first key
 * is in the JWKS for SIGNING_KEY_PUBLISH_AHEAD_SECONDS before it signs, so that every verifier has
 * it by then.
 */
import { knownEverywhereSeconds, type SigningKeyPolicy } from '../config/signing-key-policy';
import { decrypt, encrypt, type Keyring } from '../crypto';
import type { Home } from '../db/d1';
import { addKeyRow, purgeKeyRows, readKeyRows, replacePrivateKey } from '../db/signing-key-rows';
import { makeKey } from './key-material';
import {
  findSigningKey,
  type KeySet,
  loadKeySet,
  nextGeneration,
  type SigningKey,
  trustedKeys,
  type VerifyingKey,
} from './signing-keys';

/**
 * A key that is compromised is kept for this long: a day, in which every copy of it that was under
 * way has long come to its end.
 */
const KEEP_REVOKED_MS = 86_400_000;

export interface Rotated {
  /** The key that was published ahead of use; null: none was due. */
  published: string | null;
  purged: number;
  reencrypted: number;
  /** Set while tokens are signed by another algorithm than ACCESS_TOKEN_ALG names. */
  algChange: AlgChange | null;
}

/** From when on tokens are signed by the algorithm that is configured now. */
export interface AlgChange {
  from: string;
  to: string;
  /** ISO 8601 time; null: no key for it could be published yet. */
  at: string | null;
}

/**
 * The cron's part: publishes the next key when it is time, purges keys that are out of use, and
 * encrypts anew what an outgoing SESSION_SECRET encrypted. Safe to run at any time, any number of
 * times, at once.
 */
export async function rotateSigningKeys(
  home: Home,
  keyring: Keyring,
  policy: SigningKeyPolicy,
  now: number,
): Promise<Rotated> {
  const keySet = await loadKeySet(home, keyring, { policy, now });
  const activatesAt = whenNextKeySigns(keySet, policy, now);
  let published: string | null = null;
  let keys: readonly Published[] = keySet.keys;
  if (activatesAt !== null) {
    const generation = nextGeneration(keySet);
    const row = await makeKey(keyring, policy.alg, { generation, activatesAt, now });
    keys = await addKeyRow(home, row);
    if (keys.some(({ kid }) => kid === row.kid)) published = row.kid;
  }
  const trusted = new Set(trustedKeys(keySet, policy, now).map(({ kid }) => kid));
  const purged = await purgeKeyRows(
    home,
    keySet.keys
      .filter(({ kid }) => !trusted.has(kid))
      .filter(({ revokedAt }) => now - (revokedAt?.getTime() ?? 0) >= KEEP_REVOKED_MS)
      .map(({ kid }) => kid),
  );
  const algChange = findAlgChange(findSigningKey(keySet, now), keys, policy, now);
  return { published, purged, reencrypted: await reencryptKeys(home, keyring), algChange };
}

type Published = Pick<VerifyingKey, 'kid' | 'alg' | 'activatesAt' | 'revokedAt'>;

/** When a key that is published now would sign; null: none is due. */
function whenNextKeySigns({ keys }: KeySet, policy: SigningKeyPolicy, now: number): Date | null {
  const newest = keys.findLast(({ revokedAt }) => revokedAt === null);
  if (newest === undefined) return null;
  const from = newest.activatesAt.getTime();
  // The time in the JWKS ahead of use is kept after a pause of the cron, too.
  const earliest = now + policy.publishAheadSeconds * 1000;
  if (newest.alg !== policy.alg) {
    // A waiting key of an algorithm that is not wanted any more never signs if the new key can be
    // known everywhere by then: of two keys for one moment, the later one signs.
    const canReplace = from - now >= knownEverywhereSeconds(policy) * 1000;
    return new Date(canReplace ? from : Math.max(earliest, from));
  }
  const endOfLife = from + policy.lifetimeSeconds * 1000;
  const isDue = from <= now && endOfLife <= earliest;
  return isDue ? new Date(earliest) : null;
}

function findAlgChange(
  signing: SigningKey | null,
  keys: readonly Published[],
  { alg }: SigningKeyPolicy,
  now: number,
): AlgChange | null {
  if (signing === null || signing.alg === alg) return null;
  const next = keys.find(
    (key) => key.alg === alg && key.revokedAt === null && key.activatesAt.getTime() > now,
  );
  return { from: signing.alg, to: alg, at: next?.activatesAt.toISOString() ?? null };
}

async function reencryptKeys(
  home: Home,
  { current, previous, previousEndsAt }: Keyring,
): Promise<number> {
  // A key that a leaked secret opens stays compromised under another secret: such keys are
  // replaced.
  if (previous === null || previousEndsAt !== null) return 0;
  const { rows } = await readKeyRows(home);
  const outgoing = rows.filter(({ secretId }) => secretId === previous.id);
  for (const { kid, privateKey } of outgoing) {
    const sealed = await encrypt(
      current.encryption,
      await decrypt(previous.encryption, privateKey, kid),
      kid,
    );
    await replacePrivateKey(home, kid, { from: previous.id, to: current.id, sealed });
  }
  return outgoing.length;
}
