/**
 * Makes and opens signing keys. Its public part is a JWK (RFC 7518 §6, RFC 8037 §2) under its
 * thumbprint (RFC 7638), its private part PKCS #8 (RFC 5958), encrypted with a key of
 * SESSION_SECRET.
 */
import type { JWK } from 'jose';
import type { SigningAlg } from '../config/signing-key-policy';
import { decrypt, eachTrustedSecret, encrypt, type Keyring, sha256 } from '../crypto';
import type { KeyRow } from '../db/signing-key-rows';

/** RFC 7518 §3.3 asks for 2048 bits or more; each further bit makes every signature slower. */
const RSA_BITS = 2048;

/**
 * How the keys of each algorithm are made and imported, and the members that a public JWK has to
 * have, in the order in which RFC 7638 §3 hashes them.
 */
const ALGORITHMS = {
  EdDSA: { parameters: { name: 'Ed25519' }, members: ['crv', 'kty', 'x'] },
  ES256: {
    parameters: { name: 'ECDSA', namedCurve: 'P-256' },
    members: ['crv', 'kty', 'x', 'y'],
  },
  RS256: {
    parameters: {
      name: 'RSASSA-PKCS1-v1_5',
      hash: 'SHA-256',
      modulusLength: RSA_BITS,
      publicExponent: Uint8Array.of(1, 0, 1),
    },
    members: ['e', 'kty', 'n'],
  },
} as const satisfies Record<SigningAlg, unknown>;

/** A key's place among the others, and the moment `now` (ms) at which it is made. */
export interface Placement {
  generation: number;
  activatesAt: Date;
  now: number;
}

/** Makes a key under the current SESSION_SECRET. The caller stores the row. */
export type KeyMaker = (keyring: Keyring, alg: SigningAlg, at: Placement) => Promise<KeyRow>;

export const makeKey: KeyMaker = async (keyring, alg, { generation, activatesAt, now }) => {
  const { parameters, members } = ALGORITHMS[alg];
  const { privateKey, publicKey } = (await crypto.subtle.generateKey(parameters, true, [
    'sign',
    'verify',
  ])) as CryptoKeyPair;
  const exported = (await crypto.subtle.exportKey('jwk', publicKey)) as JWK;
  const jwk = Object.fromEntries(members.map((name) => [name, exported[name]]));
  // The thumbprint (RFC 7638 §3).
  const kid = await sha256(JSON.stringify(jwk));
  const pkcs8 = new Uint8Array((await crypto.subtle.exportKey('pkcs8', privateKey)) as ArrayBuffer);
  return {
    kid,
    generation,
    alg,
    publicJwk: JSON.stringify({ ...jwk, kid, alg, use: 'sig' }),
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
  return crypto.subtle.importKey('pkcs8', pkcs8, parametersOf(row), false, ['sign']);
}

export const openPublicKey = (row: KeyRow): Promise<CryptoKey> =>
  crypto.subtle.importKey('jwk', JSON.parse(row.publicJwk), parametersOf(row), true, ['verify']);

const parametersOf = ({ alg }: KeyRow) => ALGORITHMS[alg as SigningAlg].parameters;
