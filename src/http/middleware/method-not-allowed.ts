/**
 * 405 with `Allow` (RFC 9110 §15.5.6) on every path that has routes for other methods. Call it
 * after all routes are there. Hono's own `methodNotAllowed` answers only where a 404 was not
 * thrown; here each one is, so that http/errors.ts alone makes errors.
 */
import type { Hono } from 'hono';
import type { AppEnv } from '../context';
import { ProblemError } from '../errors';

export function refuseOtherMethods(app: Hono<AppEnv>): void {
  const methods = new Map<string, Set<string>>();
  for (const { path, method } of app.routes) {
    if (method === 'ALL') continue;
    const known = methods.get(path) ?? new Set();
    known.add(method);
    if (method === 'GET') known.add('HEAD');
    methods.set(path, known);
  }
  for (const [path, known] of methods) {
    app.all(path, function methodNotAllowed() {
      throw new ProblemError('method_not_allowed', { headers: { Allow: [...known].join(', ') } });
    });
  }
}
