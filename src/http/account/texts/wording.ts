/** Times, places, devices and numbers, as a person's language has them. */
import type { Device } from '../../../risk/user-agent';
import { sayAgo } from '../relative-time';
import { clean } from './clean';
import type { Plural, Texts } from './en';
import { fillText } from './fill';

export interface Wording {
  /** "2 hours ago" */
  ago: (date: Date) => string;
  /** "24 November 2026 at 07:00 GMT-3", where the person is. */
  exactly: (date: Date) => string;
  /** "Lyon, France"; '' when nothing is known. Names come from elsewhere, and are cleaned. */
  place: (place: { country: string | null; city: string | null } | null | undefined) => string;
  /** "Chrome on Windows"; null when nothing is known. */
  device: (device: Pick<Device, 'browser' | 'platform'>) => string | null;
  /** "one, two and three" */
  list: (items: readonly string[]) => string;
  plural: (text: Plural, count: number) => string;
}

/** The wording of one answer. `now` is in ms since 1970, `timeZone` as `request.cf` has it. */
export function createWording(
  texts: Texts,
  locale: string,
  timeZone: unknown,
  now: number,
): Wording {
  const relative = new Intl.RelativeTimeFormat(locale);
  const exact = dateFormat(locale, timeZone);
  const countries = new Intl.DisplayNames(locale, { type: 'region' });
  return {
    ago: (date) => sayAgo(date, now, relative) ?? texts.justNow,
    exactly: (date) => exact.format(date),
    place(found) {
      const city = clean(found?.city);
      const code = clean(found?.country);
      // T1 is Cloudflare's code for Tor, which is no country.
      const country = /^[A-Z]{2}$/.test(code) ? (countries.of(code) ?? code) : code;
      return city && country ? fillText(texts.placeIn, { city, country }) : city || country;
    },
    device(found) {
      const browser = clean(found.browser);
      const platform = clean(found.platform);
      return browser && platform && browser !== platform
        ? fillText(texts.deviceOn, { browser, platform })
        : browser || platform || null;
    },
    list: (items) => new Intl.ListFormat(locale).format(items),
    plural(text, count) {
      const form = text[new Intl.PluralRules(locale).select(count)] ?? text.other;
      return fillText(form, { count: new Intl.NumberFormat(locale).format(count) });
    },
  };
}

function dateFormat(locale: string, timeZone: unknown): Intl.DateTimeFormat {
  const options = {
    year: 'numeric',
    month: 'long',
    day: 'numeric',
    hour: 'numeric',
    minute: '2-digit',
    timeZoneName: 'short',
  } as const;
  try {
    return new Intl.DateTimeFormat(locale, { ...options, timeZone: String(timeZone) });
  } catch {
    return new Intl.DateTimeFormat(locale, { ...options, timeZone: 'UTC' });
  }
}
