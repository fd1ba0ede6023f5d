/**
 * The few primitives everything else is built of, over WebCrypto. SESSION_SECRET is never used
 * itself: HKDF (RFC 5869) derives one key a purpose from it, so that a key that leaks in one place
 * opens no other.
 */
import * as base64url from 'jose/base64url';

const encoder = new TextEncoder();

/** Keys derived from one SESSION_SECRET. None can be exported. */
export interface SecretKeys {
  /**
   * Names the secret without telling anything of it: the `kid` of refresh tokens and of encrypted
   * signing keys.
   */
  id: string;
  /** HMAC-SHA-256: signs refresh tokens. */
  refreshMac: CryptoKey;
  /** HMAC-SHA-256: steps a refresh token's secret forward. */
  ratchet: CryptoKey;
  /** AES-256-GCM: encrypts the private signing keys. */
  encryption: CryptoKey;
  /** AES-256-GCM: seals the codes that hand a session to a browser. */
  handoff: CryptoKey;
  /** HMAC-SHA-256: what is made again by a repeat: of a create, of an import. */
  idempotency: CryptoKey;
  /** HMAC-SHA-256: signs the links that ask about one event. */
  review: CryptoKey;
  /** HMAC-SHA-256: hides addresses that are only to be compared. */
  address: CryptoKey;
}

/** The secret in use and, while it is being replaced, the other one that is still accepted. */
export interface Keyring {
  current: SecretKeys;
  previous: SecretKeys | null;
  /**
   * Set when the previous secret has leaked, so that whoever has it signs as this service does:
   * when it ends (ms). null: it has not leaked.
   */
  previousEndsAt: number | null;
}

async function deriveSecretKeys(secret: string): Promise<SecretKeys> {
  const input = await crypto.subtle.importKey('raw', encoder.encode(secret), 'HKDF', false, [
    'deriveBits',
    'deriveKey',
  ]);
  const hkdf = (purpose: string) => ({
    name: 'HKDF',
    hash: 'SHA-256',
    salt: encoder.encode('edge-sessions v2'),
    info: encoder.encode(purpose),
  });
  const hmacKey = (purpose: string) =>
    crypto.subtle.deriveKey(
      hkdf(purpose),
      input,
      { name: 'HMAC', hash: 'SHA-256', length: 256 },
      false,
      ['sign', 'verify'],
    );
  const aesKey = (purpose: string) =>
    crypto.subtle.deriveKey(hkdf(purpose), input, { name: 'AES-GCM', length: 256 }, false, [
      'encrypt',
      'decrypt',
    ]);
  const [id, refreshMac, ratchet, idempotency, review, address, encryption, handoff] =
    await Promise.all([
      crypto.subtle.deriveBits(hkdf('id'), input, 64),
      hmacKey('refresh token MAC'),
      hmacKey('refresh token ratchet'),
      hmacKey('idempotency'),
      hmacKey('review'),
      hmacKey('address'),
      aesKey('signing key encryption'),
      aesKey('handoff'),
    ]);
  return {
    id: base64url.encode(new Uint8Array(id)),
    refreshMac,
    ratchet,
    idempotency,
    review,
    address,
    encryption,
    handoff,
  };
}

export async function deriveKeyring(
  current: string,
  previous: string | null,
  previousEndsAt: Date | null = null,
): Promise<Keyring> {
  return {
    current: await deriveSecretKeys(current),
    previous: previous === null ? null : await deriveSecretKeys(previous),
    previousEndsAt: previousEndsAt?.getTime() ?? null,
  };
}

/** The secrets that are accepted at `now` (ms): a leaked one until it ends. */
export function keyringAt(keyring: Keyring, now: number): Keyring {
  const hasEnded = keyring.previousEndsAt !== null && now >= keyring.previousEndsAt;
  return hasEnded ? { ...keyring, previous: null } : keyring;
}

/** The secrets that only this service has, the current one first. */
export function eachTrustedSecret(keyring: Keyring): SecretKeys[] {
  return keyring.previousEndsAt === null ? eachSecret(keyring) : [keyring.current];
}

/** Both secrets' keys, the current one first. */
export function eachSecret({ current, previous }: Keyring): SecretKeys[] {
  return previous === null ? [current] : [current, previous];
}

/** 256 random bits, base64url. */
export function randomSecret(): string {
  return base64url.encode(crypto.getRandomValues(new Uint8Array(32)));
}

export async function sha256(text: string): Promise<string> {
  return base64url.encode(
    new Uint8Array(await crypto.subtle.digest('SHA-256', encoder.encode(text))),
  );
}

/** The first 48 bits of a SHA-256, as a whole number. */
export async function sha256Prefix(text: string): Promise<number> {
  const digest = new DataView(await crypto.subtle.digest('SHA-256', encoder.encode(text)));
  return digest.getUint32(0) * 65_536 + digest.getUint16(4);
}

/** A UUID version 8 (RFC 9562 §5.8) that the same parts give again: 122 bits of their SHA-256. */
export async function toUuid(parts: readonly (string | number)[]): Promise<string> {
  const bytes = base64url.decode(await sha256(JSON.stringify(parts)));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = [...bytes.slice(0, 16)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

export async function hmacSha256(key: CryptoKey, text: string): Promise<string> {
  return base64url.encode(
    new Uint8Array(await crypto.subtle.sign('HMAC', key, encoder.encode(text))),
  );
}

/** Compares two SHA-256 digests (base64url) in constant time. */
export function equalDigests(a: string, b: string): boolean {
  const [left, right] = [encoder.encode(a), encoder.encode(b)];
  return left.byteLength === right.byteLength && crypto.subtle.timingSafeEqual(left, right);
}

/**
 * `aad` is authenticated with the text, so that one row's ciphertext is worthless in another row.
 */
export async function encrypt(key: CryptoKey, plain: Uint8Array, aad: string): Promise<string> {
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const sealed = await crypto.subtle.encrypt(
    { name: 'AES-GCM', iv, additionalData: encoder.encode(aad) },
    key,
    plain,
  );
  const bytes = new Uint8Array(iv.length + sealed.byteLength);
  bytes.set(iv);
  bytes.set(new Uint8Array(sealed), iv.length);
  return base64url.encode(bytes);
}

/** Undoes `encrypt`. Throws when the key or `aad` is another, or a byte was changed. */
export async function decrypt(key: CryptoKey, sealed: string, aad: string): Promise<Uint8Array> {
  const bytes = base64url.decode(sealed);
  const algorithm = {
    name: 'AES-GCM',
    iv: bytes.slice(0, 12),
    additionalData: encoder.encode(aad),
  };
  return new Uint8Array(await crypto.subtle.decrypt(algorithm, key, bytes.slice(12)));
}
