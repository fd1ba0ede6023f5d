/** The cookie that a session lives in, where it is in a browser (RFC 6265bis). */
import * as base64url from 'jose/base64url';

/**
 * The names of the cookies, and how they are read, are defined in client/verify, because verifiers
 * in front of an API read the same cookies, of requests of the same pages.
 */
export {
  ACCOUNTS,
  CURRENT_COOKIE,
  ofAccount,
  readCurrent,
  SESSION_COOKIE,
} from '../client/verify/account-cookies';
export { cookiesNamed } from '../client/verify/cookie-header';
export { isPassedOn, isRefererOf } from '../client/verify/passed-on-request';

/** `<base64url(client_id)>~<refresh token>` */
export interface SessionCookie {
  clientId: string;
  refreshToken: string;
}

/** Parses a session cookie, authentic or not; null where it has not the form of one. */
export function parseSessionCookie(value: string | null): SessionCookie | null {
  const [, encodedId, refreshToken] = /^([\w-]{2,171})~([\w.-]{1,1024})$/.exec(value ?? '') ?? [];
  if (encodedId === undefined || refreshToken === undefined) return null;
  const clientId = decodeClientId(encodedId);
  // Only the one spelling of a client id counts.
  return clientId !== null && base64url.encode(clientId) === encodedId
    ? { clientId, refreshToken }
    : null;
}

export function formatSessionCookie({ clientId, refreshToken }: SessionCookie): string {
  return `${base64url.encode(clientId)}~${refreshToken}`;
}

function decodeClientId(encoded: string): string | null {
  try {
    return new TextDecoder().decode(base64url.decode(encoded));
  } catch {
    return null;
  }
}
