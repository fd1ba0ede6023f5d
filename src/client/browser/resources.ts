/** Which URLs get the credentials of the session. */

/**
 * Whether an absolute URL is of one of these origins or below one of these URL prefixes, whole path
 * segments compared.
 */
export function matchResources(resources: string[], base: string): (url: string) => boolean {
  const toDirectory = (url: string) => new URL(url, base).href.replace(/\/*([?#].*)?$/, '/');
  const prefixes = resources.map(toDirectory);
  return (url) => prefixes.some((prefix) => toDirectory(url).startsWith(prefix));
}
