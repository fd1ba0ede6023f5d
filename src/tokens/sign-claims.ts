/** Signs what the service issues: JWTs (RFC 7519 §7.1), whose claims are JSON and complete. */
import { type CompactJWSHeaderParameters, CompactSign, type JWTPayload } from 'jose';

const encoder = new TextEncoder();

/**
 * jose's `SignJWT` does the same. It copies the claims deeply first, and knows durations in words.
 */
export function signClaims(
  key: CryptoKey,
  header: CompactJWSHeaderParameters,
  claims: JWTPayload,
): Promise<string> {
  return new CompactSign(encoder.encode(JSON.stringify(claims)))
    .setProtectedHeader(header)
    .sign(key);
}
