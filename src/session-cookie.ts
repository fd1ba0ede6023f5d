/** The cookie that a session lives in, where it is in a browser (RFC 6265bis). */
import { base64url } from 'jose';

/** `<base64url(client_id)>~<refresh token>` */
export const SESSION_COOKIE = '__Host-session';

export interface SessionCookie {
  clientId: string;
  refreshToken: string;
}

/** What a browser says of its session, authentic or not; null where it says nothing of the form. */
export function parseSessionCookie(value: string | null): SessionCookie | null {
  const [, encodedId, refreshToken] = /^([\w-]{2,171})~([\w.-]{1,1024})$/.exec(value ?? '') ?? [];
  if (encodedId === undefined || refreshToken === undefined) return null;
  const clientId = decodeClientId(encodedId);
  // One client has one spelling.
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

/** The values of all cookies of a name, in their order. */
export function cookiesNamed(header: string, name: string): string[] {
  return (
    header
      .split(';')
      // Spaces and tabs alone: trimming more would take a name with other white space before the
      // prefix, which any neighbouring host can set, for ours.
      .map((pair) => pair.replace(/^[ \t]+|[ \t]+$/g, ''))
      .filter((pair) => pair.startsWith(`${name}=`))
      .flatMap((pair) => valuesIn(pair, name))
  );
}

/**
 * Two Cookie headers are joined by a comma (RFC 9110 §5.3), which no value of ours has. Only behind
 * a pair of our own name is it taken for one: another cookie, which any neighbouring host can set,
 * must not smuggle ours in. Some programs put a value in quotes.
 */
function valuesIn(pair: string, name: string): string[] {
  return pair
    .split(/,[ \t]*(?=[\w-]+=)/)
    .filter((part) => part.startsWith(`${name}=`))
    .map((part) => part.slice(name.length + 1).replace(/^"(.*)"$/, '$1'));
}
