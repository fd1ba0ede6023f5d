/**
 * Sentences are whole in every language; names, places and times are put where braces name them.
 */

/** The parts of a text, with its values in their places. A name without a value stays as it is. */
export function fill<T>(text: string, values: Readonly<Record<string, T>>): (string | T)[] {
  return text
    .split(/\{(\w+)\}/)
    .map((part, index) => (index % 2 === 0 ? part : (values[part] ?? `{${part}}`)));
}

export const fillText = (text: string, values: Readonly<Record<string, string>>) =>
  fill(text, values).join('');
