/** A JSON column; null for what is no JSON, which a row that was written by hand may hold. */
export function parseJson<T>(text: string | null): T | null {
  if (text === null) return null;
  try {
    return JSON.parse(text) as T;
  } catch {
    return null;
  }
}
