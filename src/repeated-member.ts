/**
 * JSON with a member that is there twice (RFC 8259 §4: what becomes of it is anyone's guess).
 * `JSON.parse` keeps the last and says nothing, so whoever wrote the first is not heard.
 */

/** Brackets, and texts: with the colon that follows one which is a member's name. */
const STRUCTURE = /("(?:[^"\\]|\\.)*")(\s*:)?|[{}[\]]/g;

/** The name of a member that an object of this valid JSON has twice; null: there is none. */
export function findRepeatedMember(json: string): string | null {
  /** The names in each object that is open; null: it is an array. */
  const open: (Set<string> | null)[] = [];
  for (const [token, text, colon] of json.matchAll(STRUCTURE)) {
    if (token === '{') open.push(new Set());
    else if (token === '[') open.push(null);
    else if (text === undefined) open.pop();
    else if (colon !== undefined) {
      const name = JSON.parse(text) as string;
      const names = open.at(-1);
      if (names?.has(name)) return name;
      names?.add(name);
    }
  }
  return null;
}
