/**
 * The one spelling of a compact JWS (RFC 7515 §7.1) that is accepted. Decoders of base64url skip
 * padding, white space and the unused bits of the last character, so that one token could be
 * written in many ways, all of which verify. Code that knows a token by its text would take them
 * for different tokens; so all but the canonical spelling (RFC 4648 §3.5) are refused, before
 * anything is verified.
 */

const GROUPS = '(?:[A-Za-z0-9_-]{4})*';
/** A last group of two characters leaves four bits unused, one of three leaves two: all are 0. */
const LAST = '(?:[A-Za-z0-9_-][AQgw]|[A-Za-z0-9_-]{2}[AEIMQUYcgkosw048])?';
const CANONICAL = new RegExp(`^${GROUPS}${LAST}$`);

/** Whether bytes are spelled as an encoder of base64url spells them, without padding. */
export function isCanonicalBase64url(text: string): boolean {
  return CANONICAL.test(text);
}

/**
 * Whether a text is a compact JWS of at most `maxLength` characters, each of its three parts in
 * canonical base64url. It says nothing of the signature. Every verifier of tokens asks this first.
 */
export function isCompactJws(text: string, maxLength: number): boolean {
  if (text.length > maxLength) return false;
  const parts = text.split('.');
  return parts.length === 3 && parts.every(isCanonicalBase64url);
}
