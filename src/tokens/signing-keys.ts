/**
 * Keys that sign access tokens. They live in D1, the private part encrypted, and each has one life:
 *
 *   created → published in the JWKS → active from `activates_at` → the next key's `activates_at`
 * ends its signing →
 *   in the JWKS until the last token it signed has expired → purged
 *
 * An operator may cut this life short: a key that is compromised signs and verifies nothing from
 * then on, and a new one signs at once.
 *
 * Nothing of this is stored but `activates_at` and `revoked_at`, so no step can be missed: the cron
 * only adds the next key ahead of time and purges old ones. The first key is made on first need;
 * the unique `generation` lets one of many at once win.
 */
import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK } from 'jose';
import type { SigningAlg, SigningKeyPolicy } from '../config/config';
import { decrypt, eachTrustedSecret, encrypt, type Keyring } from '../crypto';
import type { Home } from '../db/d1';
import {
  addKeyRow,
  type KeyRow,
  purgeKeyRows,
  readKeyRows,
  replaceKeyRows,
  replacePrivateKey,
} from '../db/signing-key-rows';

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
  keys: (VerifyingKey & { privateKey: CryptoKey | null })[];
}

const PKCS8 = {
  EdDSA: { name: 'Ed25519' },
  ES256: { name: 'ECDSA', namedCurve: 'P-256' },
} as const;

/**
 * A key that is compromised is kept for this long: a day, in which every copy of it that was under
 * way has long come to its end.
 */
const KEEP_REVOKED_MS = 86_400_000;

/** What an isolate has cached, while it is younger than this. */
export function freshKeySet(
  cached: KeySet | null,
  maxAgeSeconds: number,
  now: number,
): KeySet | null {
  const age = cached === null ? Number.POSITIVE_INFINITY : Math.abs(now - cached.loadedAt);
  return age < maxAgeSeconds * 1000 ? cached : null;
}

/**
 * Reads the keys, and makes the first one where there is none that can sign. One round trip; two
 * more for the first key.
 */
