/**
 * Reads a Cookie header (RFC 6265bis §5.8.3). Only spaces and tabs may be around a pair. A parser
 * that trims more takes a name that begins with some other white space for a `__Host-` name, and
 * any neighbouring host can set such a cookie: browsers hold only names that begin with the prefix
 * itself to its rules.
 */

/**
 * The values of all cookies of exactly this name, in their order. Of two, one may be planted, which
 * a parser that gives one value a name, as Hono's does, hides.
 */
export function cookiesNamed(header: string | null | undefined, name: string): string[] {
  return (header ?? '')
    .split(';')
    .map((pair) => pair.replace(/^[ \t]+|[ \t]+$/g, ''))
    .filter((pair) => pair.startsWith(`${name}=`))
    .flatMap((pair) => valuesIn(pair, name));
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
