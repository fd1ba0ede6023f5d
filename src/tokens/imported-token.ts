/**
 * The token of a session that began in another system: for this service it is the session's first
 * refresh token. The session's id and first secret follow from its SHA-256 and from a key that is
 * not in the database, so that the token is found again, and neither a leak of the database nor one
 * of the key gives anything that the other system, or this one, would accept.
 */
import { eachSecret, hmacSha256, type Keyring, toUuid } from '../crypto';

export interface ImportedToken {
  sessionId: string;
  /** 256 bits, base64url. */
  secret: string;
}

/**
 * A token of another system as one of ours, under each SESSION_SECRET in use, the current one
 * first. `hash`: its SHA-256, base64url.
 */
export function toImportedTokens(keyring: Keyring, hash: string): Promise<ImportedToken[]> {
  return Promise.all(
    eachSecret(keyring).map(async ({ idempotency }) => {
      const secret = await hmacSha256(idempotency, `imported|${hash}`);
      return { sessionId: await toUuid(['imported', secret]), secret };
    }),
  );
}
