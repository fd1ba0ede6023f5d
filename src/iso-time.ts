/**
 * ISO 8601 UTC, whole seconds; null for what is no date, which a row that was written by hand may
 * hold and which must not stop a list.
 */
export function toIso(date: Date | null): string | null {
  if (date === null || Number.isNaN(date.getTime())) return null;
  return date.toISOString().replace(/\.\d{3}Z$/, 'Z');
}
