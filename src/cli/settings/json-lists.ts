/**
 * Settings that are JSON arrays in a variable, of which Cloudflare takes 5 KB: an entry goes into
 * the first variable that has room for it, `CLIENTS`, then `CLIENTS_2` and so on.
 */
import { parseTree } from 'jsonc-parser';
import { MAX_VARIABLE_BYTES } from '../deploy/file-checks.ts';
import type { PlainEnvironment } from '../environment.ts';
import { Failure } from '../failure.ts';

export interface Addition {
  /** The variable that the entry goes into. */
  variable: string;
  /** The value after the change. */
  value: string;
  bytes: number;
}

/**
 * Finds the variable that an entry goes into. `canGoOn`: whether the list may go on in further
 * variables.
 */
export function addToList(
  { vars, file, title }: PlainEnvironment,
  name: string,
  entry: object,
  canGoOn: boolean,
): Addition {
  for (let number = 1; ; number += 1) {
    const variable = number === 1 ? name : `${name}_${number}`;
    const present = vars[variable] ?? '[]';
    if (typeof present !== 'string')
      throw new Failure(`${variable} of ${title} of ${file.name} is no text with a JSON array`);
    const value = withEntry(present || '[]', entry);
    if (value === null)
      throw new Failure(`${variable} of ${title} of ${file.name} is no JSON array`);
    const bytes = Buffer.byteLength(value);
    if (bytes <= MAX_VARIABLE_BYTES) return { variable, value, bytes };
    // An entry that is too large by itself finds room nowhere.
    if (!canGoOn || vars[variable] === undefined)
      throw new Failure(
        `${variable} would have ${bytes} bytes, and Cloudflare takes ${MAX_VARIABLE_BYTES} (5 KB) for a variable`,
      );
  }
}

/** The JSON array with one more entry, and as it was written before it. null: it is none. */
function withEntry(json: string, entry: object): string | null {
  const array = parseTree(json);
  if (array?.type !== 'array' || !isJson(json)) return null;
  const added = JSON.stringify(entry);
  const last = array.children?.at(-1);
  if (last === undefined) return `[${added}]`;
  const end = last.offset + last.length;
  // On a line of its own where the others are.
  const line = json.slice(json.lastIndexOf('\n', last.offset - 1) + 1, last.offset);
  const isOnLine = json.slice(0, last.offset).includes('\n') && line.trim() === '';
  return `${json.slice(0, end)},${isOnLine ? `\n${line}` : ''}${added}${json.slice(end)}`;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
