/**
 * Bookmarks: what a caller has seen of each home, or done there, so that replicas which answer them
 * later are no older (D1's Sessions API). An answer that wrote something, or read a replica, gives
 * them; the next request brings them. Apps carry a header, people's pages a cookie.
 */
import { createMiddleware } from 'hono/factory';
import { formatPerHome, parseBookmarks } from '../../calls/cursors';
import type { Config } from '../../config/config';
import type { Bookmarks } from '../../db/d1-access';
import { readBookmarkCookie, setBookmarkCookie } from '../browser/cookies';
import type { AppContext, AppEnv } from '../context';
import { ProblemError } from '../errors';

interface Carrier {
  /** null: there are none, or none that can be believed. Throws a problem. */
  read(c: AppContext): Bookmarks | null;
  write(c: AppContext, bookmarks: string): void;
}

const header: Carrier = {
  read(c) {
    const text = c.req.header('x-d1-bookmark');
    if (text === undefined) return null;
    const bookmarks = parseBookmarks(text);
    if (bookmarks === null)
      throw new ProblemError('invalid_request', 'X-D1-Bookmark is not one that this service gave');
    return bookmarks;
  },
  write: (c, bookmarks) => c.header('X-D1-Bookmark', bookmarks),
};

const cookie: Carrier = {
  read(c) {
    const text = readBookmarkCookie(c);
    return text === null ? null : parseBookmarks(text);
  },
  write: setBookmarkCookie,
};

const carry = ({ homes }: Config, carrier: Carrier) =>
  createMiddleware<AppEnv>(async function bookmarks(c, next) {
    const { bookmarks } = c.get('caller');
    for (const [home, bookmark] of carrier.read(c) ?? [])
      if (homes.has(home)) bookmarks.set(home, bookmark);
    const before = formatPerHome(bookmarks);
    await next();
    const after = formatPerHome(bookmarks);
    if (after !== before) carrier.write(c, after);
  });

export const bookmarksInHeader = (config: Config) => carry(config, header);
export const bookmarksInCookie = (config: Config) => carry(config, cookie);
