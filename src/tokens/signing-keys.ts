/**
 * Keys that sign access tokens. They live in D1, the private part encrypted, and each has one life:
 *
 *   created → published in the JWKS → active from `activates_at`
 *   → the next key's `activates_at` ends its signing
 *   → in the JWKS until the last token it signed has expired → purged
 *
 * An operator may cut this life short: a key that is compromised signs and verifies nothing from
 * then on, and a new one signs at once.
 *
 * Nothing of this is stored but `activates_at` and `revoked_at`, so no step can be missed: the cron
 * only adds the next key ahead of time and purges old ones (rotate-signing-keys.ts). The first key
 * is made on first need; the unique `generation` lets one of many at once win.
 */
import type { JWK } from 'jose';
import type { SigningKeyPolicy } from '../config/signing-key-policy';
import type { Keyring } from '../crypto';
import type { Home } from '../db/d1';
import { addKeyRow, type KeyRow, readKeyRows, replaceKeyRows } from '../db/signing-key-rows';
import { type Act, recordAct } from '../security-log/audit';
import { type KeyMaker, makeKey, openPrivateKey, openPublicKey } from './key-material';

export interface VerifyingKey {
  kid: string;
  alg: string;
  publicJwk: JWK;
  publicKey: CryptoKey;
  createdAt: Date;
  activatesAt: Date;
  /** null, unless it is compromised. */
  revokedAt: Date | null;
  generation: number;
}

export interface SigningKey {
  kid: string;
  alg: string;
  privateKey: CryptoKey;
}

/** The keys that are to be trusted at some moment, as one isolate knows them. */
export interface KeySet {
  loadedAt: number;
  /** When the cron last cleaned up in the home that they were read from; null: never. */
  cleanedUpAt: Date | null;
  keys: (VerifyingKey & { privateKey: CryptoKey | null })[];
}

/** The keys that an isolate has cached, while they are younger than this. */
export function freshKeySet(
  cached: KeySet | null,
  maxAgeSeconds: number,
  now: number,
): KeySet | null {
  const age = cached === null ? Number.POSITIVE_INFINITY : Math.abs(now - cached.loadedAt);
  return age < maxAgeSeconds * 1000 ? cached : null;
}

/**
 * Reads the keys, and makes the first one, by `make`, where there is none that can sign. One round
 * trip; two more for the first key.
 */
export async function loadKeySet(
  home: Home,
  keyring: Keyring,
  { policy, now }: { policy: SigningKeyPolicy; now: number },
  make: KeyMaker = makeKey,
): Promise<KeySet> {
  const keySet = await readKeySet(home, keyring, now);
  if (findSigningKey(keySet, now) !== null) return keySet;
  const generation = nextGeneration(keySet);
  const row = await make(keyring, policy.alg, { generation, activatesAt: new Date(now), now });
  const rows = await addKeyRow(home, row);
  return openKeys({ rows, cleanedUpAt: keySet.cleanedUpAt }, keyring, now);
}

/** Reads the keys as they are. One round trip. */
export async function readKeySet(home: Home, keyring: Keyring, now: number): Promise<KeySet> {
  return openKeys(await readKeyRows(home), keyring, now);
}

/**
 * The key that signs at `now` (ms): the last one that is active and whose private part this service
 * can read.
 */
export function findSigningKey({ keys }: KeySet, now: number): SigningKey | null {
  const key = keys.findLast(
    ({ activatesAt, revokedAt, privateKey }) =>
      activatesAt.getTime() <= now && revokedAt === null && privateKey !== null,
  );
  return key === undefined
    ? null
    : { kid: key.kid, alg: key.alg, privateKey: key.privateKey as CryptoKey };
}

/** The key that signs at `now`, for what cannot go on without one. Throws where there is none. */
export function needSigningKey(keySet: KeySet, now: number): SigningKey {
  const key = findSigningKey(keySet, now);
  if (key === null) throw new Error('no signing key');
  return key;
}

/**
 * The keys that tokens may be signed with at `now` (ms), and those that are published ahead of use.
 * A key whose private part this service cannot read signs nothing, so it takes over from no other.
 */
export function trustedKeys(
  { keys }: KeySet,
  policy: SigningKeyPolicy,
  now: number,
): VerifyingKey[] {
  return keys.filter(({ revokedAt }, position) => {
    const successor = keys.slice(position + 1).find(takesOver);
    return (
      revokedAt === null &&
      (successor === undefined ||
        successor.activatesAt.getTime() + policy.retireSeconds * 1000 > now)
    );
  });
}

/**
 * A key that was found to be compromised after it began to sign has ended the former one's signing
 * all the same.
 */
function takesOver({ activatesAt, revokedAt, privateKey }: KeySet['keys'][number]): boolean {
  return privateKey !== null && (revokedAt === null || revokedAt > activatesAt);
}

/** The generation that a key which is added to these may take. */
export function nextGeneration({ keys }: KeySet): number {
  return Math.max(0, ...keys.map(({ generation }) => generation)) + 1;
}

/** Which keys are compromised: one, or all that were made before a time. */
export type Compromised = { kid: string } | { createdBefore: Date };

/**
 * Takes compromised keys out of use, and makes the one that signs instead, in one transaction of
 * the home where keys are made. Safe to repeat. null: there is no such key.
 */
export async function revokeSigningKeys(
  home: Home,
  which: Compromised,
  act: Act<'operate'>,
  { keyring, policy }: { keyring: Keyring; policy: SigningKeyPolicy },
): Promise<{ revoked: string[]; signing: string | null } | null> {
  const { now } = act;
  let made: KeyRow | null = null;
  for (;;) {
    const keySet = await readKeySet(home, keyring, now);
    const named = keySet.keys.filter(({ kid, createdAt }) =>
      'kid' in which ? kid === which.kid : createdAt < which.createdBefore,
    );
    if (named.length === 0 && 'kid' in which) return null;
    const revoked = named.filter(({ revokedAt }) => revokedAt === null).map(({ kid }) => kid);
    if (revoked.length === 0) return { revoked, signing: findSigningKey(keySet, now)?.kid ?? null };
    const generation = nextGeneration(keySet);
    // Another try is another generation of the same key: making an RSA key takes its time.
    made ??= await makeKey(keyring, policy.alg, { generation, activatesAt: new Date(now), now });
    const row = { ...made, generation };
    const recorded = { ...act, facts: { ...act.facts, kids: revoked } };
    const rows = await replaceKeyRows(home, revoked, row, (isReplaced) =>
      recordAct(home, recorded, isReplaced),
    );
    // Otherwise another key was made at the same moment.
    if (rows.some(({ kid }) => kid === row.kid)) return { revoked, signing: row.kid };
  }
}

async function openKeys(
  { rows, cleanedUpAt }: { rows: KeyRow[]; cleanedUpAt: Date | null },
  keyring: Keyring,
  now: number,
): Promise<KeySet> {
  const keys = rows.map(async (row) => ({
    kid: row.kid,
    alg: row.alg,
    generation: row.generation,
    createdAt: row.createdAt,
    activatesAt: row.activatesAt,
    revokedAt: row.revokedAt,
    publicJwk: JSON.parse(row.publicJwk) as JWK,
    publicKey: await openPublicKey(row),
    privateKey: await openPrivateKey(row, keyring),
  }));
  return { loadedAt: now, cleanedUpAt, keys: await Promise.all(keys) };
}
