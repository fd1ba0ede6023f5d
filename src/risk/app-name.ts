/**
 * The name of an app or a program in its User-Agent header (RFC 9110 §10.1.5), as its update leaves
 * it: what is before the first version, comment or separator. Apps write whatever they like:
 *
 *   My%20App/42 CFNetwork/1408.0.4 Darwin/22.5.0     the default of Apple's systems
 *   ESPN Radio 4.5.1 (iPhone; iPhone OS 5.1.1)       no slash
 *   Castro 2 2.1.2/646 Like iTunes                   a number in the name
 *   iOS/14.8 com.example.app/2.83.0                  the system first
 */

export interface Product {
  name: string;
  /** Major version, or the number of a build. */
  version: number | null;
}

const MAX_NAME_LENGTH = 64;
/** Within which a name ends: escapes take three characters for a byte. */
const MAX_LOOK_AHEAD = 256;

/** A version needs a dot, unless it is behind a slash: "Podcat 2" is a name. */
const VERSION = String.raw`(?:[\s_-]+v?\s?|(?<=\p{L}))\d+(?:\.[\dx]\w*)+`;
const END = new RegExp(String.raw`\/|\s*[([{<;,]|${VERSION}`, 'u');
const NUMBER = /^[\s/_-]*v?\s?(\d{1,15})/;

/** Names of systems and of what browsers are made of, which are no app's. */
const OTHERS =
  /^(?:ios|android|linux|darwin|windows|macintosh|x11|dalvik|build|mozilla|applewebkit|gecko|khtml|version|mobile|safari|chrome)$/i;
/** Parts of a comment that say nothing: a language, or where to read about a bot. */
const NOTHING = /^(?:compatible|u|[a-z]{2}(?:[-_][a-z]{2})?|\+?https?:.*|)$/i;

/**
 * The app of a user agent that is no browser's (null when it is all punctuation), and what else is
 * there: the name may hold that of a system, for "Citizen" is no Tizen.
 */
export function findApp(text: string): { app: Product | null; rest: string } {
  const named = text.replace(/^https?:\/\//i, '');
  const first = readProduct(named);
  // Facebook's apps begin with a list in brackets.
  if (first === null) {
    const [, listed = ''] = /\bFBAN\/([^\]]+)/.exec(text) ?? [];
    return { app: readProduct(listed), rest: text };
  }
  if (OTHERS.test(first.name)) return { app: findProduct(text) ?? first, rest: text };
  return { app: first, rest: named.slice(endOfName(named)) };
}

/**
 * The app whose user agent begins like a browser's, with "Mozilla/5.0 (…)", but names none: its own
 * product behind that, or what the comment names.
 */
export function findAppInBrowser(text: string): Product | null {
  const comment = /\(([^()]*)/.exec(text)?.[1] ?? '';
  const named = comment
    .split(';')
    .map((part) => part.trim())
    .find((part) => !NOTHING.test(part) && !OTHERS.test(part) && !/^windows\b/i.test(part));
  // In a comment the version has no slash and may be one number: "BeyondPod 4".
  return findProduct(text) ?? readProduct(named?.replace(/(\S)\s+v?(\d[\d.]*)$/, '$1/$2') ?? '');
}

/** The first product, outside of comments, that is an app's. */
function findProduct(text: string): Product | null {
  for (const [product] of text
    .replaceAll(/\([^()]*\)/g, ' ')
    .matchAll(/[^\s/;,]{1,64}\/v?\d\S*/g)) {
    const found = readProduct(product);
    if (found !== null && !OTHERS.test(found.name)) return found;
  }
  return null;
}

function endOfName(text: string): number {
  return END.exec(text.slice(0, MAX_LOOK_AHEAD))?.index ?? text.length;
}

function readProduct(text: string): Product | null {
  const end = endOfName(text);
  const name = toReadable(text.slice(0, end));
  if (name === '') return null;
  const version = Number(NUMBER.exec(text.slice(end))?.[1] ?? Number.NaN);
  return { name, version: Number.isSafeInteger(version) ? version : null };
}

/** As a person would write it: "My App" for "My%20App". Invisible characters are left out. */
function toReadable(name: string): string {
  return decode(name)
    .replaceAll(/[\p{Cc}\p{Cf}\p{Cs}]/gu, '')
    .trim()
    .slice(0, MAX_NAME_LENGTH)
    .toWellFormed();
}

function decode(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
