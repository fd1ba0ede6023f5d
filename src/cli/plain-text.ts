/**
 * Makes a text of others, like a person's browser or another host, safe for a terminal: it cannot
 * move the cursor, paint, answer as if it were typed, or turn the text around.
 */
import { stripVTControlCharacters } from 'node:util';

const HARMFUL = /(?!\n)\p{Cc}|\p{Bidi_Control}/gu;

/** Lines stay lines. */
export const toPlainText = (text: string) =>
  stripVTControlCharacters(text).replaceAll(HARMFUL, ' ');

export const toPlainLine = (text: string) => toPlainText(text).replaceAll('\n', ' ');

/** Escapes the control characters from U+007F on, which JSON leaves as they are. */
export const toPlainJson = (json: string) =>
  json.replaceAll(
    /[\u007f-\u009f]|\p{Bidi_Control}/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