export async function loadKeySet(
  home: Home,
  keyring: Keyring,
  policy: SigningKeyPolicy,
  now: number,
): Promise<KeySet> {
  const keySet = await readKeySet(home, keyring, now);
  if (findSigningKey(keySet, now) !== null) return keySet;
  const generation = Math.max(0, ...keySet.keys.map((key) => key.generation)) + 1;
  const row = await makeKey(keyring, policy.alg, { generation, activatesAt: new Date(now), now });
  return openKeys(await addKeyRow(home, row), keyring, now);
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

/** One that was found to be compromised after it began to sign has taken over all the same. */
function takesOver({ activatesAt, revokedAt, privateKey }: KeySet['keys'][number]): boolean {
  return privateKey !== null && (revokedAt === null || revokedAt > activatesAt);
}

/** Which keys are compromised: one, or all that were made before a time. */
export type Compromised = { kid: string } | { createdBefore: Date };

/**
 * Takes compromised keys out of use, and makes the one that signs instead, in one transaction of
 * the home where keys are made. Safe to repeat. null: there is no such key.
 */
export async function revokeSigningKeys(
  home: Home,
  keyring: Keyring,
  policy: SigningKeyPolicy,
  which: Compromised,
  now: number,
): Promise<{ revoked: string[]; signing: string | null } | null> {
  for (;;) {
    const keySet = await readKeySet(home, keyring, now);
    const named = keySet.keys.filter(({ kid, createdAt }) =>
      'kid' in which ? kid === which.kid : createdAt < which.createdBefore,
    );
    if (named.length === 0 && 'kid' in which) return null;
    const revoked = named.filter(({ revokedAt }) => revokedAt === null).map(({ kid }) => kid);
    if (revoked.length === 0) return { revoked, signing: findSigningKey(keySet, now)?.kid ?? null };
    const generation = Math.max(...keySet.keys.map((key) => key.generation)) + 1;
    const moment = new Date(now);
    const row = await makeKey(keyring, policy.alg, { generation, activatesAt: moment, now });
    const rows = await replaceKeyRows(home, revoked, row, moment);
    // Otherwise another key was made at the same moment.
    if (rows.some(({ kid }) => kid === row.kid)) return { revoked, signing: row.kid };
  }
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
): Promise<{ published: string | null; purged: number; reencrypted: number }> {
  const keySet = await loadKeySet(home, keyring, policy, now);
  const newest = keySet.keys.findLast(({ revokedAt }) => revokedAt === null);
  let published: string | null = null;
  if (newest !== undefined && isNextKeyDue(newest, policy, now)) {
    const endOfLife = newest.activatesAt.getTime() + policy.lifetimeSeconds * 1000;
    // After a pause of the cron the end of life may be past; the time in the JWKS ahead of use is
    // kept all the same.
    const earliest = now + policy.publishAheadSeconds * 1000;
    const activatesAt = new Date(
      newest.alg === policy.alg ? Math.max(endOfLife, earliest) : earliest,
    );
    const generation = Math.max(...keySet.keys.map((key) => key.generation)) + 1;
    const row = await makeKey(keyring, policy.alg, { generation, activatesAt, now });
    const rows = await addKeyRow(home, row);
    if (rows.some(({ kid }) => kid === row.kid)) published = row.kid;
  }
  const trusted = new Set(trustedKeys(keySet, policy, now).map(({ kid }) => kid));
  const purged = await purgeKeyRows(
    home,
    keySet.keys
      .filter(({ kid }) => !trusted.has(kid))
      .filter(({ revokedAt }) => now - (revokedAt?.getTime() ?? 0) >= KEEP_REVOKED_MS)
      .map(({ kid }) => kid),
  );
  return { published, purged, reencrypted: await reencryptKeys(home, keyring) };
}

function isNextKeyDue(newest: VerifyingKey, policy: SigningKeyPolicy, now: number): boolean {
  if (newest.activatesAt.getTime() > now) return false;
  return (
    newest.alg !== policy.alg ||
    newest.activatesAt.getTime() + (policy.lifetimeSeconds - policy.publishAheadSeconds) * 1000 <=
      now
  );
}

async function reencryptKeys(
  home: Home,
  { current, previous, previousEndsAt }: Keyring,
): Promise<number> {
  // What a leaked secret opens is worth nothing under another one: such keys are replaced.
  if (previous === null || previousEndsAt !== null) return 0;
  const outgoing = (await readKeyRows(home)).filter(({ secretId }) => secretId === previous.id);
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

async function makeKey(
  keyring: Keyring,
  alg: SigningAlg,
  { generation, activatesAt, now }: { generation: number; activatesAt: Date; now: number },
): Promise<KeyRow> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  const { kty, crv, x, y } = await exportJWK(publicKey);
  const kid = await calculateJwkThumbprint({ kty, crv, x, y } as JWK);
  const pkcs8 = new Uint8Array((await crypto.subtle.exportKey('pkcs8', privateKey)) as ArrayBuffer);
  return {
    kid,
    generation,
    alg,
    publicJwk: JSON.stringify({ kty, crv, x, y, kid, alg, use: 'sig' }),
    privateKey: await encrypt(keyring.current.encryption, pkcs8, kid),
    secretId: keyring.current.id,
    createdAt: new Date(now),
    activatesAt,
    revokedAt: null,
  };
}

async function openKeys(rows: KeyRow[], keyring: Keyring, now: number): Promise<KeySet> {
  const keys = rows.map(async (row) => {
    const publicJwk = JSON.parse(row.publicJwk) as JWK;
    return {
      kid: row.kid,
      alg: row.alg,
      generation: row.generation,
      createdAt: row.createdAt,
      activatesAt: row.activatesAt,
      revokedAt: row.revokedAt,
      publicJwk,
      publicKey: (await importJWK(publicJwk, row.alg)) as CryptoKey,
      privateKey: await openPrivateKey(row, keyring),
    };
  });
  return { loadedAt: now, keys: await Promise.all(keys) };
}

/**
 * null when no SESSION_SECRET opens it that is in use and has not leaked: the key still verifies
 * what it signed, and another is made to sign.
 */
async function openPrivateKey(row: KeyRow, keyring: Keyring): Promise<CryptoKey | null> {
  const keys = eachTrustedSecret(keyring).find(({ id }) => id === row.secretId);
  if (keys === undefined) return null;
  const pkcs8 = await decrypt(keys.encryption, row.privateKey, row.kid);
  return crypto.subtle.importKey('pkcs8', pkcs8, PKCS8[row.alg as SigningAlg], false, ['sign']);
}
