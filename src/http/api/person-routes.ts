/**
 * All that is held of a person: erased, or given out, from every home. `user_id` is a user's, or
 * the session id of a guest.
 */
import { Hono } from 'hono';
import { queryAll } from '../../homes/query-all';
import { assertAllAnswered } from '../../service/locate';
import { revocationOf } from '../../service/report';
import type { Service } from '../../service/service';
import { erasePerson, listFormerGuests } from '../../sessions/erase';
import { exportSection, SECTIONS, type Section } from '../../sessions/export';
import { clientAuth, requireGrant } from '../auth/client-auth';
import type { AppContext, AppEnv } from '../context';
import { foreignCursor, parseLimit, readQuery } from '../input';
import { readUserId } from './user-routes';

export function personRoutes(service: Service): Hono<AppEnv> {
  const { config } = service;
  const routes = new Hono<AppEnv>();

  /**
   * Erasing someone who is not there is done already. Safe to repeat, and to be repeated until
   * every home has answered.
   */
  routes.delete('/:user_id', clientAuth(service, 'erase_users'), async (c) => {
    const grant = requireGrant(c.get('client'), 'erase_users');
    const person = await findPerson(c);
    const { answered, unavailable } = await queryAll(homes(c), (home) =>
      erasePerson(home, grant, person, revocationOf(c.get('caller'), service)),
    );
    assertAllAnswered(unavailable);
    c.set('outcome', answered.some(({ answer }) => answer) ? 'erased' : 'unchanged');
    return c.body(null, 204);
  });

  /** One page, of one home. A page may be empty, and is the last when there is no `next_cursor`. */
  routes.get('/:user_id/export', clientAuth(service, 'manage_all'), async (c) => {
    const grant = requireGrant(c.get('client'), 'manage_all');
    const { limit, cursor } = readQuery(c, ['limit', 'cursor']);
    const at = parsePosition(cursor);
    const person = await findPerson(c);
    const page = { ...at, limit: parseLimit(limit) };
    const home = homes(c).find(({ name }) => name === at.home);
    if (home === undefined) throw foreignCursor();
    const { rows, next } = await exportSection(home, grant, person, page);
    const nextPosition = next === null ? positionAfter(at) : { ...at, after: next };
    return c.json({
      records: rows.map((held) => ({ home: home.name, ...held })),
      next_cursor:
        nextPosition && [nextPosition.home, nextPosition.section, nextPosition.after].join('.'),
    });
  });

  return routes;

  function homes(c: AppContext) {
    return service.homes(c.get('caller').meter);
  }

  /** Throws when a home does not answer: who the person was as a guest may be known there alone. */
  async function findPerson(c: AppContext) {
    const subject = readUserId(c);
    const { answered, unavailable } = await queryAll(homes(c), (home) =>
      listFormerGuests(home, subject),
    );
    assertAllAnswered(unavailable);
    return { subject, formerGuests: [...new Set(answered.flatMap(({ answer }) => answer))] };
  }

  function parsePosition(cursor: string | undefined): Position {
    const [first] = config.homes.keys();
    if (cursor === undefined) return { home: first as string, section: SECTIONS[0], after: 0 };
    const [, home = '', section, after] = /^([A-Z_0-9]+)\.([a-z]+)\.(\d{1,15})$/.exec(cursor) ?? [];
    const known = SECTIONS.find((name) => name === section);
    if (known === undefined || !config.homes.has(home)) throw foreignCursor();
    return { home, section: known, after: Number(after) };
  }

  /** The next section, or the next home's first; null: that was all. */
  function positionAfter({ home, section }: Position): Position | null {
    const next = SECTIONS[SECTIONS.indexOf(section) + 1];
    if (next !== undefined) return { home, section: next, after: 0 };
    const names = [...config.homes.keys()];
    const nextHome = names[names.indexOf(home) + 1];
    return nextHome === undefined ? null : { home: nextHome, section: SECTIONS[0], after: 0 };
  }
}

interface Position {
  home: string;
  section: Section;
  after: number;
}
