/**
 * better-auth: the table `session` has the token as it is. The cookie `better-auth.session_token`
 * is the token, a dot and its signature (HMAC-SHA-256, base64).
 */
import { columnsOf, hashOf, type OtherSystem, signatureOf, withEnd } from './exported-session.ts';

export const betterAuth: OtherSystem = {
  table: 'session',
  isSigned: true,
  read(row, { secret }) {
    const of = columnsOf(row);
    const token = of.text('token');
    const user = of.text('userId', 'user_id');
    if (token === null || user === null) return { left: 'no_token_or_user' };
    // Staff who act as the user begin anew (docs/api.md, support staff), whatever their ids are.
    if ((of.value('impersonatedBy', 'impersonated_by') ?? '') !== '')
      return { left: 'impersonation' };
    const session = {
      tokenHash: hashOf(secret === null ? token : `${token}.${signatureOf(secret, token)}`),
      user,
      signedInAt: of.seconds('createdAt', 'created_at'),
      userAgent: of.text('userAgent', 'user_agent'),
      ipAddress: of.text('ipAddress', 'ip_address'),
    };
    return withEnd(session, row, 'expiresAt', 'expires_at');
  },
};
