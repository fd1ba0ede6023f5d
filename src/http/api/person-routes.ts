/**
 * All that is held of a person: erased, or given out, from every home. `user_id` is a user's, or
 * the session id of a guest.
 */
import { Hono } from 'hono';
import { type ExportPosition, erase, exportPerson } from '../../service/person';
import type { Service } from '../../service/service';
import { SECTIONS } from '../../sessions/export';
import { clientAuth } from '../auth/client-auth';
import { clientCallerOf } from '../caller';
import type { AppEnv } from '../context';
import { foreignCursor, parseLimit, readQuery, readReason } from '../input';
import { toProblemError } from '../refusals';
import { readUserId } from './user-routes';

export function personRoutes(service: Service): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();

  routes.delete('/:user_id', clientAuth(service, 'erase_users'), async (c) => {
    const erased = await erase(clientCallerOf(c), service, readUserId(c), readReason(c));
    if (!erased.ok) throw toProblemError(erased.refusal);
    c.set('outcome', erased.wasThere ? 'erased' : 'unchanged');
    return c.body(null, 204);
  });

  /** One page, of one home. A page may be empty, and is the last when there is no `next_cursor`. */
  routes.get('/:user_id/export', clientAuth(service, 'manage_all'), async (c) => {
    const { limit, cursor } = readQuery(c, ['limit', 'cursor', 'reason']);
    const reason = readReason(c, ['limit', 'cursor']);
    const page = { position: parsePosition(cursor), limit: parseLimit(limit) };
    const exported = await exportPerson(clientCallerOf(c), service, readUserId(c), page, reason);
    if (!exported.ok) throw toProblemError(exported.refusal);
    const { home, rows, next } = exported;
    return c.json({
      records: rows.map((held) => ({ home, ...held })),
      next_cursor: next && [next.home, next.section, next.after].join('.'),
    });
  });

  return routes;
}

function parsePosition(cursor: string | undefined): ExportPosition | null {
  if (cursor === undefined) return null;
  const [, home, section, after] = /^([A-Z_0-9]+)\.([a-z]+)\.(\d{1,15})$/.exec(cursor) ?? [];
  const known = SECTIONS.find((name) => name === section);
  if (home === undefined || known === undefined) throw foreignCursor();
  return { home, section: known, after: Number(after) };
}
