/**
 * Finds the mistakes in the texts of `TEXTS`. A page would show one as it is, or could not be made.
 * A name in braces may be left out: "Back to the shop" says enough.
 */
import type { TextsByKey } from '../../../config/page-texts';
import { en, type Plural, type Texts } from './en';

export function findTextMistakes(texts: Readonly<Record<string, TextsByKey>>): string[] {
  return Object.entries(texts).flatMap(([tag, own]) =>
    Object.entries(own).flatMap(([key, text]) => {
      const english = Object.hasOwn(en, key) ? en[key as keyof Texts] : undefined;
      const wrong = whatIsWrong(english, text);
      return wrong ? [`TEXTS: ${tag}.${key} ${wrong}`] : [];
    }),
  );
}

function whatIsWrong(english: string | Plural | undefined, text: TextsByKey[string]) {
  if (english === undefined) return 'is no text of the pages';
  if (typeof english === 'string' ? typeof text !== 'string' : !(text as Partial<Plural>).other)
    return typeof english === 'string' ? 'has no plural' : 'has to have its plural, with "other"';
  const known = bracesOf(english);
  const unknown = bracesOf(text).find((name) => !known.includes(name));
  return unknown && `has no ${unknown}`;
}

const bracesOf = (text: TextsByKey[string] | Plural): string[] =>
  JSON.stringify(text).match(/\{\w+\}/g) ?? [];
