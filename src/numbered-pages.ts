/**
 * Lists of several homes whose rows are in the order of their writing, which is each home's own: a
 * home numbers its rows, and the next page says for each where it goes on.
 *
 * A page reads a bounded number of rows, of which a caller may not be shown all. So it may be
 * shorter than was asked for, or empty, and is the last one only where nothing says how to go on.
 */

/** Rows that a page reads beyond those that it is asked for, where some are not to be shown. */
export const PASSED_OVER = 50;

/** One home's page, the highest number first. */
export interface NumberedPage<T> {
  rows: T[];
  /** Rows below this number are on the next page; null: this is the last. */
  next: number | null;
}

/** By home: below which number its rows go on. */
export type Positions = ReadonlyMap<string, number>;

/** The rows that are shown, of those that were read: as many as `limit` and `PASSED_OVER`. */
export function toNumberedPage<T>(
  read: readonly T[],
  isShown: (row: T) => boolean,
  numberOf: (row: T) => number,
  limit: number,
): NumberedPage<T> {
  const { rows, last } = takePage(read, isShown, limit);
  return { rows, next: last === undefined ? null : numberOf(last) };
}

/**
 * The same of rows in any order: `last` is where the next page goes on; undefined: there is none.
 */
export function takePage<T>(
  read: readonly T[],
  isShown: (row: T) => boolean,
  limit: number,
): { rows: T[]; last: T | undefined } {
  const shown = read.filter(isShown);
  const rows = shown.slice(0, limit);
  const isFull = read.length > limit + PASSED_OVER;
  return { rows, last: shown.length > limit ? rows.at(-1) : isFull ? read.at(-1) : undefined };
}

export interface MergedPage<T> {
  rows: T[];
  /** null: this is the last page. */
  next: Positions | null;
}

interface Numbered {
  id: string;
  createdAt: Date;
}

/**
 * Merges the pages of several homes into one, the newest first. A row that is in two homes, because
 * it moved with its user, is listed once.
 */
export function mergeNumberedPages<T extends Numbered>(
  pages: readonly { home: string; page: NumberedPage<T> }[],
  numberOf: (row: T) => number,
  { limit, before }: { limit: number; before: Positions },
): MergedPage<T> {
  const queues = pages.map(({ home, page }) => ({ home, rest: [...page.rows], next: page.next }));
  const rows = new Map<string, T>();
  const next = new Map(before);
  // The newest of what each home has next: within a home the order of writing stays, whatever the
  // times say. Where a home has more that is not read yet, its next row may be the newest.
  while (
    rows.size < limit &&
    queues.every((queue) => queue.rest.length > 0 || queue.next === null)
  ) {
    const heads = queues.filter(({ rest }) => rest.length > 0);
    if (heads.length === 0) break;
    const { home, rest } = heads.reduce((a, b) => (timeOf(b.rest) > timeOf(a.rest) ? b : a));
    const row = rest.shift() as T;
    rows.set(row.id, rows.get(row.id) ?? row);
    next.set(home, numberOf(row));
  }
  for (const queue of queues)
    if (queue.rest.length === 0 && queue.next !== null) next.set(queue.home, queue.next);
  const hasMore = queues.some((queue) => queue.rest.length > 0 || queue.next !== null);
  return { rows: [...rows.values()], next: hasMore ? next : null };
}

const timeOf = ([row]: Numbered[]) => row?.createdAt.getTime() ?? 0;
