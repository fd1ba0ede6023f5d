/** Which URLs get the credentials of the session. */

/**
 * The absolute form of a URL; `base` is what a relative one is relative to. React Native's own
 * `URL` puts a slash at the end of whatever it is given, which is taken off again.
 */
export function toHref(url: string, base?: string): string {
  const { href } = new URL(url, /^\w+:/.test(url) ? undefined : base);
  return href === `${url}/` ? url : href;
}

/**
 * In a path: what the `URL` of a browser has resolved, and React Native's leaves to the parser
 * below it, which may then arrive at another path.
 */
const UNRESOLVED = /\/(\.|%2e){1,2}\/|[\0- \\]/i;

/** The same, without a query, and with one slash at its end. */
export const toDirectory = (url: string, base?: string): string =>
  toHref(url, base).replace(/\/*([?#].*)?$/, '/');

/**
 * Whether an absolute URL is of one of these origins or below one of these URL prefixes, whole path
 * segments compared.
 */
export function matchResources(resources: string[], base: string): (url: string) => boolean {
  const prefixes = resources.map((url) => toDirectory(url, base));
  return (url) => {
    const directory = toDirectory(url);
    return !UNRESOLVED.test(directory) && prefixes.some((prefix) => directory.startsWith(prefix));
  };
}
