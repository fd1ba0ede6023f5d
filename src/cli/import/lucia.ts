/**
 * Lucia. Version 3 keeps the token itself as the session's id, which the cookie `auth_session` has
 * too. The tables of its later guides keep a SHA-256: of the whole token as the id (in hex), or, as
 * `secret_hash`, of the part after the dot in `<id>.<secret>`, which is then the token to be
 * presented; the id is no secret there, so it never stands in for a hash that cannot be read.
 */
import { type Columns, columnsOf, hashOf, type OtherSystem, withEnd } from './exported-session.ts';

export const lucia: OtherSystem = {
  table: 'session',
  isSigned: false,
  read(row) {
    const of = columnsOf(row);
    const tokenHash = toTokenHash(row, of);
    const user = of.text('user_id', 'userId');
    if (tokenHash === null || user === null) return { left: 'no_token_or_user' };
    const session = {
      tokenHash,
      user,
      signedInAt: of.seconds('created_at', 'createdAt'),
      userAgent: of.text('user_agent', 'userAgent'),
      ipAddress: of.text('ip_address', 'ipAddress'),
    };
    return withEnd(session, row, 'expires_at', 'expiresAt');
  },
};

function toTokenHash(row: object, of: Columns): string | null {
  if ('secret_hash' in row || 'secretHash' in row)
    return toDigest(of.value('secret_hash', 'secretHash'));
  const id = of.text('id');
  return id === null ? null : (readHex(id)?.toString('base64url') ?? hashOf(id));
}

const readHex = (text: string) => (/^[0-9a-f]{64}$/i.test(text) ? Buffer.from(text, 'hex') : null);

/** A SHA-256 in base64url; null: it is none. */
function toDigest(hash: unknown): string | null {
  const bytes = typeof hash === 'string' ? readText(hash) : readBytes(hash);
  return bytes?.length === 32 ? bytes.toString('base64url') : null;
}

/** As PostgreSQL writes bytes (`\x…`), as hex, or as base64. */
const readText = (text: string) => readHex(text.replace(/^\\x/, '')) ?? Buffer.from(text, 'base64');

/** Bytes, and what JSON makes of a `Uint8Array` or of a `Buffer`. */
function readBytes(value: unknown): Buffer | null {
  if (value instanceof Uint8Array) return Buffer.from(value);
  const bytes = Object.values((value as { data?: object } | null)?.data ?? value ?? {});
  return bytes.every((byte) => Number.isInteger(byte) && byte >= 0 && byte < 256)
    ? Buffer.from(bytes)
    : null;
}
