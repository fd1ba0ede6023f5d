/**
 * HTTP Basic credentials of clients, in either way that they are written. RFC 6749 §2.3.1 has both
 * parts form-urlencoded inside the base64; curl and most HTTP libraries send them as they are (RFC
 * 7617 §2). The two differ for a secret with `+`, `%` or the like, and nothing in the header tells
 * which was meant, so both readings are given to the code that compares secrets.
 */

export interface Credentials {
  id: string;
  secret: string;
}

const SCHEME = /^basic +([A-Za-z0-9+/=]{1,2048})$/i;

/** The readings of a header, form-decoded first; none: it holds no Basic credentials. */
export function parseBasic(header: string): readonly Credentials[] {
  const [, encoded] = SCHEME.exec(header) ?? [];
  const text = encoded === undefined ? null : decodeBase64(encoded);
  const colon = text?.indexOf(':') ?? -1;
  if (text === null || colon < 1) return [];
  const raw = { id: text.slice(0, colon), secret: text.slice(colon + 1) };
  const decoded = { id: decodeForm(raw.id), secret: decodeForm(raw.secret) };
  if (decoded.id === null || decoded.secret === null) return [raw];
  const { id, secret } = decoded;
  return id === raw.id && secret === raw.secret ? [raw] : [{ id, secret }, raw];
}

function decodeBase64(encoded: string): string | null {
  try {
    const bytes = Uint8Array.from(atob(encoded), (char) => char.charCodeAt(0));
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch {
    return null;
  }
}

/** null: no form-urlencoded text, for example one with a bare `%`. */
function decodeForm(part: string): string | null {
  try {
    return decodeURIComponent(part.replaceAll('+', ' '));
  } catch {
    return null;
  }
}
