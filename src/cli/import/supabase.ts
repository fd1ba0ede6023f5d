/**
 * Supabase Auth: `auth.sessions` joined with those of `auth.refresh_tokens` that are not revoked,
 * by the query of docs/coming-from-elsewhere.md. Newer sessions keep no token but a key: theirs
 * follows from the session's id and a counter (supabase/auth, internal/crypto/refresh_tokens.go).
 */
import { createHash, createHmac } from 'node:crypto';
import {
  type Columns,
  columnsOf,
  hashOf,
  type OtherSystem,
  withEndIfAny,
} from './exported-session.ts';

/** How exports write that it is not. */
const NOT_REVOKED: readonly unknown[] = [null, '', false, 'false', 'f', 0, '0'];

export const supabase: OtherSystem = {
  table: 'sessions',
  isSigned: false,
  read(row, { now }) {
    const of = columnsOf(row);
    if (!NOT_REVOKED.includes(of.value('revoked'))) return { left: 'revoked' };
    // Supabase refuses them at the next refresh, and keeps their sessions.
    if (isBanned(of, now)) return { left: 'banned' };
    const isKeyed = of.text('refresh_token_hmac_key') !== null;
    const token = isKeyed ? toKeyedToken(of) : of.text('token');
    const user = of.text('user_id');
    if (isKeyed && token === null) return { left: 'encrypted_key' };
    if (token === null || user === null) return { left: 'no_token_or_user' };
    const session = {
      tokenHash: hashOf(token),
      user,
      signedInAt: of.seconds('created_at'),
      userAgent: of.text('user_agent'),
      ipAddress: of.text('ip'),
    };
    return withEndIfAny(session, row, 'not_after');
  },
};

/** A ban without an end may be `infinity`. */
const isBanned = (of: Columns, now: number) =>
  (of.value('banned_until') ?? '') !== '' &&
  (of.seconds('banned_until') ?? Number.POSITIVE_INFINITY) > now;

/** A version, the session's id, its counter, half of an HMAC-SHA-256, and a checksum. */
function toKeyedToken(of: Columns): string | null {
  const id = of.text('session_id', 'id')?.replaceAll('-', '') ?? '';
  const counter = of.text('refresh_token_counter') ?? '';
  const key = Buffer.from(of.text('refresh_token_hmac_key') ?? '', 'base64');
  if (!/^[0-9a-f]{32}$/i.test(id) || !/^\d+$/.test(counter) || key.length !== 32) return null;
  const message = Buffer.concat([Buffer.of(0), Buffer.from(id, 'hex'), toVarint(BigInt(counter))]);
  const signature = createHmac('sha256', key).update(message).digest().subarray(0, 16);
  const signed = Buffer.concat([message, signature]);
  const checksum = createHash('sha256').update(signed).digest().subarray(0, 4);
  return Buffer.concat([signed, checksum]).toString('base64url');
}

/** Seven bits a byte, the lowest first, and a bit that says that more follow. */
function toVarint(value: bigint): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return Buffer.from([...bytes, Number(rest)]);
}
