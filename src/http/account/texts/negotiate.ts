/**
 * Which of the languages a person is spoken to in. Hono's `accepts` and `language` find nobody a
 * variety beside their own, as Brazil's for Portugal's Portuguese, and name no locale for dates.
 */

export interface Choice {
  language: string;
  /** The locale of dates and numbers: the person's own variety of the language. */
  locale: string;
}

/** RFC 9110 §12.5.4, with the weight of §12.4.2. */
const ITEM =
  /^\s*(\*|[a-z]{1,8}(?:-[a-z0-9]{1,8})*)\s*(?:;\s*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*)?$/i;
/** A language, and maybe a region: what Intl takes without a doubt. */
const VARIETY = /^[a-z]{2,3}(?:-(?:[a-z]{2}|\d{3}))?$/i;
/** Browsers send far less. */
const MAX_LENGTH = 512;

/**
 * The first of the ranges of `Accept-Language`, by weight, that a language is found for: by look-up
 * (RFC 4647 §3.4), else one of the same primary subtag, because who reads Portuguese of Portugal
 * reads that of Brazil. Without any, the first of `languages`.
 */
export function negotiate(header: string | undefined, languages: readonly string[]): Choice {
  const ranges = (header ?? '')
    .slice(0, MAX_LENGTH)
    .split(',')
    .map((item) => {
      const [, range = '', weight = '1'] = ITEM.exec(item) ?? [];
      return { range: range.toLowerCase(), weight: range === '' ? 0 : Number(weight) };
    })
    .filter(({ weight }) => weight > 0)
    .sort((a, b) => b.weight - a.weight);
  for (const { range } of ranges) {
    const language = findFor(range, languages);
    if (language !== undefined)
      return { language, locale: VARIETY.test(range) ? range : toLocale(language) };
  }
  const [language = 'en'] = languages;
  return { language, locale: toLocale(language) };
}

function findFor(range: string, languages: readonly string[]): string | undefined {
  const isIt = (tag: string) => languages.find((language) => language.toLowerCase() === tag);
  for (let tag = range; tag !== ''; tag = tag.slice(0, Math.max(0, tag.lastIndexOf('-')))) {
    const found = isIt(tag);
    if (found !== undefined) return found;
  }
  const [primary] = range.split('-');
  return languages.find((language) => language.toLowerCase().split('-')[0] === primary);
}

/** English of no country has the dates that most of the world reads. */
export const toLocale = (language: string) => (language === 'en' ? 'en-GB' : language);
