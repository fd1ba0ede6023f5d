/** Rows as columns of text, for people. */
import { toPlainLine } from './plain-text.ts';

export function toTable(rows: readonly object[]): string {
  const [first] = rows;
  if (first === undefined) return 'none';
  const names = Object.keys(first);
  const lines = [
    names.map(toTitle),
    ...rows.map((row) => names.map((name) => toCell((row as Record<string, unknown>)[name]))),
  ];
  const widths = names.map((_, column) =>
    Math.max(...lines.map((line) => line[column]?.length ?? 0)),
  );
  return lines
    .map((line) => line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '))
    .map((line) => line.trimEnd())
    .join('\n');
}

const toTitle = (name: string) => name.replaceAll('_', ' ').toUpperCase();

function toCell(value: unknown): string {
  if (value === null || value === undefined) return '-';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  // A name that a person chose may hold any characters.
  return toPlainLine(Array.isArray(value) ? value.join(', ') || '-' : String(value));
}
