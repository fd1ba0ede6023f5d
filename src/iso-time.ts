/**
 * ISO 8601 UTC, whole seconds; null for what is no date, or none that RFC 3339 can write (a year of
 * more than four digits), which a row that was written by hand may hold and which must not stop a
 * list.
 */
export function toIso(date: Date | null): string | null {
  if (date === null || Number.isNaN(date.getTime())) return null;
  return /^\d{4}-.*(?=\.)/.exec(date.toISOString())?.[0].concat('Z') ?? null;
}
