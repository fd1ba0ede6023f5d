/**
 * Pages for people are found with a slash at the end too, which mail programs and people add. The
 * browser is sent on, so that a page has one address.
 */
import { createMiddleware } from 'hono/factory';
import type { AppEnv } from '../context';

export function slashAtTheEnd() {
  return createMiddleware<AppEnv>(async function slashAtTheEnd(c, next) {
    const { pathname, search } = new URL(c.req.url);
    const isRead = c.req.method === 'GET' || c.req.method === 'HEAD';
    if (isRead && pathname.endsWith('/')) return c.redirect(pathname.slice(0, -1) + search, 308);
    return next();
  });
}
