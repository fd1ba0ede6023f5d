/**
 * express-session, as its stores keep a session: a row of `sid` and `sess` (connect-pg-simple,
 * connect-sqlite3), or a `key` with a prefix and a `value` (connect-redis). The cookie
 * `connect.sid` is `s:`, the sid, a dot and its signature (cookie-signature: HMAC-SHA-256, base64
 * without `=`).
 */
import {
  columnsOf,
  hashOf,
  type OtherSystem,
  type Row,
  signatureOf,
  withEndIfAny,
} from './exported-session.ts';

export const expressSession: OtherSystem = {
  table: 'session',
  isSigned: true,
  read(row, { secret, userPath }) {
    const of = columnsOf(row);
    const sid = of.text('sid') ?? of.text('key')?.replace(/^.*:/, '') ?? null;
    const data = parse(row.sess ?? row.session ?? row.value);
    if (sid === null || data === null) return { left: 'no_session_data' };
    const user = columnsOf({ user: at(data, userPath) }).text('user');
    // A visitor who has not signed in.
    if (user === null) return { left: 'nobody_signed_in' };
    const signed = secret && `s:${sid}.${signatureOf(secret, sid).replace(/=+$/, '')}`;
    const session = {
      tokenHash: hashOf(signed ?? sid),
      user,
      signedInAt: null,
      userAgent: null,
      ipAddress: null,
    };
    const times = ['expire', 'expired', 'expires'];
    // Redis forgets by itself what is over, and a cookie of a browser's session says no time.
    const saying = of.value(...times) === null ? ((data.cookie ?? {}) as Row) : row;
    return withEndIfAny(session, saying, ...times);
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

/** The value at a path of the data like `passport.user`. */
function at(data: Row, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>(
      (inner, name) =>
        typeof inner === 'object' && inner !== null ? (inner as Row)[name] : undefined,
      data,
    );
}
