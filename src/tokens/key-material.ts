/**
 * What a signing key is made of. Its public part is a JWK (RFC 7518 §6, RFC 8037 §2) under its
 * thumbprint (RFC 7638), its private part PKCS #8 (RFC 5958), encrypted with a key of
 * SESSION_SECRET.
 */
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose';
import type { SigningAlg } from '../config/signing-key-policy';
import { decrypt, eachTrustedSecret, encrypt, type Keyring } from '../crypto';
import type { KeyRow } from '../db/signing-key-rows';

/** Of each algorithm: how its private keys are imported, and which members its public JWKs have. */
const ALGORITHMS = {
  EdDSA: { import: { name: 'Ed25519' }, members: ['kty', 'crv', 'x'] },
  ES256: { import: { name: 'ECDSA', namedCurve: 'P-256' }, members: ['kty', 'crv', 'x', 'y'] },
  RS256: {
    import: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
    members: ['kty', 'n', 'e'],
  },
} as const satisfies Record<SigningAlg, unknown>;

/** RFC 7518 §3.3 asks for 2048 bits or more; each further bit makes every signature slower. */
const RSA_BITS = 2048;

/** A key's place among the others, and the moment `now` (ms) at which it is made. */
export interface Placement {
  generation: number;
  activatesAt: Date;
  now: number;
}

/** Makes a key under the current SESSION_SECRET. Whoever called it stores the row. */
export type KeyMaker = (keyring: Keyring, alg: SigningAlg, at: Placement) => Promise<KeyRow>;

export const makeKey: KeyMaker = async (keyring, alg, { generation, activatesAt, now }) => {
  const { privateKey, publicKey } = await generateKeyPair(alg, {
    extractable: true,
    modulusLength: RSA_BITS,
  });
  const exported = await exportJWK(publicKey);
  const members = Object.fromEntries(
    ALGORITHMS[alg].members.map((name) => [name, exported[name as keyof JWK]]),
  ) as JWK;
  const kid = await calculateJwkThumbprint(members);
  const pkcs8 = new Uint8Array((await crypto.subtle.exportKey('pkcs8', privateKey)) as ArrayBuffer);
  return {
    kid,
    generation,
    alg,
    publicJwk: JSON.stringify({ ...members, kid, alg, use: 'sig' }),
    privateKey: await encrypt(keyring.current.encryption, pkcs8, kid),
    secretId: keyring.current.id,
    createdAt: new Date(now),
    activatesAt,
    revokedAt: null,
  };
};

/**
 * A maker that gives all requests of an isolate the same key while they need it at once: making an
 * RSA key takes as long as a hundred signatures, and one of these keys at most is stored. It keeps
 * the key that was made, and no promise of one, because a request cannot wait for another's.
 */
export function createSharedKeyMaker(): KeyMaker {
  let made: KeyRow | null = null;
  return async (keyring, alg, at) => {
    const { generation, activatesAt, now } = at;
    const isSame =
      made?.generation === generation && made.alg === alg && made.secretId === keyring.current.id;
    made = isSame
      ? { ...(made as KeyRow), activatesAt, createdAt: new Date(now) }
      : await makeKey(keyring, alg, at);
    return made;
  };
}

/**
 * null when no SESSION_SECRET opens it that is in use and has not leaked: the key still verifies
 * what it signed, and another is made to sign.
 */
export async function openPrivateKey(row: KeyRow, keyring: Keyring): Promise<CryptoKey | null> {
  const keys = eachTrustedSecret(keyring).find(({ id }) => id === row.secretId);
  if (keys === undefined) return null;
  const pkcs8 = await decrypt(keys.encryption, row.privateKey, row.kid);
  const { import: algorithm } = ALGORITHMS[row.alg as SigningAlg];
  return crypto.subtle.importKey('pkcs8', pkcs8, algorithm, false, ['sign']);
}
