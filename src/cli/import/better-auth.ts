/**
 * better-auth: the table `session` has the token as it is. The cookie `better-auth.session_token`
 * is the token, a dot and its signature (HMAC-SHA-256, base64).
 */
import {
  column,
  hashOf,
  type OtherSystem,
  secondsIn,
  signatureOf,
  textIn,
  withEnd,
} from './exported-session.ts';

export const betterAuth: OtherSystem = {
  table: 'session',
  isSigned: true,
  read(row, { secret }) {
    const token = textIn(row, 'token');
    const user = textIn(row, 'userId', 'user_id');
    if (token === null || user === null) return { left: 'no_token_or_user' };
    // Staff who act as the user begin anew (docs/api.md, support staff), whatever their ids are.
    if ((column(row, 'impersonatedBy', 'impersonated_by') ?? '') !== '')
      return { left: 'impersonation' };
    const session = {
      tokenHash: hashOf(secret === null ? token : `${token}.${signatureOf(secret, token)}`),
      user,
      signedInAt: secondsIn(row, 'createdAt', 'created_at'),
      userAgent: textIn(row, 'userAgent', 'user_agent'),
      ipAddress: textIn(row, 'ipAddress', 'ip_address'),
    };
    return withEnd(session, row, 'expiresAt', 'expires_at');
  },
};
