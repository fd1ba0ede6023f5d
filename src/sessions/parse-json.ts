/** Parses a JSON column; null: it is no JSON, because somebody wrote the row by hand. */
export function parseJson<T>(text: string | null): T | null {
  if (text === null) return null;
  try {
    return JSON.parse(text) as T;
  } catch {
    return null;
  }
}
