/** `LANGUAGES` and `TEXTS`: in which words the pages for people speak. */
import * as v from 'valibot';
import type { Env } from '../env';
import { parseJsonOf } from './json-list';

/** A text, or its forms of the plural (CLDR), by key; the keys are in http/account/texts/en.ts. */
export type TextsByKey = Readonly<Record<string, string | Readonly<Record<string, string>>>>;

export interface PageTexts {
  /** Tags of RFC 5646. The first one is for whoever speaks none of them. */
  languages: readonly string[];
  /** The texts that replace the service's own, by language. */
  texts: Readonly<Record<string, TextsByKey>>;
}

/** Each but `en` is a file of assets/edge-sessions/languages/. */
const DEFAULT_LANGUAGES = 'en, de, fr, es, pt-BR, ja, ar';
/** A language, and maybe its script or region: also the name of a file. */
const TAG = /^[a-z]{2,3}(?:-[A-Z][a-z]{3})?(?:-[A-Z]{2})?$/;

const text = v.string();
const textsSchema = v.record(text, v.record(text, v.union([text, v.record(text, text)])));

export function parsePageTexts({ LANGUAGES, TEXTS }: Env, mistakes: string[]): PageTexts {
  const texts = parseJsonOf('TEXTS', textsSchema, TEXTS || '{}', mistakes) ?? {};
  const tags = (LANGUAGES || DEFAULT_LANGUAGES).split(',').map((tag) => tag.trim());
  const languages = [...new Set([...tags, ...Object.keys(texts)])];
  for (const tag of languages.filter((name) => !TAG.test(name)))
    mistakes.push(`LANGUAGES and TEXTS: ${JSON.stringify(tag)} is no tag like de or pt-BR`);
  return { languages, texts };
}
