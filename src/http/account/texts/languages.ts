/**
 * The languages of the pages for people: English is in the Worker, the others are static assets of
 * it (assets/edge-sessions/languages/), which need no database and which the isolate keeps. Which
 * there are is said by `LANGUAGES` (config/page-texts.ts), and any text can be replaced by `TEXTS`.
 */
import type { Config } from '../../../config/config';
import { ConfigError } from '../../../faults';
import { findAsset } from '../../static-asset';
import { findTextMistakes } from './check-texts';
import { en, type Texts } from './en';
import { type Choice, negotiate, toLocale } from './negotiate';

export interface Languages {
  /** Their tags (RFC 5646); the first one is for whoever speaks none of them. */
  tags: readonly string[];
  /** `asked`: by the address of the page, which goes before what the browser says. */
  choose: (asked: string | undefined, acceptLanguage: string | undefined) => Promise<Spoken>;
}

export interface Spoken extends Choice {
  texts: Texts;
}

/** Throws `ConfigError` where a text of the configuration is none. */
export function createLanguages(
  { languages, texts: replaced }: Pick<Config, 'languages' | 'texts'>,
  assets: Pick<Fetcher, 'fetch'> | null,
): Languages {
  const mistakes = findTextMistakes(replaced);
  if (mistakes.length > 0) throw new ConfigError(mistakes);
  const tags = languages.filter((tag) => tag === 'en' || assets !== null || replaced[tag]);
  /** null: there is no such file. */
  const known = new Map<string, Texts | null>([['en', { ...en, ...replaced.en } as Texts]]);

  /** A text that a language lacks is said in English. */
  async function textsOf(tag: string): Promise<Texts | null> {
    const found = known.get(tag);
    if (found !== undefined) return found;
    const file = await (await findAsset(assets, `languages/${tag}.json`, 'json'))?.json<object>();
    const own = replaced[tag];
    const texts = file || own ? ({ ...en, ...file, ...own } as Texts) : null;
    known.set(tag, texts);
    return texts;
  }

  return {
    tags,
    async choose(asked, acceptLanguage) {
      const chosen = tags.find((tag) => tag === asked);
      const choice = negotiate(acceptLanguage, chosen === undefined ? tags : [chosen]);
      // A file that cannot be read now may be the next time; the page is worth more than it.
      const texts = await textsOf(choice.language).catch(() => null);
      return texts === null
        ? { language: 'en', locale: toLocale('en'), texts: known.get('en') as Texts }
        : { ...choice, texts };
    },
  };
}
