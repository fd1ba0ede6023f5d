/**
 * Lucia. Version 3 keeps the token itself as the session's id, which the cookie `auth_session` has
 * too. What its later guides teach keeps a SHA-256: of the whole token as the id (in hex), or, as
 * `secret_hash`, of what follows the dot in `<id>.<secret>`, which is then what has to be
 * presented.
 */
import { hashOf, type OtherSystem, type Row, secondsIn, textIn } from './exported-session.ts';

export const lucia: OtherSystem = {
  table: 'session',
  isSigned: false,
  read(row) {
    const tokenHash = toTokenHash(row);
    const user = textIn(row, 'user_id', 'userId');
    if (tokenHash === null || user === null) return { left: 'no_token_or_user' };
    return {
      tokenHash,
      user,
      signedInAt: secondsIn(row, 'created_at', 'createdAt'),
      expiresAt: secondsIn(row, 'expires_at', 'expiresAt'),
      userAgent: textIn(row, 'user_agent', 'userAgent'),
      ipAddress: textIn(row, 'ip_address', 'ipAddress'),
    };
  },
};

function toTokenHash(row: Row): string | null {
  const hashed = row.secret_hash ?? row.secretHash;
  if (hashed instanceof Uint8Array) return Buffer.from(hashed).toString('base64url');
  // As PostgreSQL writes bytes (`\x…`), and as hex.
  const hex = typeof hashed === 'string' ? hashed.replace(/^\\x/, '') : textIn(row, 'id');
  if (hex !== null && /^[0-9a-f]{64}$/i.test(hex))
    return Buffer.from(hex, 'hex').toString('base64url');
  return hex !== null && typeof hashed !== 'string' ? hashOf(hex) : null;
}
