/**
 * better-auth: the table `session` has the token as it is. The cookie `better-auth.session_token`
 * is the token, a dot and its signature (HMAC-SHA-256, base64).
 */
import { hashOf, type OtherSystem, secondsIn, signatureOf, textIn } from './exported-session.ts';

export const betterAuth: OtherSystem = {
  table: 'session',
  isSigned: true,
  read(row, { secret }) {
    const token = textIn(row, 'token');
    const user = textIn(row, 'userId', 'user_id');
    if (token === null || user === null) return { left: 'no_token_or_user' };
    // Staff who act as the user begin anew (docs/api.md, support staff).
    if (textIn(row, 'impersonatedBy', 'impersonated_by') !== null) return { left: 'impersonation' };
    return {
      tokenHash: hashOf(secret === null ? token : `${token}.${signatureOf(secret, token)}`),
      user,
      signedInAt: secondsIn(row, 'createdAt', 'created_at'),
      expiresAt: secondsIn(row, 'expiresAt', 'expires_at'),
      userAgent: textIn(row, 'userAgent', 'user_agent'),
      ipAddress: textIn(row, 'ipAddress', 'ip_address'),
    };
  },
};
