/** For operators: the homes, moving people between them, and a not-before. */
import { Hono } from 'hono';
import * as v from 'valibot';
import { EVERYONE } from '../../db/schema';
import { chooseNextHome } from '../../homes/choose';
import { locateUser } from '../../homes/location';
import { listResidents, listUnfinished, moveSubject } from '../../homes/move';
import { queryAll } from '../../homes/query-all';
import { toIso } from '../../iso-time';
import { assertAllAnswered, finishMoves, moveContext } from '../../service/locate';
import { report } from '../../service/report';
import type { Service } from '../../service/service';
import { setNotBefore } from '../../sessions/not-before';
import { clientAuth } from '../auth/client-auth';
import type { AppEnv } from '../context';
import { ProblemError } from '../errors';
import { foreignCursor, readJson, uuid, validate } from '../input';

const moveSchema = v.strictObject({ home: v.string() });
/**
 * One drain moves so many users and so many guests: each takes up to 18 statements, of which an
 * invocation has 1,000.
 */
const MAX_DRAINED = 25;
const drainSchema = v.strictObject({
  limit: v.optional(
    v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(MAX_DRAINED)),
    MAX_DRAINED,
  ),
  cursor: v.nullish(v.string()),
});
const notBeforeSchema = v.strictObject({
  user_id: v.optional(uuid),
  home: v.optional(v.string()),
  /** Said, so that a member which went missing on its way here ends nobody else's sessions. */
  everyone: v.optional(v.literal(true, 'can only be true')),
  /** Seconds since 1970; now, unless it is given. */
  not_before: v.optional(
    v.pipe(v.number(), v.integer('must be whole seconds since 1970'), v.minValue(0)),
  ),
});

export function operatorRoutes(service: Service): {
  homes: Hono<AppEnv>;
  users: Hono<AppEnv>;
  notBefore: Hono<AppEnv>;
} {
  const { config, now } = service;
  const operator = clientAuth(service, 'operate');
  const [homes, users, notBefore] = [new Hono<AppEnv>(), new Hono<AppEnv>(), new Hono<AppEnv>()];

  homes.get('/', operator, async (c) => {
    const { answered, unavailable } = await queryAll(
      service.homes(c.get('caller').meter),
      listUnfinished,
    );
    const unfinished = new Map(answered.map(({ home, answer }) => [home.name, answer.length]));
    return c.json({
      homes: [...config.homes.values()].map(({ name, regions, jurisdiction, newUsers }) => ({
        home: name,
        regions,
        jurisdiction,
        new_users: newUsers,
        answers: !unavailable.includes(name),
        unfinished_moves: unfinished.get(name) ?? null,
      })),
    });
  });

  /**
   * Moves some of those who live in a home that takes nobody new. To be called until `next_cursor`
   * is null.
   */
  homes.post('/:home/drain', operator, async (c) => {
    const { input } = await readJson(c, drainSchema);
    const from = config.homes.get(c.req.param('home'));
    if (from === undefined) throw new ProblemError('not_found', 'There is no such home');
    if (from.newUsers !== 'none')
      throw new ProblemError(
        'invalid_request',
        'Set new_users of this home to none first, or others would come',
      );
    const source = service.boundHome(from.name, c.get('caller').meter);
    const { subjects, next } = await listResidents(
      source,
      { policy: config.sessions, now: now() },
      parseCursor(input.cursor ?? null),
      input.limit,
    );
    for (const subject of subjects) {
      const next = await chooseNextHome(config.homes, from, subject);
      if (next === null)
        throw new ProblemError(
          'invalid_request',
          'There is no home of the same jurisdiction that takes new users',
        );
      const target = service.boundHome(next, c.get('caller').meter);
      report(
        c.get('caller'),
        target,
        await moveSubject(source, target, subject, moveContext(c.get('caller'), service)),
      );
    }
    c.set('outcome', 'drained');
    return c.json({ moved: subjects.length, next_cursor: next && `${next.users}.${next.guests}` });
  });

  users.post('/:user_id/move', operator, async (c) => {
    const { user_id: userId } = validate(v.strictObject({ user_id: uuid }), {
      user_id: c.req.param('user_id'),
    });
    const { input } = await readJson(c, moveSchema);
    const to = config.homes.get(input.home);
    if (to === undefined)
      throw new ProblemError('invalid_request', 'home is not one of this service');
    if (to.newUsers === 'none')
      throw new ProblemError('invalid_request', 'home takes no new users');
    const who = { user: { id: userId }, guest: null, keyHash: null };
    const userLocation = await locateUser(service.homes(c.get('caller').meter), who, now());
    assertAllAnswered(userLocation.unavailable);
    if (userLocation.home === null) throw new ProblemError('not_found', 'There is no such user');
    await finishMoves(c.get('caller'), service, userLocation);
    if (userLocation.home !== to.name) {
      const [source, target] = [
        service.boundHome(userLocation.home, c.get('caller').meter),
        service.boundHome(to.name, c.get('caller').meter),
      ];
      report(
        c.get('caller'),
        target,
        await moveSubject(source, target, userId, moveContext(c.get('caller'), service)),
      );
    }
    c.set('outcome', userLocation.home === to.name ? 'unchanged' : 'moved');
    return c.json({ user_id: userId, home: to.name, moved: userLocation.home !== to.name });
  });

  /** Ends what began before a time: of a user, of a home, or of everyone. Safe to repeat. */
  notBefore.post('/', operator, async (c) => {
    const { input } = await readJson(c, notBeforeSchema);
    const targets = [input.user_id, input.home, input.everyone];
    if (targets.filter((target) => target !== undefined).length !== 1)
      throw new ProblemError(
        'invalid_request',
        'Name one of user_id, home, and everyone, which is true',
      );
    if (input.home !== undefined && !config.homes.has(input.home))
      throw new ProblemError('invalid_request', 'home is not one of this service');
    const second = input.not_before ?? Math.floor(now() / 1000);
    // What begins from now on would be over as soon as it is there.
    if (second > now() / 1000)
      throw new ProblemError('invalid_request', 'not_before is in the future');
    const asked = service
      .homes(c.get('caller').meter)
      .filter(({ name }) => input.home === undefined || input.home === name);
    const { unavailable } = await queryAll(asked, (home) =>
      setNotBefore(home, input.user_id ?? EVERYONE, second * 1000),
    );
    assertAllAnswered(unavailable);
    c.set('outcome', 'outdated');
    return c.json({ not_before: toIso(new Date(second * 1000)) });
  });

  return { homes, users, notBefore };
}

function parseCursor(cursor: string | null) {
  const [, people, guests] = /^(\d{1,15})\.(\d{1,15})$/.exec(cursor ?? '0.0') ?? [];
  if (people === undefined || guests === undefined) throw foreignCursor();
  return { users: Number(people), guests: Number(guests) };
}
