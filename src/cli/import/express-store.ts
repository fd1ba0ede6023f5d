/**
 * express-session, as its stores keep a session: a row of `sid` and `sess` (connect-pg-simple,
 * connect-sqlite3), or a `key` with a prefix and a `value` (connect-redis). The cookie
 * `connect.sid` is `s:`, the sid, a dot and its signature (cookie-signature: HMAC-SHA-256, base64
 * without `=`).
 */
import {
  hashOf,
  type OtherSystem,
  type Row,
  secondsIn,
  signatureOf,
  textIn,
} from './exported-session.ts';

export const expressSession: OtherSystem = {
  table: 'session',
  isSigned: true,
  read(row, { secret, userPath }) {
    const sid = textIn(row, 'sid') ?? textIn(row, 'key')?.replace(/^.*:/, '') ?? null;
    const data = parse(row.sess ?? row.session ?? row.value);
    if (sid === null || data === null) return { left: 'no_session_data' };
    const user = textIn({ user: at(data, userPath) }, 'user');
    // A visitor who has not signed in.
    if (user === null) return { left: 'nobody_signed_in' };
    const signed = secret && `s:${sid}.${signatureOf(secret, sid).replace(/=+$/, '')}`;
    return {
      tokenHash: hashOf(signed ?? sid),
      user,
      signedInAt: null,
      expiresAt:
        secondsIn(row, 'expire', 'expired', 'expires') ??
        secondsIn((data.cookie ?? {}) as Row, 'expires'),
      userAgent: null,
      ipAddress: null,
    };
  },
};

function parse(value: unknown): Row | null {
  try {
    const data = typeof value === 'string' ? JSON.parse(value) : value;
    return typeof data === 'object' && data !== null ? data : null;
  } catch {
    return null;
  }
}

/** What stands in the data at a path like `passport.user`. */
function at(data: Row, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>(
      (inner, name) =>
        typeof inner === 'object' && inner !== null ? (inner as Row)[name] : undefined,
      data,
    );
}
