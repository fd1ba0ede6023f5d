/** The SHA-256 of each of a client's secrets, which is all that `CLIENTS` knows of them. */
import * as base64url from 'jose/base64url';
import { isCanonicalBase64url } from '../client/verify/compact-jws';

/**
 * The beginnings of the SHA-256 (base64url) of texts that are no secrets: the empty one, and those
 * of examples. A secret's own begins like one of them once in 2^48.
 */
const HASHES_OF_NO_SECRET: ReadonlySet<string> = new Set([
  /* the empty text */ '47DEQpj8',
  /* test */ 'n4bQgYhM',
  /* secret */ 'K7gNU3sd',
  /* password */ 'XohImNoo',
  /* client_secret */ 'g9FRqY6s',
  /* changeme */ 'BXugPWxE',
  /* demo */ 'KpdRbDVL',
  /* backend-secret */ 'M0hPywCe',
  /* hunter2 */ '9S-9MrKz',
]);

/** Each as base64url, and `problem` of what is wrong with them. */
export function parseSecretHashes(
  texts: readonly string[],
  problem: (text: string) => void,
): readonly string[] {
  const hashes = texts.map((hash) => toBase64url(hash));
  if (hashes.includes(null)) problem('secret_sha256 must be a SHA-256 in hex or base64url');
  const known = hashes.filter((hash) => hash !== null);
  if (known.some((hash) => HASHES_OF_NO_SECRET.has(hash.slice(0, 8))))
    problem(
      'secret_sha256 is the hash of an empty or well-known text; make one as docs/clients.md shows',
    );
  if (new Set(known).size < known.length) problem('both of secret_sha256 are the same');
  return known;
}

/** A SHA-256 in hex or base64url as base64url; null when it is neither. */
function toBase64url(hash: string): string | null {
  if (hash.length === 43 && isCanonicalBase64url(hash)) return hash;
  if (!/^[0-9a-fA-F]{64}$/.test(hash)) return null;
  const bytes = hash.match(/../g)?.map((byte) => Number.parseInt(byte, 16)) ?? [];
  return base64url.encode(Uint8Array.from(bytes));
}
