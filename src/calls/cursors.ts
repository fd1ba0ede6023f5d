/** Cursors: the position at which a list goes on, as callers carry it from page to page. */

import type { Positions } from '../numbered-pages';
import type { ExportPosition } from '../service/person';
import { invalid, type Result } from '../service/refusal';
import { SECTIONS } from '../sessions/export';
import type { Position } from '../sessions/open';

type Cursor = string | null | undefined;

export const foreignCursor = () => invalid('cursor is not one that this service gave');

/** Parses the cursor of a list of sessions; null is its beginning. */
export function parseCursor(cursor: Cursor): Result<{ after: Position | null }> {
  if (cursor == null) return { ok: true, after: null };
  const [, seconds, id] = /^(\d{1,11})_([0-9A-Za-z-]{1,64})$/.exec(cursor) ?? [];
  if (seconds === undefined || id === undefined) return foreignCursor();
  return { ok: true, after: { createdAt: new Date(Number(seconds) * 1000), id } };
}

export function formatCursor({ createdAt, id }: Position): string {
  return `${createdAt.getTime() / 1000}_${id}`;
}

const SEQUENCE = /^[1-9]\d{0,14}$/;

/** Parses the cursor of a list that is in the order of writing. */
export function parseSequence(cursor: Cursor): Result<{ position: number | null }> {
  if (cursor == null) return { ok: true, position: null };
  return SEQUENCE.test(cursor) ? { ok: true, position: Number(cursor) } : foreignCursor();
}

/**
 * Parses the cursor of a list of several homes that is in the order of writing: the position in
 * each home.
 */
export function parsePositions(cursor: Cursor): Result<{ before: Positions }> {
  if (cursor == null) return { ok: true, before: new Map() };
  const positions = parsePerHome(cursor, SEQUENCE);
  if (positions === null) return foreignCursor();
  const numbers = [...positions].map(([home, position]) => [home, Number(position)] as const);
  return { ok: true, before: new Map(numbers) };
}

/** Parses the cursor of a person's export. */
export function parseExportCursor(cursor: Cursor): Result<{ position: ExportPosition | null }> {
  if (cursor == null) return { ok: true, position: null };
  const [, home, section, after] = /^([A-Z_0-9]+)\.([a-z]+)\.(\d{1,15})$/.exec(cursor) ?? [];
  const known = SECTIONS.find((name) => name === section);
  if (home === undefined || known === undefined) return foreignCursor();
  return { ok: true, position: { home, section: known, after: Number(after) } };
}

/** Parses the cursor of a drain: the numbers of users and of guests that were passed over. */
export function parseDrainCursor(
  cursor: Cursor,
): Result<{ after: { users: number; guests: number } }> {
  const [, users, guests] = /^(\d{1,15})\.(\d{1,15})$/.exec(cursor ?? '0.0') ?? [];
  if (users === undefined || guests === undefined) return foreignCursor();
  return { ok: true, after: { users: Number(users), guests: Number(guests) } };
}

/** The form of D1's bookmarks, as far as it is known: a caller may send anything. */
const BOOKMARK = /^[0-9a-zA-Z-]{1,128}$/;

/** Parses the bookmarks of several homes; null: the text is none of ours. */
export function parseBookmarks(text: string): Map<string, string> | null {
  return parsePerHome(text, BOOKMARK);
}

/**
 * Something of each home: `<home>.<value>`, with `~` between them. null when it is not that, or a
 * value not of this form.
 */
function parsePerHome(text: string, form: RegExp): Map<string, string> | null {
  const values = new Map<string, string>();
  for (const part of text.split('~')) {
    const [, home, value] = /^(DB\w{0,33})\.(.+)$/.exec(part) ?? [];
    if (home === undefined || value === undefined || !form.test(value)) return null;
    values.set(home, value);
  }
  return values;
}

export function formatPerHome(values: ReadonlyMap<string, string | number>): string {
  return [...values].map(([home, value]) => `${home}.${value}`).join('~');
}
