/** The languages of the pages for people. */
import { en, type Texts } from './en';

const LANGUAGES: readonly Texts[] = [en];

/** The first language of `Accept-Language` (RFC 9110 §12.5.4) that there is; English otherwise. */
export function chooseTexts(acceptLanguage: string | undefined): Texts {
  const wanted = (acceptLanguage ?? '')
    .slice(0, 256)
    .split(',')
    .map((part) => {
      const [tag = '', quality] = part.trim().split(/;\s*q=/);
      return {
        language: tag.split('-')[0]?.toLowerCase(),
        quality: quality === undefined ? 1 : Number(quality),
      };
    })
    .filter(({ quality }) => quality > 0)
    .sort((a, b) => b.quality - a.quality);
  const [found] = wanted.flatMap(({ language }) =>
    LANGUAGES.filter((texts) => texts.language === language),
  );
  return found ?? en;
}
