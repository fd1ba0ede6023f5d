/** The cookies of one browser, as answers set them and as time takes them (RFC 6265bis §5). */
import { expect } from 'vitest';
import { readSetCookies } from '../browser';

/** Name → value, and when it expires, in seconds since 1970. */
export type CookieJar = Map<string, { value: string; until: number }>;

/** Keeps what an answer sets, in its order. `now` in seconds. */
export function keepCookies(jar: CookieJar, response: Response, now: number): void {
  for (const { name, value, attributes } of readSetCookies(response)) {
    // A browser drops a `__Host-` cookie without these (§4.1.3.2).
    expect(attributes).toMatchObject({ secure: true, path: '/' });
    expect(attributes).not.toHaveProperty('domain');
    const seconds = Number(attributes['max-age']);
    if (seconds > 0) jar.set(name, { value, until: now + seconds });
    else jar.delete(name);
  }
}

/** Those that have not expired. */
export function cookiesAt(jar: CookieJar, now: number): [name: string, value: string][] {
  return [...jar].filter(([, { until }]) => now < until).map(([name, { value }]) => [name, value]);
}
