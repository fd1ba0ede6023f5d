/**
 * Auth.js (NextAuth) with sessions in a database: the table `session` has the token as it is, and
 * so has the cookie `authjs.session-token`. The table does not say when the person signed in.
 */
import { columnsOf, hashOf, type OtherSystem, withEnd } from './exported-session.ts';

export const authJs: OtherSystem = {
  table: 'session',
  isSigned: false,
  read(row) {
    const of = columnsOf(row);
    const token = of.text('sessionToken', 'session_token');
    const user = of.text('userId', 'user_id');
    if (token === null || user === null) return { left: 'no_token_or_user' };
    const session = {
      tokenHash: hashOf(token),
      user,
      signedInAt: null,
      userAgent: null,
      ipAddress: null,
    };
    return withEnd(session, row, 'expires');
  },
};
