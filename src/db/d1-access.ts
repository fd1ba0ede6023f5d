/**
 * For whom D1 is asked: one request, or one part of a cron run. Two things are kept of it, which
 * have nothing to do with each other: what it cost, for the log, and which state of each home was
 * seen, for the replicas that answer next.
 */

/** The cost of what D1 was asked. It decides nothing but when a run has used up its queries. */
export interface D1Usage {
  roundTrips: number;
  /** Statements, of which D1 runs only so many for an invocation. */
  queries: number;
  rowsRead: number;
  rowsWritten: number;
  durationMs: number;
  /** The name of the home that was asked last. */
  lastHome?: string;
}

/**
 * D1's bookmark of the newest state of each home that was seen, or made; the key is the home's
 * name. A replica that is behind its home's bookmark does not answer, so that nobody reads what is
 * older than what they have seen.
 */
export type Bookmarks = Map<string, string>;

export interface D1Access {
  readonly usage: D1Usage;
  readonly bookmarks: Bookmarks;
}

/** `bookmarks` moves on with every answer of D1. Without: nothing was seen yet. */
export const newAccess = (bookmarks: Bookmarks = new Map()): D1Access => ({
  usage: { roundTrips: 0, queries: 0, rowsRead: 0, rowsWritten: 0, durationMs: 0 },
  bookmarks,
});

/** Bookmarks are in the order of their text. `bookmark` is null where D1 gave none. */
export function advance(bookmarks: Bookmarks, home: string, bookmark: string | null): void {
  if (bookmark !== null && bookmark > (bookmarks.get(home) ?? '')) bookmarks.set(home, bookmark);
}
